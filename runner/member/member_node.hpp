// A worker node of a run: joins a launcher, hosts actors, leaves when it is told to.
#pragma once

#include "runner/api/scenario.hpp"
#include "runner/member/member.hpp"
#include "runner/member/run_info.hpp"

#include <condition_variable>
#include <mutex>
#include <set>

namespace troupe::scenarios {

struct member_options {
  std::string join; ///< the launcher's endpoint
  std::string name;
  std::chrono::milliseconds join_timeout = std::chrono::seconds{10};
  node_credentials credentials;
  void* zmq_context = nullptr; ///< shared with the launcher for inproc
  /// Where the trace is kept while the run is on; empty: in the run directory where this
  /// process can write there, else in a directory beside it.
  std::filesystem::path trace_dir;
  std::function<void(const std::string&)> warn;
  std::function<void(const std::string&)> tell; ///< for people: what has become of the trace
};

/// Joins in the constructor, which throws std::runtime_error saying why it could not.
class member_node {
 public:
  enum class ending : std::uint8_t { told_to_leave, launcher_lost };

  member_node(const std::vector<const scenario*>& known, member_options);
  ~member_node();

  /// Of an ending that was launcher_lost: why, in words.
  std::string why_lost();
  /// The reason to stop, or nothing when the time is up first.
  std::optional<ending> wait_for(std::chrono::milliseconds);
  /// Ends the actors and says goodbye. Idempotent.
  void stop();
  /// After stop(): brings a trace that does not lie in the run directory to the launcher, if
  /// that is still there, and tells where it is. Blocks while that makes progress, and until
  /// `give_up` answers true.
  void hand_over_trace(const std::function<bool()>& give_up);

 private:
  void end(ending);
  void tell_mistake(const std::string&);
  void end_without_launcher(); ///< if it has gone; under the lock
  void tell_failure(const failed_actor&);

  std::mutex mutex_;
  std::condition_variable changed_;
  std::optional<ending> ending_;
  std::string launcher_;
  std::map<std::string, std::string> gone_; ///< nodes that were met, and why they are gone
  std::chrono::nanoseconds stood_still_{0}; ///< the longest time that this process did not run
  std::vector<std::string> mistakes_;       ///< to be told when the launcher is known
  const std::string name_, join_;
  const std::function<void(const std::string&)> tell_, warn_;
  std::filesystem::path run_dir_; ///< on the launcher's host
  std::filesystem::path kept_in_; ///< the trace; empty: the run directory itself
  transport::hub_options links_;
  std::unique_ptr<node> node_;
};

/// Where this node keeps its trace and its books; empty: in the run directory. Makes the
/// directory. Throws std::runtime_error if there is none.
std::filesystem::path place_for_trace(const run_info&, const member_options&);

// What a node tells the launcher of a trace that it will bring, in its greeting.
inline constexpr const char* trace_promise_key = "trace_dir";
std::map<std::string, std::string> promise_of_trace(const std::filesystem::path&);

} // namespace troupe::scenarios
