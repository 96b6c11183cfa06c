// Faults that a scenario file asks for, at their times.
#pragma once

#include "runner/plan/plan.hpp"

#include <chrono>
#include <set>
#include <string>
#include <utility>
#include <vector>

namespace troupe::scenarios {

/// What carries a fault out.
class fault_target {
 public:
  virtual ~fault_target() = default;
  /// Kills, stops or resumes the process of that node, or cuts the connection to it. Does nothing to a node
  /// that has ended.
  virtual void inject(fault_plan::action_kind, const std::string& node) = 0;
};

/// Says which fault is due when, and on whom. Reads no clock and does nothing itself. Not thread-safe.
class fault_injector {
 public:
  using time_point = std::chrono::steady_clock::time_point;

  /// `target` outlives it.
  explicit fault_injector(fault_target& target) : target_(target) {}

  /// The times of the faults count from `start`.
  void schedule(const std::vector<fault_plan>&, time_point start);
  /// Injects what is due; a node that was stopped for a while is resumed when that has passed since `now`.
  void inject_due(time_point now);
  /// Faults end with the run: whoever is stopped goes on, so that it can leave.
  void resume_stopped();

 private:
  void inject(const fault_plan&);

  fault_target& target_;
  std::vector<std::pair<time_point, fault_plan>> waiting_;
  std::set<std::string> stopped_; ///< and not resumed
};

} // namespace troupe::scenarios
