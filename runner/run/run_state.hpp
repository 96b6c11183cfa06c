// What has happened so far in a run, told by many threads and awaited by one.
#pragma once

#include "runner/run/actor_failures.hpp"
#include "runner/run/node_roster.hpp"

#include <chrono>
#include <condition_variable>
#include <mutex>
#include <optional>
#include <string>

namespace troupe::scenarios {

/// Shared by the launcher, which waits, and by whoever may still tell something when it has ended. All
/// members but the first two are read and written under the mutex; who writes what the launcher waits for
/// notifies `changed`.
struct run_state {
  std::mutex mutex;
  std::condition_variable changed;

  node_roster nodes;
  pending_failures failures;
  std::optional<std::string> finished; ///< the result, as JSON text
  std::chrono::steady_clock::time_point finished_at;
  std::optional<std::string> failed;       ///< why the scenario cannot go on
  std::optional<std::string> mistake;      ///< of the program, with which no run may pass
  std::chrono::nanoseconds stood_still{0}; ///< the longest time that this process did not run
};

} // namespace troupe::scenarios
