#include "cli/metrics.hpp"

#include "cli/descriptor.hpp"
#include "cli/metrics_families.hpp"

#include <cerrno>
#include <charconv>
#include <csignal>
#include <cstring>
#include <fmt/format.h>
#include <netdb.h>
#include <prometheus/collectable.h>
#include <prometheus/exposer.h>
#include <pthread.h>
#include <sys/socket.h>

namespace troupe::cli {
namespace {

[[noreturn]] void refuse(const std::string& text, std::string_view why) {
  throw metrics_error(
      fmt::format("--metrics cannot be \"{}\": {}; expected HOST:PORT, such as 127.0.0.1:9464, or a "
                  "PORT of this host alone; the port * is chosen by the system",
                  text, why));
}

std::uint16_t parse_port(const std::string& all, std::string_view text) {
  if (text == "*") return 0;
  unsigned port = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), port);
  if (text.empty() || error != std::errc() || end != text.data() + text.size() || port > 65535)
    refuse(all, fmt::format("\"{}\" is no port from 0 to 65535", text));
  return static_cast<std::uint16_t>(port);
}

struct addresses {
  addrinfo* first = nullptr;
  ~addresses() {
    if (first) ::freeaddrinfo(first);
  }
};

/// The address in numbers, which can be listened on as of now.
std::string usable(const metrics_address& where) {
  const auto named = fmt::format("--metrics cannot listen on {}:{}", where.host, where.port);
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_PASSIVE;
  addresses found;
  const int failed =
      ::getaddrinfo(where.host.c_str(), std::to_string(where.port).c_str(), &hints, &found.first);
  if (failed != 0) throw metrics_error(fmt::format("{}: {}", named, ::gai_strerror(failed)));
  const auto& address = *found.first;
  const descriptor tried(::socket(address.ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0));
  const int yes = 1;
  if (tried) ::setsockopt(tried.get(), SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
  if (!tried || ::bind(tried.get(), address.ai_addr, address.ai_addrlen) != 0
      || ::listen(tried.get(), 1) != 0)
    throw metrics_error(fmt::format("{}: {}", named, std::strerror(errno)));
  std::array<char, NI_MAXHOST> numbers{};
  ::getnameinfo(address.ai_addr, address.ai_addrlen, numbers.data(), numbers.size(), nullptr, 0,
                NI_NUMERICHOST);
  return address.ai_family == AF_INET6 ? fmt::format("[{}]", numbers.data()) : std::string(numbers.data());
}

class collected final : public prometheus::Collectable {
 public:
  explicit collected(std::shared_ptr<run_source> source) : source_(std::move(source)) {}
  std::vector<prometheus::MetricFamily> Collect() const override { return families_of(source_->look()); }

 private:
  std::shared_ptr<run_source> source_;
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

metrics_address metrics_address::parse(const std::string& text) {
  metrics_address parsed;
  std::string_view rest = text;
  if (rest.starts_with('[')) {
    const auto end = rest.find("]:");
    if (end == std::string_view::npos) refuse(text, "after [ there is no ]:");
    parsed.host = rest.substr(1, end - 1);
    rest.remove_prefix(end + 2);
  } else if (const auto colon = rest.rfind(':'); colon != std::string_view::npos) {
    if (rest.find(':') != colon) refuse(text, "an IPv6 address stands in brackets");
    if (colon > 0) parsed.host = rest.substr(0, colon);
    rest.remove_prefix(colon + 1);
  }
  parsed.port = parse_port(text, rest);
  return parsed;
}

struct metrics_server::impl {
  std::string host;
  std::shared_ptr<collected> what;
  std::unique_ptr<prometheus::Exposer> exposer;
};

metrics_server::metrics_server(const metrics_address& where, std::shared_ptr<run_source> source)
    : impl_(std::make_unique<impl>()) {
  impl_->host = usable(where);
  impl_->what = std::make_shared<collected>(std::move(source));
  const signals_blocked for_its_threads;
  try {
    impl_->exposer = std::make_unique<prometheus::Exposer>(fmt::format("{}:{}", impl_->host, where.port), 2);
  } catch (const std::exception& e) {
    throw metrics_error(
        fmt::format("--metrics cannot listen on {}:{}: {}", impl_->host, where.port, e.what()));
  }
  impl_->exposer->RegisterCollectable(impl_->what);
}

metrics_server::~metrics_server() = default;

std::string metrics_server::url() const {
  const auto ports = impl_->exposer->GetListeningPorts();
  return fmt::format("http://{}:{}/metrics", impl_->host, ports.empty() ? 0 : ports.front());
}

} // namespace troupe::cli
