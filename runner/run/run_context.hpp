// What the parts of one run share.
#pragma once

#include "runner/run/run_clock.hpp"
#include "runner/run/run_state.hpp"
#include "runner/run/runner.hpp"

#include <memory>
#include <string>

namespace troupe::scenarios {

/// How often a waiting launcher looks at the interrupt counter, which is set by signal
/// handlers and so cannot wake it.
inline constexpr std::chrono::milliseconds look_interval{20};

/// Owned by the execution, and outlives the other parts. Used on the runner's thread, but for phase() and
/// warn(), which are thread-safe as the observer is, and for the state, which has its mutex.
struct run_context {
  const scenario& what;
  const run_options& options;
  run_clock clock{options.what.deadline};
  const std::shared_ptr<run_state> state = std::make_shared<run_state>();

  const topology_plan& topology() const { return options.what.topology; }
  /// 0: go on; 1: end in order; 2 or more: end now.
  int interrupts() const { return options.interrupts != nullptr ? options.interrupts->load() : 0; }
  bool goes_on() const { return interrupts() == 0 && !clock.deadline_passed(); }
  void phase(const std::string& text) const {
    if (options.observer.on_phase) options.observer.on_phase(text);
  }
  void warn(const std::string& text) const {
    if (options.observer.on_warning) options.observer.on_warning(text);
  }
};

} // namespace troupe::scenarios
