// When a run ends, with which verdict, and the reason that people are told.
#pragma once

#include "runner/plan/verdict.hpp"
#include "runner/run/stuck_detector.hpp"

#include <chrono>
#include <optional>
#include <string>
#include <vector>

namespace troupe::scenarios {

/// What is known of a run at one moment.
struct run_snapshot {
  struct gone_node {
    std::string name;
    std::string why; ///< "left", "lost: silent"
  };

  std::string scenario;
  std::optional<std::string> start_failed; ///< why the scenario could not be wired, by its own fault
  std::optional<std::string> mistake;      ///< of the program, with which no run may pass
  bool has_result = false;
  bool result_in_time = true;        ///< of the result, if there is one
  std::optional<std::string> failed; ///< why, as an actor of the scenario told
  std::optional<gone_node> gone;     ///< one of the nodes that are not there any more
  bool needs_all_nodes = true;       ///< no node may go
  bool interrupted = false;
  bool deadline_passed = false;
  /// What was not done when the deadline passed: " before all actors were spawned"; empty: everything was.
  std::string left_undone;
  std::optional<std::string> standstill; ///< why nothing moves, where that has been told and is still so
  stuck_detector::news stuck;            ///< what the detector found last
  std::optional<std::chrono::nanoseconds> stall; ///< how long nothing may move; nothing: for ever
};

struct run_end {
  verdict how = verdict::passed;
  std::string reason;             ///< one sentence; empty for a run that passed
  std::vector<std::string> cycle; ///< who waits for whom, a sentence a step, where that is known
};

/// Whether the run is over; nothing: it goes on. Where several things end it, the first of these counts: a
/// start that failed, a mistake, a result in time, a failure (a node that was lost is its cause), an
/// interrupt, the deadline, a node that is gone, and that nothing moves. Pure.
std::optional<run_end> end_of(const run_snapshot&);

/// What people are told of a run in which nothing moves and that goes on; empty: nothing. Pure.
std::string standstill_warning(const stuck_detector::news&, std::optional<std::chrono::nanoseconds> stall);

/// What is to be added to the reason of a run that ends because a node was lost, where the launcher itself
/// did not run for so long that the nodes have lost it: then they are not to blame. Empty: nothing. Pure.
std::string own_standstill(std::chrono::nanoseconds stood_still);

} // namespace troupe::scenarios
