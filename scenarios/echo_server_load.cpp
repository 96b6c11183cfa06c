#include "scenarios/echo_server_load.hpp"

#include <arpa/inet.h>
#include <atomic>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdexcept>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <thread>
#include <unistd.h>
#include <utility>
#include <vector>

namespace troupe::scenarios::echo {

namespace {

using clock = std::chrono::steady_clock;

constexpr std::chrono::milliseconds telling_interval{100};
constexpr std::string_view prefix = "Echoed back: ";

sockaddr_in address_of(const std::string& text) {
  const auto colon = text.rfind(':');
  sockaddr_in result{};
  result.sin_family = AF_INET;
  std::uint16_t port = 0;
  const auto* end = text.data() + text.size();
  if (colon == std::string::npos || std::from_chars(text.data() + colon + 1, end, port).ptr != end
      || ::inet_pton(AF_INET, text.substr(0, colon).c_str(), &result.sin_addr) != 1)
    throw std::invalid_argument("no address of TCP clients: " + text);
  result.sin_port = htons(port);
  return result;
}

} // namespace

std::string load_text(const std::string& who, std::uint64_t number, std::uint64_t bytes) {
  auto text = who + " says " + std::to_string(number);
  if (text.size() < bytes) text.append(bytes - text.size(), '.');
  return text;
}

namespace {

class tcp_load final : public line_load {
 public:
  tcp_load(line_load_plan plan, load_listener tell)
      : plan_(std::move(plan)), tell_(std::move(tell)), to_(address_of(plan_.address)) {
    allow_files();
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
    ask(2);
    thread_.join();
    for (auto& each : clients_)
      if (each.socket >= 0) ::close(each.socket);
    ::close(wake_);
    ::close(epoll_);
  }
  void stop() override { ask(1); }

 private:
  /// 1: send nothing more; 2: end now.
  void ask(int what) {
    if (wanted_.load() >= what) return;
    wanted_.store(what);
    const std::uint64_t one = 1;
    [[maybe_unused]] const auto written = ::write(wake_, &one, sizeof one);
  }

  struct client {
    int socket = -1;
    bool through = false;
    std::uint64_t said = 0;
    std::string asked;   ///< the text that waits for its echo; empty: none
    std::string out, in; ///< bytes still to send, and of a line that is not whole
    clock::time_point asked_at{};
  };

  void allow_files() const {
    rlimit limit{};
    if (::getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur >= plan_.clients + 256) return;
    limit.rlim_cur = std::min<rlim_t>(limit.rlim_max, plan_.clients + 256);
    ::setrlimit(RLIMIT_NOFILE, &limit);
  }

  void run() {
    for (std::size_t i = 0; i < clients_.size(); ++i)
      connect(i);
    std::vector<epoll_event> events(256);
    while (left_ > 0 && wanted_.load() < 2) {
      const int count = ::epoll_wait(epoll_, events.data(), static_cast<int>(events.size()),
                                     static_cast<int>(telling_interval.count()));
      for (int i = 0; i < count; ++i)
        on_event(events[static_cast<std::size_t>(i)]);
      tell();
    }
    if (left_ == 0) {
      told_ = {};
      tell();
      tell_.on_done(counts_);
    }
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
    who.socket = ::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (who.socket < 0
        || (::connect(who.socket, reinterpret_cast<const sockaddr*>(&to_), sizeof to_) != 0
            && errno != EINPROGRESS)) {
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
    if (wanted_.load() != 0 || who.said == plan_.messages) {
      finish(index);
      return;
    }
    who.asked = load_text("client " + std::to_string(index + 1), ++who.said, plan_.bytes);
    who.out = who.asked + '\n';
    ++counts_.sent;
    write(index);
  }

  void write(std::size_t index) {
    auto& who = clients_[index];
    while (!who.out.empty()) {
      if (who.out.size() == who.asked.size() + 1) who.asked_at = clock::now();
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
    auto& who = clients_[index];
    const bool echo = line.starts_with(prefix);
    if (!echo && plan_.ignores_notices) return;
    if (!echo || who.asked.empty() || line.substr(prefix.size()) != who.asked) {
      ++counts_.wrong;
      return;
    }
    counts_.latencies.add(clock::now() - who.asked_at);
    ++counts_.echoed;
    who.asked.clear();
    if (!plan_.reconnect) ask_next(index); // else at the end of the connection
  }

  void on_end(std::size_t index) {
    auto& who = clients_[index];
    if (!plan_.reconnect || !who.asked.empty())
      lose(index);
    else if (wanted_.load() != 0 || who.said == plan_.messages)
      finish(index);
    else
      connect(index);
  }

  void lose(std::size_t index) {
    ++counts_.lost;
    if (!clients_[index].asked.empty()) ++counts_.unanswered;
    clients_[index].asked.clear();
    finish(index);
  }

  void finish(std::size_t index) {
    auto& who = clients_[index];
    if (std::exchange(who.through, true)) return;
    if (who.socket >= 0) ::close(std::exchange(who.socket, -1));
    --left_;
  }

  void tell() {
    const auto now = clock::now();
    if (now - told_ < telling_interval || counts_.echoed == told_count_) return;
    told_ = now;
    tell_.on_progress(counts_.echoed - std::exchange(told_count_, counts_.echoed));
  }

  const line_load_plan plan_;
  const load_listener tell_;
  const sockaddr_in to_;
  int epoll_ = -1, wake_ = -1;
  std::atomic<int> wanted_{0};
  std::vector<client> clients_;
  std::uint64_t left_ = plan_.clients;
  line_load_counts counts_;
  std::uint64_t told_count_ = 0;
  clock::time_point told_{};
  std::thread thread_;
};

} // namespace

std::unique_ptr<line_load> make_tcp_load(line_load_plan plan, load_listener tell) {
  return std::make_unique<tcp_load>(std::move(plan), std::move(tell));
}

} // namespace troupe::scenarios::echo
