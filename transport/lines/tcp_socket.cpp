#include "transport/lines/tcp_socket.hpp"

#include <array>
#include <cerrno>
#include <cstring>
#include <linux/sockios.h>
#include <memory>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdexcept>
#include <sys/ioctl.h>
#include <unistd.h>

namespace troupe::transport {

namespace {

/// What the system may keep of one client, besides what its queue here holds.
constexpr int received_bytes_max = 256 << 10;
constexpr int unsent_bytes_max = 128 << 10;
constexpr int keepalive_idle_s = 60;
constexpr int backlog = 1024;

void set(int descriptor, int level, int option, int value) {
  ::setsockopt(descriptor, level, option, &value, sizeof value);
}

using address_list = std::unique_ptr<addrinfo, decltype(&::freeaddrinfo)>;

/// Null, and why.
address_list look_up(const std::string& address, int flags, std::string& why) {
  auto [host, port] = split_address(address);
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = flags | AI_NUMERICSERV;
  if (host == "*") {
    hints.ai_family = AF_INET;
    host.clear();
  }
  if (port == "*") port = "0";
  addrinfo* found = nullptr;
  const auto error = port.empty() || (host.empty() && hints.ai_family != AF_INET)
                         ? EAI_NONAME
                         : ::getaddrinfo(host.empty() ? nullptr : host.c_str(), port.c_str(), &hints, &found);
  if (error != 0) why = error == EAI_SYSTEM ? std::strerror(errno) : ::gai_strerror(error);
  return {found, &::freeaddrinfo};
}

} // namespace

std::pair<std::string, std::string> split_address(const std::string& address) {
  const auto colon = address.rfind(':');
  if (colon == std::string::npos) return {address, {}};
  auto host = address.substr(0, colon);
  if (host.starts_with('[') && host.ends_with(']')) host = host.substr(1, host.size() - 2);
  return {std::move(host), address.substr(colon + 1)};
}

std::string to_string(const socket_address& address) {
  std::array<char, NI_MAXHOST> host{};
  std::array<char, NI_MAXSERV> port{};
  if (::getnameinfo(address.get(), address.size, host.data(), host.size(), port.data(), port.size(),
                    NI_NUMERICHOST | NI_NUMERICSERV)
      != 0)
    return {};
  const std::string text{host.data()};
  return (address.storage.ss_family == AF_INET6 ? '[' + text + ']' : text) + ':' + port.data();
}

socket_address parse_address(const std::string& text) {
  std::string why;
  const auto found = look_up(text, AI_NUMERICHOST, why);
  if (!found) throw std::invalid_argument("\"" + text + "\" is no address: " + why);
  socket_address result;
  result.size = found->ai_addrlen;
  std::memcpy(&result.storage, found->ai_addr, found->ai_addrlen);
  return result;
}

// -- the socket ------------------------------------------------------------------------------

void tcp_socket::close() {
  if (descriptor_ >= 0) ::close(std::exchange(descriptor_, -1));
}

ssize_t tcp_socket::receive(char* into, std::size_t bytes_max) const {
  ssize_t count = 0;
  do
    count = ::recv(descriptor_, into, bytes_max, MSG_DONTWAIT);
  while (count < 0 && errno == EINTR);
  return count;
}

ssize_t tcp_socket::send(const char* from, std::size_t bytes) const {
  ssize_t count = 0;
  do
    count = ::send(descriptor_, from, bytes, MSG_DONTWAIT | MSG_NOSIGNAL);
  while (count < 0 && errno == EINTR);
  return count;
}

bool tcp_socket::discard_input(bool& over) const {
  std::array<char, 16384> scrap;
  for (int i = 0; i < 4; ++i) {
    const auto count = receive(scrap.data(), scrap.size());
    if (count > 0) continue;
    over = count == 0 || errno != EAGAIN;
    return true;
  }
  return false;
}

void tcp_socket::end_output() const { ::shutdown(descriptor_, SHUT_WR); }

void tcp_socket::reset_on_close() const {
  const linger none{.l_onoff = 1, .l_linger = 0};
  ::setsockopt(descriptor_, SOL_SOCKET, SO_LINGER, &none, sizeof none);
}

bool tcp_socket::has_arrived() const {
  int waiting = 0;
  return ::ioctl(descriptor_, SIOCOUTQ, &waiting) != 0 || waiting == 0;
}

// -- the listener ------------------------------------------------------------------------------

tcp_listener::tcp_listener(const std::string& where) {
  std::string why;
  const auto found = look_up(where, AI_PASSIVE, why);
  for (const auto* each = found.get(); each != nullptr && socket_.get() < 0; each = each->ai_next) {
    tcp_socket socket{
        ::socket(each->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, each->ai_protocol)};
    const bool made = socket.get() >= 0;
    if (made) {
      set(socket.get(), SOL_SOCKET, SO_REUSEADDR, 1);
      set(socket.get(), SOL_SOCKET, SO_RCVBUF, received_bytes_max); // what is accepted has it, too
    }
    if (made && ::bind(socket.get(), each->ai_addr, each->ai_addrlen) == 0
        && ::listen(socket.get(), backlog) == 0)
      socket_ = std::move(socket);
    else if (why.empty())
      why = std::strerror(errno);
  }
  if (socket_.get() < 0) throw std::runtime_error("cannot listen on tcp://" + where + ": " + why);
  socket_address own;
  own.size = sizeof own.storage;
  ::getsockname(socket_.get(), reinterpret_cast<sockaddr*>(&own.storage), &own.size);
  address_ = to_string(own);
}

std::optional<tcp_socket> tcp_listener::accept(std::string& peer) const {
  socket_address from;
  from.size = sizeof from.storage;
  tcp_socket socket{::accept4(socket_.get(), reinterpret_cast<sockaddr*>(&from.storage), &from.size,
                              SOCK_NONBLOCK | SOCK_CLOEXEC)};
  if (socket.get() < 0) return std::nullopt;
  set(socket.get(), IPPROTO_TCP, TCP_NODELAY, 1);
  set(socket.get(), IPPROTO_TCP, TCP_NOTSENT_LOWAT, unsent_bytes_max);
  set(socket.get(), SOL_SOCKET, SO_KEEPALIVE, 1);
  set(socket.get(), IPPROTO_TCP, TCP_KEEPIDLE, keepalive_idle_s);
  peer = to_string(from);
  return socket;
}

} // namespace troupe::transport
