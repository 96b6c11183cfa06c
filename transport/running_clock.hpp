// Time as a thread that looks at it often lives through it.
#pragma once

#include <chrono>

namespace troupe::transport {

/// The steady clock less the time in which its thread, or the whole machine, stood still: who did
/// not run himself cannot say that others did nothing. Not thread-safe.
class running_clock {
 public:
  using time_point = std::chrono::steady_clock::time_point;

  /// Two looks are at most `step` apart while the thread runs.
  explicit running_clock(std::chrono::milliseconds step) : step_(step) {}

  /// `present`: of the steady clock, never earlier than before.
  time_point at(time_point present) {
    if (looked_at_ != time_point{} && present - looked_at_ > standstill)
      stood_still_ += present - looked_at_ - step_;
    looked_at_ = present;
    return present - stood_still_;
  }

 private:
  /// Longer than a busy machine keeps a thread waiting.
  static constexpr std::chrono::milliseconds standstill{1000};
  const std::chrono::milliseconds step_;
  time_point looked_at_{};
  std::chrono::steady_clock::duration stood_still_{0};
};

} // namespace troupe::transport
