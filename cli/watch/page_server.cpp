#include "cli/watch/page_server.hpp"

#include "base/thread_name.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <fmt/format.h>
#include <list>
#include <poll.h>
#include <pthread.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <system_error>
#include <vector>

namespace troupe::cli {
namespace {

using std::chrono::steady_clock;

/// What a client asks for, as far as it matters here.
struct request {
  std::string method, path;
};

/// The first line, once the blank line at the end of the head is there. False: it is no HTTP.
bool parse(std::string_view head, request& into) {
  const auto line = head.substr(0, head.find_first_of("\r\n"));
  const auto first = line.find(' '), last = line.rfind(' ');
  if (first == std::string_view::npos || first == last || !line.substr(last + 1).starts_with("HTTP/1."))
    return false;
  into.method = line.substr(0, first);
  const auto target = line.substr(first + 1, last - first - 1);
  into.path = target.substr(0, target.find('?'));
  return !into.method.empty() && into.path.starts_with('/');
}

bool is_whole(std::string_view head) {
  return head.find("\r\n\r\n") != std::string_view::npos || head.find("\n\n") != std::string_view::npos;
}

std::string answer(std::string_view status, std::string_view type, std::string_view more,
                   const std::string& body, bool with_body) {
  return fmt::format("HTTP/1.1 {}\r\nContent-Type: {}\r\nContent-Length: {}\r\n{}Connection: close\r\n\r\n{}",
                     status, type, body.size(), more, with_body ? body : "");
}

std::string complaint(std::string_view status, std::string_view sentence, std::string_view more = "",
                      bool with_body = true) {
  return answer(status, "text/plain; charset=utf-8", more, fmt::format("{}\n", sentence), with_body);
}

std::string answer_to(std::string_view head, const page_server::page& page) {
  request asked;
  if (!parse(head, asked)) return complaint("400 Bad Request", "this is no HTTP/1 request");
  const bool with_body = asked.method != "HEAD";
  if (asked.path != page.path)
    return complaint("404 Not Found", fmt::format("there is only {}", page.path), "", with_body);
  if (asked.method != "GET" && asked.method != "HEAD")
    return complaint("405 Method Not Allowed", "only GET and HEAD are answered", "Allow: GET, HEAD\r\n");
  try {
    return answer("200 OK", page.type, "", page.text(), with_body);
  } catch (const std::exception& e) {
    return complaint("500 Internal Server Error", e.what(), "", with_body);
  }
}

struct connection {
  enum class phase {
    asking,    ///< its request is not complete
    answering, ///< its answer is not sent
    leaving,   ///< answered; a close before it has read that could take the answer from it
  };
  descriptor line;
  steady_clock::time_point until; ///< then it is closed
  phase at = phase::asking;
  std::string head{};
  std::string answer{};
  std::size_t sent = 0; ///< of the answer
};

/// What the thread does.
class service {
 public:
  service(int listening, int stop, const page_server::page& page, std::chrono::milliseconds patience)
      : listening_(listening), stop_(stop), page_(page), patience_(patience) {}

  void run() {
    while (true) {
      const auto now = steady_clock::now();
      clients_.remove_if([&](const connection& x) { return x.until <= now; });
      std::vector<pollfd> set{{stop_, POLLIN, 0}, {now < accept_again_ ? -1 : listening_, POLLIN, 0}};
      for (const auto& x : clients_)
        set.push_back(
            {x.line.get(), static_cast<short>(x.at == connection::phase::answering ? POLLOUT : POLLIN), 0});
      if (::poll(set.data(), set.size(), time_left(now)) < 0) continue; // EINTR, or no memory for a moment
      if (set[0].revents != 0) return;
      auto ready = set.begin() + 2;
      for (auto x = clients_.begin(); x != clients_.end(); ++ready)
        x = ready->revents != 0 && !serve(*x) ? clients_.erase(x) : std::next(x);
      if (set[1].revents != 0) accept_one();
    }
  }

 private:
  int time_left(steady_clock::time_point now) const {
    auto first = now + std::chrono::hours{1};
    for (const auto& x : clients_)
      first = std::min(first, x.until);
    if (now < accept_again_) first = std::min(first, accept_again_);
    return static_cast<int>(std::chrono::ceil<std::chrono::milliseconds>(first - now).count());
  }

  void accept_one() {
    const auto now = steady_clock::now();
    descriptor line(::accept4(listening_, nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
    if (line) {
      if (clients_.size() == page_server::connections_max) clients_.pop_front();
      clients_.push_back({std::move(line), now + patience_});
    } else if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM) {
      accept_again_ = now + std::chrono::milliseconds{100}; // it would be ready at once, and again
    }
  }

  /// False when the connection is done with.
  bool serve(connection& x) {
    switch (x.at) {
    case connection::phase::asking:
      return hear(x);
    case connection::phase::answering:
      return tell(x);
    case connection::phase::leaving:
      return receive(x) != 0;
    }
    return false;
  }

  /// How much is in buffer_ now; 0 at the end, -1 where nothing is there yet.
  ssize_t receive(const connection& x) {
    const auto n = ::recv(x.line.get(), buffer_.data(), buffer_.size(), 0);
    if (n < 0) return errno == EAGAIN || errno == EINTR ? -1 : 0;
    return n;
  }

  bool hear(connection& x) {
    const auto n = receive(x);
    if (n <= 0) return n < 0;
    x.head.append(buffer_.data(), static_cast<std::size_t>(n));
    const bool too_long = x.head.size() > page_server::request_bytes_max;
    if (!too_long && !is_whole(x.head)) return true;
    x.answer = too_long ? complaint("431 Request Header Fields Too Large", "the request is too long")
                        : answer_to(x.head, page_);
    x.head.clear();
    x.at = connection::phase::answering;
    x.until = steady_clock::now() + patience_;
    return tell(x);
  }

  bool tell(connection& x) {
    const auto n = ::send(x.line.get(), x.answer.data() + x.sent, x.answer.size() - x.sent, MSG_NOSIGNAL);
    if (n < 0) return errno == EAGAIN || errno == EINTR;
    x.sent += static_cast<std::size_t>(n);
    x.until = steady_clock::now() + patience_; // it reads
    if (x.sent < x.answer.size()) return true;
    x.at = connection::phase::leaving;
    return ::shutdown(x.line.get(), SHUT_WR) == 0;
  }

  const int listening_, stop_;
  const page_server::page& page_;
  const std::chrono::milliseconds patience_;
  std::list<connection> clients_; ///< the oldest first
  steady_clock::time_point accept_again_{};
  std::array<char, 4096> buffer_{};
};

/// Threads that are made while it lives take no signals.
class signals_blocked {
 public:
  signals_blocked() {
    sigset_t all;
    ::sigfillset(&all);
    ::pthread_sigmask(SIG_SETMASK, &all, &before_);
  }
  ~signals_blocked() { ::pthread_sigmask(SIG_SETMASK, &before_, nullptr); }
  signals_blocked(const signals_blocked&) = delete;
  signals_blocked& operator=(const signals_blocked&) = delete;

 private:
  sigset_t before_{};
};

} // namespace

page_server::page_server(descriptor listening, page what, std::chrono::milliseconds patience)
    : listening_(std::move(listening)), page_(std::move(what)), patience_(patience),
      stop_(::eventfd(0, EFD_CLOEXEC)) {
  if (!stop_) throw std::system_error(errno, std::generic_category(), "eventfd");
  const signals_blocked for_the_thread;
  thread_ = std::thread([this] {
    name_thread("troupe.pages");
    service(listening_.get(), stop_.get(), page_, patience_).run();
  });
}

page_server::~page_server() {
  const std::uint64_t one = 1;
  [[maybe_unused]] const auto n = ::write(stop_.get(), &one, sizeof one);
  thread_.join();
}

} // namespace troupe::cli
