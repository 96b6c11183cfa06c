// CLOCK_MONOTONIC, read through the processor's time-stamp counter.
#pragma once

#include <atomic>
#include <cstdint>
#include <ctime>
#include <mutex>

#if defined(__x86_64__)
#include <x86intrin.h>
#endif

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

/// Costs less than half of clock_gettime, within some tens of nanoseconds of its time. Where
/// the kernel itself does not trust the counter, it is clock_gettime. Thread-safe.
class tick_clock {
 public:
  /// One for the process, since its threads compare their times.
  static tick_clock& shared();

  tick_clock();
  tick_clock(const tick_clock&) = delete;
  tick_clock& operator=(const tick_clock&) = delete;

  std::uint64_t now() {
#if defined(__x86_64__)
    const auto turn = turn_.load(std::memory_order_acquire);
    const auto& line = lines_[turn % 2];
    const auto since = __rdtsc() - line.ticks.load(std::memory_order_relaxed);
    if (since < line.length.load(std::memory_order_relaxed)) {
      // A line is so short that this does not overflow.
      const auto result = line.nanoseconds.load(std::memory_order_relaxed)
                          + (since * line.rate.load(std::memory_order_relaxed) >> 32);
      std::atomic_thread_fence(std::memory_order_acquire);
      if (turn_.load(std::memory_order_relaxed) == turn) return result;
    }
#endif
    return look_again();
  }

 private:
  struct shared_line {
    std::atomic<std::uint64_t> ticks{0}, nanoseconds{0}, rate{0}, length{0};
  };
  std::uint64_t look_again();
  tick_line current() const;
  void publish(const tick_line&);

  /// Readers take the one that is not being written, and look whether it still was when
  /// they were through.
  shared_line lines_[2];
  std::atomic<std::uint64_t> turn_{0};
  std::mutex drawing_;
  clock_reading before_; ///< under `drawing_`
  bool by_ticks_ = false;
};

} // namespace troupe::trace
