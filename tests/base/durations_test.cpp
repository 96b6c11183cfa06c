// How times are written, each kind by its rule.
#include "base/durations.hpp"
#include "tests/support/catch.hpp"

using namespace troupe;
using namespace std::chrono_literals;

TEST_CASE("what was measured has three significant digits and the unit that suits it", "[base][durations]") {
  CHECK(duration_text(0) == "0 ns");
  CHECK(duration_text(999) == "999 ns");
  CHECK(duration_text(1'234) == "1.23 µs");
  CHECK(duration_text(12'345) == "12.3 µs");
  CHECK(duration_text(999'499) == "999 µs");
  CHECK(duration_text(999'999) == "1.00 ms");
  CHECK(duration_text(-45'600'000) == "-45.6 ms");
  CHECK(duration_text(99'900'000'000) == "99.9 s");
  CHECK(duration_text(125'000'000'000) == "2 m 5 s");
  CHECK(duration_text(2 * 3'600'000'000'000 + 59'000'000'000) == "2 h 0 m");
  CHECK(duration_text(INT64_MIN) == "-292 years");
}

TEST_CASE("times of a column all have six decimals", "[base][durations]") {
  CHECK(time_text(0) == "0.000000 s");
  CHECK(time_text(1'234'567'890) == "1.234568 s");
  CHECK(time_text(-500'000'000) == "-0.500000 s");
}

TEST_CASE("what is to be compared stays in seconds", "[base][durations]") {
  CHECK(seconds_text(0.00434123) == "0.00434 s");
  CHECK(seconds_text(12.3456) == "12.3 s");
  CHECK(seconds_text(12.3456, 4) == "12.35 s");
  CHECK(seconds_text(30, 6) == "30 s");
}

TEST_CASE("a limit is told exactly, in whole seconds where it has such", "[base][durations]") {
  CHECK(limit_text(0ms) == "0 s");
  CHECK(limit_text(10s) == "10 s");
  CHECK(limit_text(1500ms) == "1500 ms");
  CHECK(limit_text(20ms) == "20 ms");
}

TEST_CASE("an estimate has one unit and no decimals", "[base][durations]") {
  CHECK(estimate_text(0.4) == "0 s");
  CHECK(estimate_text(99.4) == "99 s");
  CHECK(estimate_text(100) == "1 min");
  CHECK(estimate_text(99 * 60) == "99 min");
  CHECK(estimate_text(100 * 60) == "1 h");
  CHECK(estimate_text(1'000'000) == "277 h");
}

TEST_CASE("a clock counts minutes beyond the hour", "[base][durations]") {
  CHECK(clock_text(0s) == "0:00");
  CHECK(clock_text(65s + 900ms) == "1:05");
  CHECK(clock_text(3665s) == "61:05");
}
