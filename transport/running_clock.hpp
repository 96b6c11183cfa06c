// Time as a thread that looks at it often lives through it.
#pragma once

#include "transport/standstill.hpp"

#include <utility>

namespace troupe::transport {

/// The steady clock less the time in which its thread, or the whole machine, stood still: who did
/// not run himself cannot say that others did nothing. Not thread-safe.
class running_clock {
 public:
  using time_point = std::chrono::steady_clock::time_point;

  /// Two looks are at most `step` apart while the thread runs.
  explicit running_clock(std::chrono::milliseconds step) : step_(step), watch_(time_point{}, standstill) {}

  /// `present`: of the steady clock, never earlier than before.
  time_point at(time_point present) {
    if (const auto late = watch_.look(present); std::exchange(looked_, true)) stood_still_ += late;
    watch_.sleeps_until(present + step_);
    return present - stood_still_;
  }

 private:
  /// Longer than a busy machine keeps a thread waiting.
  static constexpr std::chrono::milliseconds standstill{1000};
  const std::chrono::milliseconds step_;
  standstill_watch watch_;
  bool looked_ = false;
  std::chrono::steady_clock::duration stood_still_{0};
};

} // namespace troupe::transport
