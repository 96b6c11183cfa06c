// A plain TCP client, as nc is one: what it sends, and what it is told.
#pragma once

#include <arpa/inet.h>
#include <cerrno>
#include <netinet/in.h>
#include <poll.h>
#include <stdexcept>
#include <string>
#include <string_view>
#include <sys/socket.h>
#include <unistd.h>
#include <utility>

namespace troupe::testing {

class tcp_client {
 public:
  /// "127.0.0.1:40123".
  explicit tcp_client(const std::string& address)
      : socket_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    const auto colon = address.rfind(':');
    sockaddr_in to{};
    to.sin_family = AF_INET;
    to.sin_port = htons(static_cast<std::uint16_t>(std::stoi(address.substr(colon + 1))));
    ::inet_pton(AF_INET, address.substr(0, colon).c_str(), &to.sin_addr);
    if (socket_ < 0 || ::connect(socket_, reinterpret_cast<const sockaddr*>(&to), sizeof to) != 0)
      throw std::runtime_error("cannot connect to " + address);
  }
  ~tcp_client() { close(); }
  tcp_client(tcp_client&& other) noexcept
      : socket_(std::exchange(other.socket_, -1)), received_(std::move(other.received_)) {}
  tcp_client(const tcp_client&) = delete;
  tcp_client& operator=(const tcp_client&) = delete;

  /// False when the other side does not take it any more.
  bool send(std::string_view text) {
    while (!text.empty()) {
      const auto count = ::send(socket_, text.data(), text.size(), MSG_NOSIGNAL);
      if (count < 0 && errno == EINTR) continue;
      if (count <= 0) return false;
      text.remove_prefix(static_cast<std::size_t>(count));
    }
    return true;
  }
  /// As much as the system takes at once, without waiting.
  std::size_t send_some(std::string_view text) {
    const auto count = ::send(socket_, text.data(), text.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
    return count > 0 ? static_cast<std::size_t>(count) : 0;
  }
  /// The next line without its end; "<end>" when the connection has ended, "<silence>"
  /// after the patience.
  std::string line(int patience_ms = 20'000) {
    while (true) {
      if (const auto end = received_.find('\n'); end != std::string::npos) {
        auto result = received_.substr(0, end);
        received_.erase(0, end + 1);
        return result;
      }
      pollfd set{socket_, POLLIN, 0};
      if (::poll(&set, 1, patience_ms) <= 0) return "<silence>";
      char bytes[65536];
      const auto count = ::recv(socket_, bytes, sizeof bytes, 0);
      if (count < 0 && errno == EINTR) continue;
      if (count <= 0) return "<end>";
      received_.append(bytes, static_cast<std::size_t>(count));
    }
  }
  /// What the connection was told last, and that it ended.
  bool ended(int patience_ms = 20'000) {
    for (auto text = line(patience_ms); text != "<silence>"; text = line(patience_ms))
      if (text == "<end>") return true;
    return false;
  }
  /// Says that nothing follows, and may still read: as `nc -N` does at the end of its input.
  void end_output() { ::shutdown(socket_, SHUT_WR); }
  void close() {
    if (socket_ >= 0) ::close(std::exchange(socket_, -1));
  }

 private:
  int socket_;
  std::string received_;
};

} // namespace troupe::testing
