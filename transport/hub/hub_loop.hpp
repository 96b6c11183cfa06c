// The I/O thread of a hub and its sockets.
#pragma once

#include "transport/frames/standstill.hpp"
#include "transport/hub/gatekeeper.hpp"
#include "transport/hub/ready_list.hpp"
#include "transport/session/switchboard.hpp"
#include "transport/zmq/zmq_socket.hpp"

#include <deque>
#include <thread>

namespace troupe::transport {

/// A ZeroMQ context, owned or shared.
class zmq_context {
 public:
  zmq_context(void* shared, std::size_t sockets_max);
  ~zmq_context();
  zmq_context(const zmq_context&) = delete;
  zmq_context& operator=(const zmq_context&) = delete;
  void* get() const { return context_; }

 private:
  void* const context_;
  const bool owned_;
};

class hub_loop final : public dialler {
 public:
  hub_loop(hub_options, hub_listener&, trace::recorder&);
  ~hub_loop() override;

  const hub_options& options() const { return options_; }
  const std::string& endpoint() const { return endpoint_; }
  switchboard& board() { return *board_; }
  /// Runs `command` on the I/O thread; false when that thread has ended.
  bool post(std::function<void(time_point)> command);
  void stop(std::chrono::milliseconds linger);
  bool is_own_thread() const { return std::this_thread::get_id() == thread_.get_id(); }

  wire_ptr dial(const std::string& endpoint, std::string& why_not) override;
  bool is_deserted(const std::string& endpoint) override;

 private:
  using dealer_ptr = std::shared_ptr<dealer_wire>;
  using router_ptr = std::shared_ptr<router_wire>;

  void bind();
  std::string server_key(const std::string& address, const std::string& given) const;
  const char* wrong_with_security(const std::string& endpoint) const;
  std::shared_ptr<dealer_wire> make_dealer(const std::string& address, const std::string& key);
  void add_dealer(const std::shared_ptr<dealer_wire>&);
  void look_up_and_connect(const std::shared_ptr<dealer_wire>&, const std::string& address);
  void drain_gatekeeper(time_point now);
  void configure(zmq_socket&, const std::string& endpoint) const;
  void watch(int descriptor);
  void unwatch(int descriptor);
  /// The time on the I/O thread, which finds out here whether it has stood still.
  time_point look_at_clock();
  void run();
  bool step();
  void sleep();
  void flush_ready(time_point now);
  bool drain(time_point now);
  bool drain_router(time_point now);
  bool drain_dealer(const dealer_ptr&, time_point now);
  void read_router_monitor(time_point now);
  void drain_router_monitor(time_point now);
  void tell_gone(time_point now);
  void turned_away(const wire&, const std::string& name, std::string_view why);
  void drain_dealer_monitor(const dealer_ptr&, time_point now);
  struct arrival {
    std::string id; ///< of the connection, at the ROUTER
    std::unique_ptr<zmq_frame> body;
    bool more_parts = false;
  };
  /// Under the socket's mutex. True: something is left for another turn.
  static bool receive_all(void* socket, bool with_id, std::vector<arrival>& into);
  void keep(const router_ptr&);
  router_ptr router_wire_of(const std::string& id, const zmq_frame& body, time_point now);
  bool has_departed(const std::string& id) const;
  void finish();

  const hub_options options_;
  std::string endpoint_;
  zmq_context context_;
  stranger_log strangers_;
  std::unique_ptr<gatekeeper> gatekeeper_; ///< null: no keys
  const std::shared_ptr<ready_list> ready_;
  std::unique_ptr<switchboard> board_;
  int epoll_ = -1;

  std::shared_ptr<zmq_socket> router_;
  std::unique_ptr<zmq_socket> router_monitor_;
  int router_descriptor_ = -1;
  int router_monitor_descriptor_ = -1;
  bool router_signalled_ = true;
  bool router_monitor_signalled_ = true;
  std::unordered_map<std::string, router_ptr> accepted_;
  std::unordered_map<int, std::weak_ptr<router_wire>> accepted_by_descriptor_;
  /// The last ids of lines that were closed: what still comes from there is no stranger's.
  std::deque<std::string> departed_;
  static constexpr std::size_t departed_max = 256;
  std::vector<router_ptr> disconnected_;
  /// A connection that ZeroMQ has accepted.
  struct caller {
    std::string place; ///< peer_of()
    time_point came;
    bool spoke = false; ///< a whole frame has come from it
    std::string
        failure; ///< why its handshake ended without a connection; empty: it did not, or nobody need know
    bool told_of = false; ///< its failure is another's to tell, or nobody's
  };
  std::unordered_map<int, caller> callers_;        ///< by descriptor
  std::vector<std::pair<int, caller>> gone_;       ///< that have hung up, until their last frames are read
  std::optional<monitor_event> handshake_failure_; ///< of the connection that ends next

  struct dealer_channel {
    dealer_ptr line;
    int descriptor = -1;
    int monitor_descriptor = -1;
    bool signalled = true;
    bool monitor_signalled = true;
  };
  std::unordered_map<dealer_wire*, dealer_channel> dialled_;
  std::unordered_map<int, dealer_wire*> dialled_by_descriptor_;

  standstill_watch standstill_;
  bool stopping_ = false;
  std::chrono::milliseconds stop_linger_{0};
  time_point stop_deadline_ = time_point::max();
  std::mutex ended_mutex_;
  bool ended_ = false;
  std::mutex join_mutex_;
  std::thread thread_;
};

} // namespace troupe::transport
