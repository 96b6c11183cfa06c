#include "transport/hub/endpoints.hpp"

#include "base/descriptor.hpp"
#include "transport/frames/limits.hpp"
#include "transport/hub/keys.hpp"

#include <algorithm>
#include <arpa/inet.h>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <net/if.h>
#include <netdb.h>
#include <netinet/in.h>
#include <optional>
#include <poll.h>
#include <string_view>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

namespace troupe::transport {

namespace {

constexpr std::string_view tcp = "tcp://";
constexpr std::string_view ipc = "ipc://";
constexpr std::string_view inproc = "inproc://";

struct host_port {
  std::string host;
  std::string port;
};

std::optional<host_port> split_tcp(std::string_view endpoint) {
  if (!endpoint.starts_with(tcp)) return {};
  endpoint.remove_prefix(tcp.size());
  const auto colon = endpoint.rfind(':');
  if (colon == std::string_view::npos) return {};
  auto host = endpoint.substr(0, colon);
  if (host.starts_with('[') && host.ends_with(']')) host = host.substr(1, host.size() - 2);
  return host_port{std::string(host), std::string(endpoint.substr(colon + 1))};
}

bool is_port(std::string_view text) {
  unsigned value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  return error == std::errc{} && end == text.data() + text.size() && value >= 1 && value <= 65535;
}

descriptor stream_socket(int family) {
  return descriptor{::socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0)};
}

template <class Address>
bool refuses(const Address& at) {
  const auto* address = reinterpret_cast<const sockaddr*>(&at);
  const auto socket = stream_socket(address->sa_family);
  if (!socket) return false;
  const auto fd = socket.get();
  // So that whoever listens there can tell this from a program that speaks another protocol.
  const linger reset{1, 0};
  ::setsockopt(fd, SOL_SOCKET, SO_LINGER, &reset, sizeof reset);
  if (::connect(fd, address, sizeof at) == 0) return false;
  if (errno == EINPROGRESS) {
    pollfd poll_it{fd, POLLOUT, 0};
    if (::poll(&poll_it, 1, 0) <= 0) return false;
    int error = 0;
    socklen_t length = sizeof error;
    ::getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &length);
    return error == ECONNREFUSED;
  }
  return errno == ECONNREFUSED || errno == ENOENT;
}

} // namespace

keyed_endpoint split_key(const std::string& endpoint) {
  const auto bar = endpoint.find('|');
  if (bar == std::string::npos) return {endpoint, {}};
  return {endpoint.substr(0, bar), endpoint.substr(bar + 1)};
}

const char* wrong_with_endpoint(const std::string& keyed) {
  const auto [endpoint, key] = split_key(keyed);
  if (keyed.size() != endpoint.size() && (!is_tcp(endpoint) || !is_key(key)))
    return "a key after | is 40 characters of Z85, and only for tcp://";
  if (endpoint.size() > limits::endpoint_bytes_max) return "the endpoint is too long";
  if (endpoint.starts_with(inproc))
    return endpoint.size() > inproc.size() ? nullptr : "inproc:// needs a name";
  if (endpoint.starts_with(ipc)) {
    if (endpoint.size() == ipc.size()) return "ipc:// needs a path";
    if (endpoint.size() - ipc.size() >= sizeof(sockaddr_un::sun_path))
      return "the path of an ipc:// endpoint may have at most 107 bytes";
    return nullptr;
  }
  const auto parts = split_tcp(endpoint);
  if (!parts) return "an endpoint is tcp://HOST:PORT, ipc://PATH or inproc://NAME";
  if (parts->host.empty()) return "tcp:// needs a host";
  if (!is_port(parts->port)) return "tcp:// needs a port from 1 to 65535";
  return nullptr;
}

std::string ipc_path(const std::string& endpoint) {
  if (!endpoint.starts_with(ipc) || endpoint.starts_with("ipc://@")) return {};
  return endpoint.substr(ipc.size());
}

bool is_inproc(const std::string& endpoint) { return endpoint.starts_with(inproc); }

bool is_host(std::string_view host) {
  if (host.find_first_of(":[]") != std::string_view::npos) { // with colons it is an IPv6 address, and no port
    if (host.starts_with('[') && host.ends_with(']')) host = host.substr(1, host.size() - 2);
    in6_addr ignored{};
    return ::inet_pton(AF_INET6, std::string(host).c_str(), &ignored) == 1;
  }
  const auto legal = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' || c == '-'
           || c == '_';
  };
  return host == "*" || (!host.empty() && host.size() <= 253 && std::all_of(host.begin(), host.end(), legal));
}

bool is_tcp(const std::string& endpoint) { return endpoint.starts_with(tcp); }

bool is_tcp_loopback(const std::string& endpoint) {
  const auto parts = split_tcp(endpoint);
  return parts
         && (parts->host.starts_with("127.") || parts->host == "::1" || parts->host == "localhost"
             || parts->host == "lo");
}

std::string host_to_look_up(const std::string& endpoint) {
  const auto parts = split_tcp(endpoint);
  in6_addr ignored{};
  if (!parts || parts->host == "localhost" || ::inet_pton(AF_INET, parts->host.c_str(), &ignored) == 1
      || ::inet_pton(AF_INET6, parts->host.c_str(), &ignored) == 1 || endpoint.starts_with("tcp://["))
    return {};
  return parts->host;
}

std::string look_up(const std::string& endpoint) {
  const auto parts = split_tcp(endpoint);
  if (!parts) return {};
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  if (::getaddrinfo(parts->host.c_str(), nullptr, &hints, &found) != 0 || found == nullptr) return {};
  char text[INET6_ADDRSTRLEN] = {};
  std::string result;
  if (found->ai_family == AF_INET
      && ::inet_ntop(AF_INET, &reinterpret_cast<const sockaddr_in*>(found->ai_addr)->sin_addr, text,
                     sizeof text))
    result = std::string(tcp) + text + ":" + parts->port;
  if (found->ai_family == AF_INET6
      && ::inet_ntop(AF_INET6, &reinterpret_cast<const sockaddr_in6*>(found->ai_addr)->sin6_addr, text,
                     sizeof text))
    result = std::string(tcp) + "[" + text + "]:" + parts->port;
  ::freeaddrinfo(found);
  return result;
}

std::string bindable(const std::string& endpoint) {
  const auto parts = split_tcp(endpoint);
  if (!parts) return {};
  const auto& host = parts->host;
  if (host == "localhost") return std::string(tcp) + "127.0.0.1:" + parts->port;
  if (host.find(':') != std::string::npos) return std::string(tcp) + "[" + host + "]:" + parts->port;
  in_addr ignored{};
  const bool as_it_is =
      host == "*" || ::inet_pton(AF_INET, host.c_str(), &ignored) == 1 || ::if_nametoindex(host.c_str()) != 0;
  return as_it_is ? endpoint : look_up(endpoint);
}

std::string why_not_bindable(const std::string& host) {
  const auto parts = split_tcp(bindable(std::string(tcp) + host + ":0"));
  if (!parts) return "no host or interface of that name is known";
  sockaddr_in v4{};
  sockaddr_in6 v6{};
  v4.sin_family = AF_INET;
  v6.sin6_family = AF_INET6;
  int failed = 0;
  if (::inet_pton(AF_INET, parts->host.c_str(), &v4.sin_addr) == 1)
    failed = ::bind(stream_socket(AF_INET).get(), reinterpret_cast<const sockaddr*>(&v4), sizeof v4);
  else if (::inet_pton(AF_INET6, parts->host.c_str(), &v6.sin6_addr) == 1)
    failed = ::bind(stream_socket(AF_INET6).get(), reinterpret_cast<const sockaddr*>(&v6), sizeof v6);
  if (failed == 0) return {};
  return errno == EADDRNOTAVAIL ? "no interface of this machine has that address" : std::strerror(errno);
}

std::string peer_of(int fd) {
  sockaddr_storage address{};
  socklen_t size = sizeof address;
  char text[INET6_ADDRSTRLEN] = {};
  if (fd >= 0 && ::getpeername(fd, reinterpret_cast<sockaddr*>(&address), &size) == 0) {
    if (address.ss_family == AF_INET
        && ::inet_ntop(AF_INET, &reinterpret_cast<const sockaddr_in*>(&address)->sin_addr, text, sizeof text))
      return std::string("host ") + text;
    if (address.ss_family == AF_INET6
        && ::inet_ntop(AF_INET6, &reinterpret_cast<const sockaddr_in6*>(&address)->sin6_addr, text,
                       sizeof text))
      return std::string("host ") + text;
    ucred credentials{};
    size = sizeof credentials;
    if (address.ss_family == AF_UNIX && ::getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &credentials, &size) == 0)
      return "process " + std::to_string(credentials.pid) + " of user " + std::to_string(credentials.uid);
  }
  return "somebody";
}

bool is_deserted(const std::string& keyed) {
  const auto endpoint = split_key(keyed).address;
  if (const auto path = ipc_path(endpoint); !path.empty()) {
    sockaddr_un address{};
    if (path.size() >= sizeof address.sun_path) return false;
    address.sun_family = AF_UNIX;
    std::memcpy(address.sun_path, path.c_str(), path.size() + 1);
    return refuses(address);
  }
  const auto parts = split_tcp(endpoint);
  if (!parts || !is_tcp_loopback(endpoint) || !is_port(parts->port)) return false;
  const auto port = htons(static_cast<std::uint16_t>(std::stoul(parts->port)));
  if (parts->host == "::1") {
    sockaddr_in6 address{};
    address.sin6_family = AF_INET6;
    address.sin6_addr = in6addr_loopback;
    address.sin6_port = port;
    return refuses(address);
  }
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = port;
  const auto* host = parts->host == "localhost" ? "127.0.0.1" : parts->host.c_str();
  if (::inet_pton(AF_INET, host, &address.sin_addr) != 1) return false;
  return refuses(address);
}

std::string reachable_endpoint(const std::string& bound) {
  const auto parts = split_tcp(bound);
  if (!parts || (parts->host != "0.0.0.0" && parts->host != "::" && parts->host != "*")) return bound;
  char name[256] = {};
  if (::gethostname(name, sizeof name - 1) != 0) return bound;
  return std::string(tcp) + name + ":" + parts->port;
}

} // namespace troupe::transport
