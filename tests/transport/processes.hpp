// Child processes and a TCP proxy, for tests over real sockets.
#pragma once

#include "tests/transport/support.hpp"

#include <arpa/inet.h>
#include <csignal>
#include <fcntl.h>
#include <list>
#include <netinet/in.h>
#include <poll.h>
#include <spawn.h>
#include <sstream>
#include <sys/socket.h>
#include <sys/wait.h>
#include <thread>
#include <unistd.h>

extern char** environ;

namespace transport_tests {

/// One transport_child; killed at the end if it is still there.
class child_process {
 public:
  /// `prefix` is put before the command, as `ip netns exec NAME` is.
  explicit child_process(std::vector<std::string> arguments, std::vector<std::string> prefix = {}) {
    int to_child[2];
    int from_child[2];
    if (::pipe2(to_child, O_CLOEXEC) != 0 || ::pipe2(from_child, O_CLOEXEC) != 0)
      throw std::runtime_error("pipe");
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, to_child[0], 0);
    posix_spawn_file_actions_adddup2(&actions, from_child[1], 1);
    auto command = std::move(prefix);
    command.emplace_back(TROUPE_TRANSPORT_CHILD);
    command.insert(command.end(), arguments.begin(), arguments.end());
    std::vector<char*> argv;
    for (auto& a : command)
      argv.push_back(a.data());
    argv.push_back(nullptr);
    const int rc = ::posix_spawnp(&pid_, argv[0], &actions, nullptr, argv.data(), environ);
    posix_spawn_file_actions_destroy(&actions);
    ::close(to_child[0]);
    ::close(from_child[1]);
    input_ = to_child[1];
    output_ = from_child[0];
    if (rc != 0) throw std::runtime_error("cannot start " + command[0]);
    std::string line;
    for (char c = 0; ::read(output_, &c, 1) == 1 && c != '\n';)
      line += c;
    std::istringstream words(line);
    words >> endpoint_ >> incarnation_;
  }
  ~child_process() {
    kill(SIGKILL);
    reap();
    if (input_ >= 0) ::close(input_);
    ::close(output_);
  }
  child_process(const child_process&) = delete;
  child_process& operator=(const child_process&) = delete;

  const std::string& endpoint() const { return endpoint_; }
  std::uint64_t incarnation() const { return incarnation_; }
  pid_t pid() const { return pid_; }
  void kill(int signal) {
    if (pid_ > 0) ::kill(pid_, signal);
  }
  /// SIGSTOP, and waits until it has taken effect.
  void stop() {
    kill(SIGSTOP);
    int status = 0;
    ::waitpid(pid_, &status, WUNTRACED);
  }
  /// Its next line of output (see transport_child.cpp); empty when there is none in time.
  std::string next_line(std::chrono::milliseconds patience = std::chrono::seconds{60}) {
    std::string line;
    pollfd readable{output_, POLLIN, 0};
    for (char c = 0;
         ::poll(&readable, 1, static_cast<int>(patience.count())) == 1 && ::read(output_, &c, 1) == 1;
         line += c)
      if (c == '\n') return line;
    return line;
  }
  /// Asks it to stop in order.
  void close_input() {
    ::close(input_);
    input_ = -1;
  }
  int reap() {
    int status = -1;
    if (pid_ > 0) ::waitpid(pid_, &status, 0);
    pid_ = -1;
    return status;
  }

 private:
  pid_t pid_ = -1;
  int input_ = -1;
  int output_ = -1;
  std::string endpoint_;
  std::uint64_t incarnation_ = 0;
};

/// Forwards connections from an own port on loopback to another; can cut them all, and
/// stall: then it keeps them open and moves nothing.
class tcp_proxy {
 public:
  explicit tcp_proxy(const std::string& target) {
    target_port_ = static_cast<std::uint16_t>(std::stoul(target.substr(target.rfind(':') + 1)));
    listener_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    auto address = loopback(0);
    ::bind(listener_, reinterpret_cast<sockaddr*>(&address), sizeof address);
    ::listen(listener_, 16);
    socklen_t size = sizeof address;
    ::getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &size);
    endpoint_ = "tcp://127.0.0.1:" + std::to_string(ntohs(address.sin_port));
    if (::pipe2(wake_, O_CLOEXEC | O_NONBLOCK) != 0) throw std::runtime_error("pipe");
    thread_ = std::thread([this] { run(); });
  }
  ~tcp_proxy() {
    done_ = true;
    wake();
    thread_.join();
    for (auto& c : connections_)
      for (const int fd : c.ends)
        ::close(fd);
    ::close(listener_);
    ::close(wake_[0]);
    ::close(wake_[1]);
  }
  tcp_proxy(const tcp_proxy&) = delete;
  tcp_proxy& operator=(const tcp_proxy&) = delete;

  const std::string& endpoint() const { return endpoint_; }
  void cut() {
    cut_ = true;
    wake();
  }
  void stall(bool stalled) {
    stalled_ = stalled;
    wake();
  }
  int accepted() const { return accepted_; }

 private:
  struct connection {
    int ends[2];
    std::string pending[2]; ///< read from that end, not yet written to the other
    bool broken = false;
  };

  static sockaddr_in loopback(std::uint16_t port) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    address.sin_port = htons(port);
    return address;
  }
  void wake() { [[maybe_unused]] const auto n = ::write(wake_[1], "x", 1); }

  void run() {
    while (!done_) {
      std::vector<pollfd> fds{{wake_[0], POLLIN, 0}, {listener_, POLLIN, 0}};
      if (!stalled_)
        for (auto& c : connections_)
          for (int side = 0; side < 2; ++side) {
            short events = 0;
            if (c.pending[side].empty()) events |= POLLIN;
            if (!c.pending[1 - side].empty()) events |= POLLOUT;
            fds.push_back({c.ends[side], events, 0});
          }
      ::poll(fds.data(), fds.size(), -1);
      char drain[64];
      while (::read(wake_[0], drain, sizeof drain) > 0) {
      }
      if (cut_.exchange(false))
        for (auto& c : connections_)
          c.broken = true;
      else if (!stalled_)
        for (auto& c : connections_)
          move(c);
      connections_.remove_if([](const connection& c) {
        if (c.broken)
          for (const int fd : c.ends)
            ::close(fd);
        return c.broken;
      });
      accept_new();
    }
  }

  void move(connection& c) {
    for (int side = 0; side < 2; ++side) {
      auto& pending = c.pending[side];
      if (pending.empty()) {
        char buffer[65536];
        const auto n = ::read(c.ends[side], buffer, sizeof buffer);
        if (n > 0) pending.assign(buffer, static_cast<std::size_t>(n));
        if (n == 0 || (n < 0 && errno != EAGAIN)) c.broken = true;
      }
      if (pending.empty()) continue;
      const auto n = ::send(c.ends[1 - side], pending.data(), pending.size(), MSG_NOSIGNAL);
      if (n > 0) pending.erase(0, static_cast<std::size_t>(n));
      if (n < 0 && errno != EAGAIN) c.broken = true;
    }
  }

  void accept_new() {
    for (;;) {
      const int fd = ::accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK);
      if (fd < 0) return;
      ++accepted_;
      const int out = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
      const auto address = loopback(target_port_);
      if (::connect(out, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
        ::close(fd);
        ::close(out);
        continue;
      }
      ::fcntl(out, F_SETFL, O_NONBLOCK);
      connections_.push_back({{fd, out}, {}, false});
    }
  }

  std::uint16_t target_port_ = 0;
  int listener_ = -1;
  int wake_[2] = {-1, -1};
  std::string endpoint_;
  std::list<connection> connections_;
  std::atomic<bool> done_{false};
  std::atomic<bool> cut_{false};
  std::atomic<bool> stalled_{false};
  std::atomic<int> accepted_{0};
  std::thread thread_;
};

} // namespace transport_tests
