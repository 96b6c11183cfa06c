// A server of lines for clients that know nothing of this project: plain TCP (nc, telnet),
// and ZeroMQ sockets (REQ, DEALER) through a ROUTER. One thread owns the sockets.
//
// Clients are read in turns, and each only while `open_lines_max` of its lines wait for their
// answers at most and its queue is not full: who says much at once waits for himself. A TCP client
// that ends its side is answered before the connection closes.
//
// Over TCP a line ends with LF or CR LF. Over ZeroMQ a line is a message, [empty,] text;
// what comes back has the same form.
#pragma once

#include "transport/lines/line_connection.hpp"

#include <array>
#include <map>
#include <memory>

namespace troupe::transport {

using client_id = std::uint64_t;

enum class client_kind : std::uint8_t { tcp, zeromq };
std::string_view to_string(client_kind);

struct stream_server_options {
  std::string tcp;                    ///< "HOST:PORT", '*' for any free port; empty: none
  std::string zeromq;                 ///< an endpoint of ZeroMQ, "tcp://127.0.0.1:*"; empty: none
  line_limits limits;                 ///< of each connection
  std::size_t connections_max = 1000; ///< more are told so and closed
  /// Lines that wait for their answers, in bytes over all connections; at the limit no
  /// socket is read until some are answered.
  std::size_t open_bytes_max = 16U << 20;
  /// Written and not yet sent, over all connections; while it is more, the queue of each holds
  /// 64 KiB at most.
  std::size_t queued_bytes_max = 64U << 20;
};

/// What has happened so far. When all connections have ended,
/// accepted = answered + the sum of `unanswered`.
struct stream_counts {
  std::uint64_t connections = 0; ///< admitted
  std::uint64_t refused = 0;
  std::uint64_t connections_peak = 0; ///< at the same time
  std::uint64_t accepted = 0;         ///< lines
  std::uint64_t answered = 0;
  std::array<std::uint64_t, line_ending_count> unanswered{}; ///< by why their connections ended
  std::array<std::uint64_t, line_ending_count> ended{};      ///< connections by why
  std::uint64_t bytes_in = 0, bytes_out = 0;
};

/// Called on the server's thread, in the order in which things happened; must not block
/// and must not destroy the server.
class stream_listener {
 public:
  virtual ~stream_listener() = default;
  virtual void on_connected(client_id, client_kind, const std::string& address) = 0;
  /// Every line is to be answered, or its client failed or finished.
  virtual void on_line(client_id, std::string line) = 0;
  /// No calls for this client follow.
  virtual void on_closed(client_id, line_ending) = 0;
  /// After stop(): no line will be accepted any more.
  virtual void on_intake_closed() = 0;
  /// After stop(): all connections have ended. The last call.
  virtual void on_stopped(const stream_counts&) = 0;
};

/// All calls are thread-safe, and none blocks but the constructor and the destructor.
class stream_server {
 public:
  /// Binds and starts the thread. Throws std::runtime_error saying what could not be
  /// bound and why. `listener` must outlive the server.
  stream_server(stream_server_options, stream_listener& listener);
  /// Without stop() before, connections are cut. Waits for the thread.
  ~stream_server();
  stream_server(const stream_server&) = delete;
  stream_server& operator=(const stream_server&) = delete;

  /// "127.0.0.1:40123"; empty without.
  std::string tcp_address() const;
  /// "tcp://127.0.0.1:40124"; empty without.
  std::string zeromq_endpoint() const;
  /// How many connections there can be; less than asked for where the system allows
  /// this process fewer open files.
  std::size_t connections_max() const;

  /// Answers the client's oldest open line. No-ops for clients that are gone.
  void answer(client_id, std::string text);
  /// A line that answers nothing.
  void notify(client_id, std::string text);
  /// Ends the connection after these words; its open lines are not answered.
  void fail(client_id, std::string last_words);
  /// Accepts nothing more, waits at most `patience` for open lines to be answered and
  /// answers to be read, and ends. Idempotent.
  void stop(std::chrono::milliseconds patience);

 private:
  class loop;
  std::unique_ptr<loop> loop_;
};

} // namespace troupe::transport
