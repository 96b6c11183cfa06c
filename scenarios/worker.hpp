// A worker node of a run: joins a launcher, hosts actors, leaves when it is told to.
#pragma once

#include "scenarios/run_info.hpp"
#include "scenarios/runner.hpp"
#include "scenarios/scenario.hpp"

#include <condition_variable>
#include <mutex>

namespace troupe::scenarios {

struct worker_options {
  std::string join; ///< the launcher's endpoint
  std::string name;
  std::chrono::milliseconds join_timeout = std::chrono::seconds{10};
  node_credentials credentials;
  void* zmq_context = nullptr; ///< shared with the launcher for inproc
  std::function<void(const std::string&)> warn;
};

/// Joins in the constructor, which throws std::runtime_error saying why it could not.
class worker {
 public:
  enum class ending : std::uint8_t { told_to_leave, launcher_lost };

  worker(const std::vector<const scenario*>& known, worker_options);
  ~worker();

  /// The reason to stop, or nothing when the time is up first.
  std::optional<ending> wait_for(std::chrono::milliseconds);
  /// Ends the actors and says goodbye. Idempotent.
  void stop();

 private:
  void end(ending);

  std::mutex mutex_;
  std::condition_variable changed_;
  std::optional<ending> ending_;
  std::string launcher_;
  std::unique_ptr<node> node_;
};

} // namespace troupe::scenarios
