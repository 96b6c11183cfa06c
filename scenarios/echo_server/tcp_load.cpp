// The load of plain TCP clients: one thread waits for all their sockets at once.
#include "base/open_files.hpp"
#include "scenarios/echo_server/load.hpp"
#include "transport/lines/tcp_socket.hpp"

#include <atomic>
#include <cerrno>
#include <cstring>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdexcept>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <thread>
#include <unistd.h>
#include <utility>
#include <vector>

namespace troupe::scenarios::echo {

namespace {

using clock = std::chrono::steady_clock;

class tcp_load final : public line_load {
 public:
  tcp_load(line_load_plan plan, load_listener tell)
      : plan_(std::move(plan)), tally_(plan_, std::move(tell)), to_(transport::parse_address(plan_.address)),
        files_(plan_.clients) {
    if (files_.granted() < plan_.clients)
      throw std::runtime_error(
          std::to_string(plan_.clients)
          + " TCP clients need as many open files, and the system allows this process only "
          + std::to_string(files_.granted()) + " more: see ulimit -Hn");
    epoll_ = ::epoll_create1(EPOLL_CLOEXEC);
    wake_ = ::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    if (epoll_ < 0 || wake_ < 0)
      throw std::runtime_error(std::string("cannot begin a load: ") + std::strerror(errno));
    epoll_event event{.events = EPOLLIN, .data = {.u64 = plan_.clients}};
    ::epoll_ctl(epoll_, EPOLL_CTL_ADD, wake_, &event);
    clients_.resize(plan_.clients);
    thread_ = std::thread([this] { run(); });
  }
  ~tcp_load() override {
    ask(load_wish::end_now);
    thread_.join();
    for (auto& each : clients_)
      if (each.socket >= 0) ::close(each.socket);
    ::close(wake_);
    ::close(epoll_);
  }
  void stop() override { ask(load_wish::say_nothing_more); }

 private:
  void ask(load_wish what) {
    if (wanted_.load() >= what) return;
    wanted_.store(what);
    const std::uint64_t one = 1;
    [[maybe_unused]] const auto written = ::write(wake_, &one, sizeof one);
  }

  struct client : load_client {
    int socket = -1;
    std::string out, in; ///< bytes still to send, and of a line that is not whole
  };

  void run() {
    for (std::size_t i = 0; i < clients_.size(); ++i)
      connect(i);
    std::vector<epoll_event> events(256);
    while (left_ > 0 && wanted_.load() != load_wish::end_now) {
      const int count = ::epoll_wait(epoll_, events.data(), static_cast<int>(events.size()),
                                     static_cast<int>(telling_interval.count()));
      for (int i = 0; i < count; ++i)
        on_event(events[static_cast<std::size_t>(i)]);
      tally_.tell();
    }
    if (left_ == 0) tally_.tell_end();
  }

  void on_event(const epoll_event& event) {
    if (event.data.u64 == clients_.size()) {
      std::uint64_t ignored = 0;
      [[maybe_unused]] const auto cleared = ::read(wake_, &ignored, sizeof ignored);
      for (std::size_t i = 0; i < clients_.size(); ++i)
        if (clients_[i].asked.empty()) finish(i);
      return;
    }
    const auto index = static_cast<std::size_t>(event.data.u64);
    if (clients_[index].through) return;
    if ((event.events & EPOLLOUT) != 0) write(index);
    if (!clients_[index].through && (event.events & (EPOLLIN | EPOLLERR | EPOLLHUP)) != 0) read(index);
  }

  void connect(std::size_t index) {
    auto& who = clients_[index];
    if (who.socket >= 0) ::close(std::exchange(who.socket, -1));
    who.in.clear();
    who.socket = ::socket(to_.storage.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (who.socket < 0 || (::connect(who.socket, to_.get(), to_.size) != 0 && errno != EINPROGRESS)) {
      lose(index);
      return;
    }
    const int one = 1;
    ::setsockopt(who.socket, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    epoll_event event{.events = EPOLLIN | EPOLLOUT | EPOLLET, .data = {.u64 = index}};
    ::epoll_ctl(epoll_, EPOLL_CTL_ADD, who.socket, &event);
    ask_next(index);
  }

  void ask_next(std::size_t index) {
    auto& who = clients_[index];
    if (wanted_.load() != load_wish::go_on || who.said == plan_.messages) {
      finish(index);
      return;
    }
    tally_.says_next(who, index);
    who.out = who.asked + '\n';
    write(index);
  }

  void write(std::size_t index) {
    auto& who = clients_[index];
    while (!who.out.empty()) {
      if (who.out.size() == who.asked.size() + 1) who.asked_at = clock::now(); // not before it is connected
      const auto count = ::send(who.socket, who.out.data(), who.out.size(), MSG_NOSIGNAL);
      if (count < 0 && errno == EINTR) continue;
      if (count < 0 && (errno == EAGAIN || errno == ENOTCONN)) return;
      if (count < 0) {
        lose(index);
        return;
      }
      who.out.erase(0, static_cast<std::size_t>(count));
    }
  }

  void read(std::size_t index) {
    char bytes[16384];
    while (!clients_[index].through) {
      auto& who = clients_[index];
      const auto count = ::recv(who.socket, bytes, sizeof bytes, 0);
      if (count < 0 && errno == EINTR) continue;
      if (count < 0 && errno == EAGAIN) return;
      if (count <= 0) {
        on_end(index);
        return;
      }
      who.in.append(bytes, static_cast<std::size_t>(count));
      const auto socket = who.socket;
      for (auto end = who.in.find('\n'); end != std::string::npos && !who.through; end = who.in.find('\n')) {
        const auto line = who.in.substr(0, end);
        who.in.erase(0, end + 1);
        on_line(index, line);
      }
      if (who.socket != socket) return; // connected anew
    }
  }

  void on_line(std::size_t index, std::string_view line) {
    const auto what = tally_.reads(clients_[index], line);
    if (what == heard::last_words) lose(index);
    if (what == heard::echo && !plan_.reconnect) ask_next(index); // else at the end of the connection
  }

  void on_end(std::size_t index) {
    auto& who = clients_[index];
    if (!plan_.reconnect || !who.asked.empty())
      lose(index);
    else if (wanted_.load() != load_wish::go_on || who.said == plan_.messages)
      finish(index);
    else
      connect(index);
  }

  void lose(std::size_t index) {
    tally_.lost(clients_[index]);
    finish(index);
  }

  void finish(std::size_t index) {
    auto& who = clients_[index];
    if (std::exchange(who.through, true)) return;
    if (who.socket >= 0) ::close(std::exchange(who.socket, -1));
    --left_;
  }

  const line_load_plan plan_;
  load_tally tally_;
  const transport::socket_address to_;
  const file_reservation files_;
  int epoll_ = -1, wake_ = -1;
  std::atomic<load_wish> wanted_{load_wish::go_on};
  std::vector<client> clients_;
  std::uint64_t left_ = plan_.clients;
  std::thread thread_;
};

} // namespace

std::unique_ptr<line_load> make_tcp_load(line_load_plan plan, load_listener tell) {
  return std::make_unique<tcp_load>(std::move(plan), std::move(tell));
}

} // namespace troupe::scenarios::echo
