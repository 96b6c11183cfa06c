// The thread of a stream server and its sockets.
#pragma once

#include "transport/hub_loop.hpp"
#include "transport/open_files.hpp"
#include "transport/stream_server.hpp"

#include <optional>
#include <unordered_set>

namespace troupe::transport {

class stream_server::loop {
 public:
  struct command {
    enum class kind : std::uint8_t { answer, notify, fail, stop, cut } what;
    client_id client = 0;
    std::string text;
    std::chrono::milliseconds patience{0};
  };

  loop(stream_server_options, stream_listener&);
  ~loop();
  /// Runs a command on the thread.
  void post(command);

  const std::string& tcp_address() const { return tcp_address_; }
  const std::string& zeromq_endpoint() const { return zeromq_endpoint_; }
  std::size_t connections_max() const { return connections_max_; }

 private:
  using clock = std::chrono::steady_clock;
  using time_point = clock::time_point;

  struct connection {
    client_id id = 0;
    client_kind kind = client_kind::tcp;
    std::string route;      ///< ZeroMQ's name of it
    bool delimiter = false; ///< ZeroMQ: its messages begin with an empty part, as REQ's do
    int descriptor = -1;    ///< ZeroMQ's own: only to be asked
    std::uint64_t bytes_out = 0;
    std::optional<time_point> closing_since;
    line_connection line;
  };
  using routes = std::unordered_map<std::string, client_id>;

  void bind();
  void run();
  bool step();
  void sleep();
  void run_commands(time_point);
  void run_command(command&, time_point);

  void read_streams(time_point);
  void on_stream(zmq_frame& route, zmq_frame& body, time_point);
  void read_router(time_point);
  void on_message(zmq_frame& route, std::vector<std::string>& parts, int descriptor, time_point);
  void read_router_monitor();

  connection& admit(client_kind, std::string route, const char* address, int descriptor, time_point);
  bool full() const { return stopping_ || connections_.size() >= connections_max_; }
  std::string_view why_full() const;
  /// Does something to a connection and keeps the sums; what follows from it is looked
  /// at in settle(), at the end of the step.
  template <class Function>
  void with(connection& who, Function change) {
    open_bytes_ -= who.line.open_bytes();
    queued_bytes_ -= who.line.queued_bytes();
    change(who.line);
    open_bytes_ += who.line.open_bytes();
    queued_bytes_ += who.line.queued_bytes();
    restless_.insert(who.id);
  }
  void deliver(connection&, std::vector<std::string>& lines);
  void settle(connection&, time_point);
  void flush(connection&, time_point);
  bool flush_tcp(connection&, time_point);
  bool flush_zeromq(connection&, time_point);
  bool has_arrived(const connection&) const;
  void close(connection&);
  void settle_restless(time_point);
  void tick(time_point);

  const stream_server_options options_;
  stream_listener& listener_;
  file_reservation files_;
  std::size_t connections_max_;
  std::string tcp_address_, zeromq_endpoint_;
  std::unique_ptr<zmq_context> context_;
  std::unique_ptr<zmq_socket> stream_, router_, router_monitor_;
  int wake_ = -1;

  std::unordered_map<client_id, connection> connections_;
  routes streams_, peers_;
  std::unordered_map<int, client_id> peers_by_descriptor_;
  std::unordered_set<int> gone_descriptors_; ///< of connections that ended, until they are used again
  std::unordered_set<client_id> restless_;   ///< changed, or with something to send, or to be closed
  bool more_to_read_ = false;
  client_id next_id_ = 1;
  std::size_t open_bytes_ = 0, queued_bytes_ = 0;
  stream_counts counts_;
  time_point next_tick_{};
  bool stopping_ = false, cut_ = false;
  time_point stop_deadline_ = time_point::max();

  std::mutex commands_mutex_;
  std::vector<command> commands_;
  std::thread thread_;
};

} // namespace troupe::transport
