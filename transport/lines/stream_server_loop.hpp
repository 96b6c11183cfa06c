// The thread of a stream server and its sockets.
//
// ZMQ_STREAM would close a connection whose client has ended its side, with what it is still
// to be told, and reads all clients or none; so plain TCP has sockets of its own, in an epoll
// set that is polled beside ZeroMQ's. Clients are read in turns: each gets one, in which so many
// of its lines are accepted as its connection has room for.
#pragma once

#include "base/open_files.hpp"
#include "transport/frames/standstill.hpp"
#include "transport/hub/hub_loop.hpp"
#include "transport/lines/stream_server.hpp"
#include "transport/lines/tcp_socket.hpp"

#include <deque>
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
    tcp_socket socket;
    bool readable = false, writable = true; ///< TCP: as far as the system has said
    bool waits_for_turn = false;
    std::optional<time_point> said_all_at; ///< TCP: then the end was sent
    std::string route;                     ///< ZeroMQ's name of it
    bool delimiter = false;                ///< ZeroMQ: its messages begin with an empty part, as REQ's do
    int descriptor = -1;                   ///< ZeroMQ's own: only to be asked
    line_connection line;
  };
  using routes = std::unordered_map<std::string, client_id>;
  /// One that was told why it cannot be served, until it has read that.
  struct turned_away {
    tcp_socket socket;
    time_point since;
  };

  /// Less the time in which this process stood still: in that nobody could be read.
  time_point now();
  void bind_tcp();
  void bind_zeromq();
  void run();
  bool step();
  void sleep();
  void run_commands(time_point);
  void run_command(command&, time_point);

  // -- plain TCP ---------------------------------------------------------------------
  void look_at_sockets(time_point);
  void accept_clients(time_point);
  void watch_listener(bool);
  void turn_away(tcp_socket, time_point);
  void let_go_of_turned_away(time_point);
  void read_socket(connection&, time_point);
  bool flush_tcp(connection&, time_point);
  bool has_said_goodbye(connection&, time_point);

  // -- ZeroMQ ------------------------------------------------------------------------
  void read_router(time_point);
  void on_message(zmq_frame& route, std::vector<std::string>& parts, int descriptor, time_point);
  void read_router_monitor();
  bool flush_zeromq(connection&, time_point);

  // -- connections -------------------------------------------------------------------
  connection& admit(connection, const std::string& address);
  bool full() const { return stopping_ || connections_.size() >= connections_max_; }
  std::string_view why_full() const;
  /// Does something to a connection and keeps the sums.
  template <class Function>
  void account(connection& who, Function change) {
    open_bytes_ -= who.line.open_bytes();
    queued_bytes_ -= who.line.queued_bytes();
    held_bytes_ -= who.line.held_bytes();
    overfull_ -= is_overfull(who);
    change(who.line);
    open_bytes_ += who.line.open_bytes();
    queued_bytes_ += who.line.queued_bytes();
    held_bytes_ += who.line.held_bytes();
    overfull_ += is_overfull(who);
  }
  /// So that what follows from it is looked at in settle(), at the end of the step.
  template <class Function>
  void with(connection& who, Function change) {
    account(who, change);
    restless_.insert(who.id);
  }
  bool is_overfull(const connection& who) const {
    return who.line.held_bytes() >= options_.limits.queued_bytes_max;
  }
  bool accepts_lines() const { return open_bytes_ < options_.open_bytes_max; }
  bool reads_router() const {
    return accepts_lines() && held_bytes_ < options_.open_bytes_max && overfull_ == 0;
  }
  void give_turn(connection&);
  void take_turns(time_point);
  void take_turn(connection&, time_point);
  void settle(connection&, time_point);
  void flush(connection&, time_point);
  void close(connection&);
  void settle_restless(time_point);
  void tick(time_point);

  const stream_server_options options_;
  stream_listener& listener_;
  file_reservation files_;
  std::size_t connections_max_;
  std::string tcp_address_, zeromq_endpoint_;
  std::optional<tcp_listener> listener_socket_;
  std::deque<turned_away> turned_away_;
  bool listener_watched_ = false;
  std::unique_ptr<zmq_context> context_;
  std::unique_ptr<zmq_socket> router_, router_monitor_;
  int wake_ = -1, epoll_ = -1;

  line_limits limits_; ///< those of each connection; their queues less while all have too much
  std::unordered_map<client_id, connection> connections_;
  std::deque<client_id> turns_; ///< who has something to say that may be accepted
  routes peers_;
  std::unordered_map<int, client_id> peers_by_descriptor_;
  std::unordered_set<int> gone_descriptors_; ///< of connections that ended, until they are used again
  std::unordered_set<client_id> restless_;   ///< changed, or with something to send, or to be closed
  bool more_to_read_ = false;
  client_id next_id_ = 1;
  std::size_t open_bytes_ = 0, queued_bytes_ = 0, held_bytes_ = 0;
  std::size_t overfull_ = 0; ///< connections that hold more lines than they may
  stream_counts counts_;
  standstill_watch standstill_{clock::now()};
  clock::duration stood_still_{0};
  time_point next_tick_{};
  bool stopping_ = false, cut_ = false;
  time_point stop_deadline_ = time_point::max();

  std::mutex commands_mutex_;
  std::vector<command> commands_;
  std::thread thread_;
};

} // namespace troupe::transport
