#include "trace/record/tick_clock.hpp"

#include <algorithm>
#include <ctime>
#include <fstream>
#include <string>

namespace troupe::trace {
namespace {

__extension__ using wide = unsigned __int128;

std::uint64_t read_ticks() {
#if defined(__x86_64__)
  return __builtin_ia32_rdtsc();
#else
  return 0;
#endif
}

/// The kernel has looked whether the counter runs evenly and on all processors alike.
bool kernel_trusts_ticks() {
#if defined(__x86_64__)
  std::ifstream file{"/sys/devices/system/clocksource/clocksource0/current_clocksource"};
  std::string name;
  return file >> name && name == "tsc";
#else
  return false;
#endif
}

/// The best of a few tries: between its two readings a thread can lose its processor.
clock_reading read_both() {
  clock_reading best;
  std::uint64_t best_gap = ~std::uint64_t{0};
  for (int i = 0; i < 4; ++i) {
    const auto begin = read_ticks();
    const auto nanoseconds = clock_ns(CLOCK_MONOTONIC);
    const auto gap = read_ticks() - begin;
    if (gap >= best_gap) continue;
    best_gap = gap;
    best = {begin + gap / 2, nanoseconds};
  }
  return best;
}

std::uint64_t scaled(std::uint64_t x, std::uint64_t times, std::uint64_t over) {
  return static_cast<std::uint64_t>(wide{x} * times / std::max<std::uint64_t>(over, 1));
}

} // namespace

std::uint64_t clock_ns(clockid_t which) {
  timespec t;
  clock_gettime(which, &t);
  return static_cast<std::uint64_t>(t.tv_sec) * 1'000'000'000U + static_cast<std::uint64_t>(t.tv_nsec);
}

std::uint64_t tick_line::at(std::uint64_t ticks) const {
  const auto since = static_cast<std::int64_t>(ticks - begin.ticks);
  if (since <= 0) return begin.nanoseconds;
  return begin.nanoseconds + static_cast<std::uint64_t>(wide{static_cast<std::uint64_t>(since)} * rate >> 32);
}

tick_line next_line(const tick_line& last, const clock_reading& before, const clock_reading& now) {
  const auto ticks = now.ticks - before.ticks, passed = now.nanoseconds - before.nanoseconds;
  // The counter was set back, which a kernel that trusts it does not let happen.
  if (static_cast<std::int64_t>(ticks) <= 0 || passed == 0) return {now, last.rate, last.length};
  tick_line line{now, scaled(passed, std::uint64_t{1} << 32, ticks), scaled(line_ns, ticks, passed)};
  if (last.rate == 0) return line;
  const auto ours = last.at(now.ticks);
  if (ours + jump_ns < now.nanoseconds) return line;
  line.begin.nanoseconds = ours;
  const auto ahead = static_cast<std::int64_t>(ours - now.nanoseconds);
  const auto aim =
      std::max(static_cast<std::int64_t>(line_ns) - ahead, static_cast<std::int64_t>(line_ns / 2));
  line.rate = scaled(static_cast<std::uint64_t>(aim), std::uint64_t{1} << 32, line.length);
  return line;
}

tick_clock& tick_clock::shared() {
  static tick_clock instance;
  return instance;
}

tick_clock::tick_clock() : by_ticks_(kernel_trusts_ticks()) {
  if (by_ticks_) before_ = read_both();
  began_ns_ = before_.nanoseconds;
}

std::uint64_t tick_clock::look_up(tick_line& known) {
  if (!by_ticks_) return clock_ns(CLOCK_MONOTONIC);
  if (!drawn_.load(std::memory_order_acquire)) {
    const auto now = clock_ns(CLOCK_MONOTONIC);
    if (now - began_ns_ < first_line_ns) return now;
  }
  // Whoever holds it reads the two clocks, once a line and thread.
  const std::lock_guard lock{drawing_};
  const auto now = read_both();
  if (line_.rate == 0 || now.ticks - line_.begin.ticks >= line_.length) {
    line_ = next_line(line_, before_, now);
    before_ = now;
    drawn_.store(true, std::memory_order_release);
  }
  known = line_;
  return line_.at(now.ticks);
}

} // namespace troupe::trace
