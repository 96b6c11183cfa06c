#include "trace/record/tick_clock.hpp"

#include "base/random.hpp"
#include "tests/support/catch.hpp"

#include <atomic>
#include <ctime>
#include <random>
#include <thread>
#include <vector>

using namespace troupe::trace;

namespace {

constexpr std::uint64_t second = 1'000'000'000;

/// A counter of 2.5 GHz beside a kernel's clock whose pace changes.
struct two_clocks {
  clock_reading now{1'000'000, 77 * second};
  double pace = 1;

  void pass(std::uint64_t ticks) {
    now.ticks += ticks;
    now.nanoseconds += static_cast<std::uint64_t>(static_cast<double>(ticks) * 0.4 * pace);
  }
};

std::int64_t lead(const tick_line& line, const clock_reading& now) {
  return static_cast<std::int64_t>(line.at(now.ticks) - now.nanoseconds);
}

} // namespace

TEST_CASE("the first line runs at the pace that the counter had", "[clock]") {
  two_clocks clocks;
  const auto before = clocks.now;
  clocks.pass(25'000'000);
  const auto line = next_line({}, before, clocks.now);
  CHECK(line.at(clocks.now.ticks) == clocks.now.nanoseconds);
  CHECK(line.length == 250'000'000);
  clocks.pass(line.length);
  CHECK(std::abs(lead(line, clocks.now)) <= 1);
}

TEST_CASE("lines follow a clock whose pace changes, and never go back", "[clock]") {
  const auto seed = std::random_device{}();
  INFO("seed " << seed);
  std::mt19937_64 random{seed};
  two_clocks clocks;
  auto before = clocks.now;
  clocks.pass(25'000'000);
  auto line = next_line({}, before, clocks.now);
  before = clocks.now;
  for (int i = 0; i < 1000; ++i) {
    clocks.pace += troupe::draw_share(random) * 1e-5 - 5e-6;
    clocks.pass(line.length + random() % 1'000'000);
    const auto ours = line.at(clocks.now.ticks);
    const auto next = next_line(line, before, clocks.now);
    CHECK(next.at(clocks.now.ticks) >= ours);
    CHECK(std::abs(lead(next, clocks.now)) < 5'000);
    before = clocks.now;
    line = next;
  }
}

TEST_CASE("a line that is behind after a long pause jumps, one that is ahead slows down", "[clock]") {
  two_clocks clocks;
  auto before = clocks.now;
  clocks.pass(25'000'000);
  auto line = next_line({}, before, clocks.now);
  before = clocks.now;
  SECTION("behind") {
    clocks.pace = 1.0005;
    clocks.pass(250 * second);
    REQUIRE(lead(line, clocks.now) < -static_cast<std::int64_t>(jump_ns));
    CHECK(lead(next_line(line, before, clocks.now), clocks.now) == 0);
  }
  SECTION("ahead") {
    clocks.pace = 0.9995;
    clocks.pass(250 * second);
    const auto was = lead(line, clocks.now);
    REQUIRE(was > 10'000'000);
    for (int lines = 0; lead(line, clocks.now) > 1'000; ++lines) {
      REQUIRE(lines < 10);
      const auto ours = line.at(clocks.now.ticks);
      const auto next = next_line(line, before, clocks.now);
      CHECK(next.at(clocks.now.ticks) == ours);
      before = clocks.now;
      line = next;
      clocks.pass(line.length);
      CHECK(line.at(clocks.now.ticks) >= ours + line_ns / 2 - 1);
    }
  }
}

TEST_CASE("a counter that was set back does not stop the clock or make it nonsense", "[clock]") {
  two_clocks clocks;
  auto before = clocks.now;
  clocks.pass(25'000'000);
  const auto line = next_line({}, before, clocks.now);
  before = clocks.now;
  const clock_reading after{5, before.nanoseconds + second};
  const auto next = next_line(line, before, after);
  CHECK(next.at(5) == after.nanoseconds);
  CHECK(next.at(5 + next.length)
        == line.at(line.begin.ticks + line.length) - line.begin.nanoseconds + after.nanoseconds);
}

TEST_CASE("the clock of the process lies between two readings of the system's, on every thread", "[clock]") {
  const auto system_ns = [] { return clock_ns(CLOCK_MONOTONIC); };
  const auto until = system_ns() + 250'000'000; // over the first lines
  std::atomic<int> wrong{0};
  const auto look = [&] {
    std::uint64_t last = 0;
    for (std::uint64_t before = 0; before < until;) {
      before = system_ns();
      const auto ours = monotonic_ns();
      const auto after = system_ns();
      if (ours < last || ours + jump_ns < before || ours > after + jump_ns) ++wrong;
      last = ours;
    }
  };
  std::vector<std::jthread> others;
  for (int i = 0; i < 3; ++i)
    others.emplace_back(look);
  look();
  others.clear();
  CHECK(wrong == 0);
}

TEST_CASE("a thread that slept through several lines goes on with the latest", "[clock]") {
  auto known = line_of_thread;
  (void)tick_clock::shared().look_up(known);
  auto old = known;
  old.begin.ticks -= 10 * (old.length + 1); // as if it were of a second ago and more
  const auto before = clock_ns(CLOCK_MONOTONIC);
  const auto ours = tick_clock::shared().look_up(old);
  const auto after = clock_ns(CLOCK_MONOTONIC);
  CHECK(ours + jump_ns >= before);
  CHECK(ours <= after + jump_ns);
  CHECK(old.begin.ticks >= known.begin.ticks);
}
