// A network of switchboards in one thread, with virtual time and seeded faults: frames
// are lost, delayed, doubled and reordered, connections are cut, nodes die. The same seed
// gives the same run. For tests of this room and of what is built on it.
#pragma once

#include "base/random.hpp"
#include "transport/session/switchboard.hpp"

#include <queue>
#include <set>

namespace troupe::transport {

/// Probabilities are per frame.
struct faults {
  double loss = 0;
  double doubling = 0;
  double reordering = 0;
  double cut = 0;      ///< both ends learn of it
  double half_cut = 0; ///< only one end does
  std::chrono::microseconds delay_min{50};
  std::chrono::microseconds delay_max{500};
};

class faulty_network {
 public:
  explicit faulty_network(std::uint64_t seed);
  ~faulty_network();
  faulty_network(const faulty_network&) = delete;
  faulty_network& operator=(const faulty_network&) = delete;

  time_point now() const { return now_; }
  void set_faults(const faults& f) { faults_ = f; }
  std::mt19937_64& random() { return random_; }
  /// True with that probability.
  bool chance(double probability) { return probability > 0 && draw_share(random_) < probability; }
  std::chrono::microseconds between(std::chrono::microseconds low, std::chrono::microseconds high);

  /// A node that others reach at `endpoint`; what lived there before must have been
  /// killed. Lives as long as the network, unless killed.
  switchboard& add(const std::string& endpoint, const switchboard_options&, hub_listener&, trace::recorder&);
  /// Ends a node without a word, as SIGKILL does. Others find its endpoint deserted only
  /// if `noticed`.
  void kill(const std::string& endpoint, bool noticed);
  /// Stops a node as SIGSTOP does: what comes for it waits, and its time passes unseen. What it
  /// hears when it goes on, hubs find out by themselves. Nobody may send from a stopped node.
  void stop(const std::string& endpoint);
  void go_on(const std::string& endpoint);
  /// While blocked, nobody gets a connection to the endpoint.
  void block(const std::string& endpoint, bool blocked);

  /// Runs `action` after that much virtual time.
  void after(std::chrono::microseconds delay, std::function<void()> action);
  void run_for(std::chrono::microseconds);
  /// False when the time limit comes first.
  bool run_until(const std::function<bool()>& holds, std::chrono::microseconds limit);

 private:
  struct node;
  struct connection;
  class end_of_wire;
  struct event {
    time_point at;
    std::uint64_t order = 0;
    std::function<void()> action;
    bool operator>(const event& other) const { return std::tie(at, order) > std::tie(other.at, other.order); }
  };

  bool step(time_point limit);
  void flush();
  void schedule(time_point at, std::function<void()> action);
  wire_ptr dial(node& from, const std::string& endpoint);
  bool transmit(const std::shared_ptr<connection>&, int side, const frame_ptr&);
  void deliver(const std::shared_ptr<connection>&, int side, const byte_buffer&);
  void close(const std::shared_ptr<connection>&, int side);
  void tell_broken(const std::shared_ptr<connection>&, int side, const char* why);

  std::mt19937_64 random_;
  faults faults_;
  time_point now_{std::chrono::hours{1}};
  std::uint64_t events_ = 0;
  std::size_t ready_ = 0; ///< links that wait for flush(), of all nodes
  std::priority_queue<event, std::vector<event>, std::greater<>> queue_;
  std::map<std::string, std::unique_ptr<node>> nodes_;
  std::vector<std::unique_ptr<node>> dead_;
  std::set<std::string> blocked_;
  std::set<std::string> deserted_;
};

} // namespace troupe::transport
