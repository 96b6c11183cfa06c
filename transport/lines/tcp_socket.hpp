// Plain TCP sockets, which never block, and their addresses.
#pragma once

#include <optional>
#include <string>
#include <sys/socket.h>
#include <utility>

namespace troupe::transport {

struct socket_address {
  sockaddr_storage storage{};
  socklen_t size = 0;
  const sockaddr* get() const { return reinterpret_cast<const sockaddr*>(&storage); }
};

/// "127.0.0.1:40123", "[::1]:40123".
std::string to_string(const socket_address&);
/// The inverse, for numeric addresses only. Throws std::invalid_argument.
socket_address parse_address(const std::string&);
/// Host and port without the colon between them, and without brackets.
std::pair<std::string, std::string> split_address(const std::string&);

/// Owns a descriptor.
class tcp_socket {
 public:
  explicit tcp_socket(int descriptor = -1) : descriptor_(descriptor) {}
  ~tcp_socket() { close(); }
  tcp_socket(tcp_socket&& other) noexcept : descriptor_(std::exchange(other.descriptor_, -1)) {}
  tcp_socket& operator=(tcp_socket&& other) noexcept {
    std::swap(descriptor_, other.descriptor_);
    return *this;
  }
  int get() const { return descriptor_; }
  void close();

  /// What recv and send return, with errno; never EINTR, and never a signal.
  ssize_t receive(char* into, std::size_t bytes_max) const;
  ssize_t send(const char* from, std::size_t bytes) const;
  /// Reads some of what came, and throws it away; false: there is more. `over`: nothing can come.
  bool discard_input(bool& over) const;
  /// Says that nothing more will be sent.
  void end_output() const;
  /// What was not sent then is dropped, and the other side is told so.
  void reset_on_close() const;
  /// The other system has everything that was sent.
  bool has_arrived() const;

 private:
  int descriptor_;
};

/// A socket that others connect to.
class tcp_listener {
 public:
  /// "HOST:PORT"; the host * for all addresses, the port * for any free one. Throws
  /// std::runtime_error saying why it cannot be listened on.
  explicit tcp_listener(const std::string& where);
  const std::string& address() const { return address_; }
  int descriptor() const { return socket_.get(); }
  /// Nothing and errno: nobody is there (EAGAIN), or there is no descriptor to be had.
  std::optional<tcp_socket> accept(std::string& peer) const;

 private:
  tcp_socket socket_;
  std::string address_;
};

} // namespace troupe::transport
