// How times are written for people: a rule for each kind of them. What a scenario file says of times is
// written as there; see units.hpp.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>

namespace troupe {

/// What was measured, however long: "830 ns", "1.25 ms", "2 m 5 s"; three significant digits,
/// negative ones with a sign.
std::string duration_text(std::int64_t ns);
/// A time since the start of the run, for a column: "1.234567 s".
std::string time_text(std::int64_t ns);
/// How long a run took or may take, to be compared with others: in seconds with that many significant
/// digits, "0.0123 s".
std::string seconds_text(double seconds, int digits = 3);
/// A limit that was reached, exactly: "10 s", "1500 ms".
std::string limit_text(std::chrono::milliseconds);
/// An estimate of the time that is left, 0 or more: "45 s", "3 min", "2 h".
std::string estimate_text(double seconds);
/// What a clock beside a run shows, minutes and seconds: "0:07", "61:05".
std::string clock_text(std::chrono::nanoseconds);

} // namespace troupe
