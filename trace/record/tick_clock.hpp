// CLOCK_MONOTONIC, read through the processor's time-stamp counter.
#pragma once

#include <atomic>
#include <cstdint>
#include <ctime>
#include <mutex>

namespace troupe::trace {

/// A clock of the system, in nanoseconds.
std::uint64_t clock_ns(clockid_t);

/// One moment on both clocks.
struct clock_reading {
  std::uint64_t ticks = 0;
  std::uint64_t nanoseconds = 0;
};

/// A stretch of time on which a tick lasts equally long.
struct tick_line {
  clock_reading begin;
  std::uint64_t rate = 0;   ///< nanoseconds a tick, times 2^32; 0: not known yet
  std::uint64_t length = 0; ///< in ticks; then the next line is due

  /// Before the line begins, its beginning.
  std::uint64_t at(std::uint64_t ticks) const;
};

/// The line after `last`, which was drawn at `before`. It goes on where `last` is now, so
/// that time never goes back, and meets the system's clock after its length; only where
/// `last` is behind by more than `jump_ns` the line begins on the system's clock.
tick_line next_line(const tick_line& last, const clock_reading& before, const clock_reading& now);

inline constexpr std::uint64_t line_ns = 100'000'000, first_line_ns = 10'000'000, jump_ns = 100'000;

/// Within some tens of nanoseconds of the system's time. Where the kernel itself does not trust the
/// counter, it is clock_gettime. Thread-safe.
class tick_clock {
 public:
  /// One for the process, since its threads compare their times.
  static tick_clock& shared();

  tick_clock();
  tick_clock(const tick_clock&) = delete;
  tick_clock& operator=(const tick_clock&) = delete;

  /// The time now. `known` is a line that this clock gave the caller before, or an empty one; it is
  /// replaced by the one that holds now.
  std::uint64_t look_up(tick_line& known);

 private:
  bool by_ticks_ = false;
  std::uint64_t began_ns_ = 0;     ///< some time after that the first line is drawn
  std::atomic<bool> drawn_{false}; ///< until then there is the system's clock
  std::mutex drawing_;
  clock_reading before_; ///< this and the next under `drawing_`
  tick_line line_;
};

/// The line that the calling thread read the time of the process from last.
[[gnu::tls_model("initial-exec")]] inline constinit thread_local tick_line line_of_thread;

/// The time of tick_clock::shared(), for less than half of what clock_gettime costs: a thread looks
/// there only when its line has ended.
inline std::uint64_t monotonic_ns() {
#if defined(__x86_64__)
  const auto& line = line_of_thread;
  // What __rdtsc() is; its header takes a compiler longer than most sources that include this one.
  const auto since = __builtin_ia32_rdtsc() - line.begin.ticks;
  // A line is so short that this does not overflow.
  if (since < line.length) [[likely]]
    return line.begin.nanoseconds + (since * line.rate >> 32);
#endif
  return tick_clock::shared().look_up(line_of_thread);
}

} // namespace troupe::trace
