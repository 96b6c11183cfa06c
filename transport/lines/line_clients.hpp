// Many ZeroMQ clients of a stream_server, used by one thread: each is a DEALER socket that
// sends lines and gets lines.
#pragma once

#include <chrono>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace troupe::transport {

/// All calls from one thread, but wake(). Calls for a client that is not connected are no-ops.
class line_clients {
 public:
  struct line {
    std::size_t client = 0;
    std::string text;
  };

  /// Throws std::runtime_error where the system has no room for so many sockets.
  line_clients(std::string endpoint, std::size_t clients);
  /// Closes all of them; what was not sent yet is dropped.
  ~line_clients();
  line_clients(const line_clients&) = delete;
  line_clients& operator=(const line_clients&) = delete;

  /// Connects the client, anew if it was: for the server it is another one then. Throws
  /// std::runtime_error if there is no socket to be had or the endpoint is none.
  void connect(std::size_t client);
  /// False if the socket does not take it.
  bool send(std::size_t client, std::string_view text);
  void close(std::size_t client);
  /// Waits until something arrives, wake() or the time is up; appends what arrived.
  void wait(std::chrono::milliseconds, std::vector<line>&);
  /// Ends a wait, also one that has not begun. Thread-safe.
  void wake();

 private:
  struct sockets;
  std::unique_ptr<sockets> sockets_;
};

} // namespace troupe::transport
