#include "cli/watch/metrics.hpp"

#include "base/descriptor.hpp"
#include "cli/watch/metrics_families.hpp"
#include "cli/watch/page_server.hpp"

#include <array>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <fmt/format.h>
#include <netdb.h>
#include <prometheus/text_serializer.h>
#include <sys/socket.h>

namespace troupe::cli {
namespace {

/// Prometheus' text format, with the version of it.
constexpr const char* metrics_content_type = "text/plain; version=0.0.4; charset=utf-8";

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

/// A socket that listens there, on the first address of the host that allows it.
descriptor listen_at(const metrics_address& where) {
  const auto named = fmt::format("--metrics cannot listen on {}", where.text());
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_PASSIVE;
  addresses found;
  const int failed =
      ::getaddrinfo(where.host.c_str(), std::to_string(where.port).c_str(), &hints, &found.first);
  if (failed != 0) throw metrics_error(fmt::format("{}: {}", named, ::gai_strerror(failed)));
  int error = 0;
  for (const auto* at = found.first; at; at = at->ai_next) {
    descriptor made(::socket(at->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    const int yes = 1;
    if (made) ::setsockopt(made.get(), SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
    if (made && ::bind(made.get(), at->ai_addr, at->ai_addrlen) == 0 && ::listen(made.get(), SOMAXCONN) == 0)
      return made;
    if (error == 0) error = errno;
  }
  throw metrics_error(fmt::format("{}: {}", named, std::strerror(error)));
}

/// Where a socket listens, in numbers.
metrics_address address_of(const descriptor& listening) {
  sockaddr_storage address{};
  socklen_t size = sizeof address;
  std::array<char, NI_MAXHOST> host{};
  std::array<char, NI_MAXSERV> port{};
  auto* generic = reinterpret_cast<sockaddr*>(&address);
  if (::getsockname(listening.get(), generic, &size) != 0
      || ::getnameinfo(generic, size, host.data(), host.size(), port.data(), port.size(),
                       NI_NUMERICHOST | NI_NUMERICSERV)
             != 0)
    throw metrics_error("--metrics cannot tell where it listens");
  return {host.data(), static_cast<std::uint16_t>(std::stoi(port.data()))};
}

std::string page_of(run_source& source) {
  return prometheus::TextSerializer().Serialize(families_of(source.look()));
}

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

std::string metrics_address::text() const {
  return host.find(':') == std::string::npos ? fmt::format("{}:{}", host, port)
                                             : fmt::format("[{}]:{}", host, port);
}

struct metrics_server::impl {
  impl(descriptor listening, std::shared_ptr<run_source> source)
      : where(address_of(listening)),
        server(std::move(listening), {"/metrics", metrics_content_type,
                                      [source = std::move(source)] { return page_of(*source); }}) {}
  const metrics_address where;
  page_server server;
};

metrics_server::metrics_server(const metrics_address& where, std::shared_ptr<run_source> source)
    : impl_(std::make_unique<impl>(listen_at(where), std::move(source))) {}
metrics_server::~metrics_server() = default;

std::string metrics_server::url() const { return fmt::format("http://{}/metrics", impl_->where.text()); }

} // namespace troupe::cli
