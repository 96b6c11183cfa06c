#include "base/durations.hpp"

#include "base/text.hpp"

#include <fmt/format.h>

namespace troupe {

std::string duration_text(std::int64_t ns) {
  if (ns < 0) return ns == INT64_MIN ? "-292 years" : fmt::format("-{}", duration_text(-ns));
  auto value = static_cast<double>(ns);
  if (ns < 1'000) return fmt::format("{} ns", ns);
  if (value < 999.5e3) return three_digits(value / 1e3) + " µs";
  if (value < 999.5e6) return three_digits(value / 1e6) + " ms";
  if (value < 99.95e9) return three_digits(value / 1e9) + " s";
  auto seconds = ns / 1'000'000'000;
  if (seconds < 3600) return fmt::format("{} m {} s", seconds / 60, seconds % 60);
  return fmt::format("{} h {} m", seconds / 3600, seconds / 60 % 60);
}

std::string time_text(std::int64_t ns) { return fmt::format("{:.6f} s", static_cast<double>(ns) / 1e9); }

std::string seconds_text(double seconds, int digits) { return fmt::format("{:.{}g} s", seconds, digits); }

std::string limit_text(std::chrono::milliseconds limit) {
  const auto ms = limit.count();
  return ms % 1000 == 0 ? fmt::format("{} s", ms / 1000) : fmt::format("{} ms", ms);
}

std::string estimate_text(double seconds) {
  if (seconds < 100) return fmt::format("{:.0f} s", seconds);
  const auto minutes = static_cast<std::uint64_t>(seconds / 60);
  return minutes < 100 ? fmt::format("{} min", minutes) : fmt::format("{} h", minutes / 60);
}

std::string clock_text(std::chrono::nanoseconds time) {
  const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(time).count();
  return fmt::format("{}:{:02}", seconds / 60, seconds % 60);
}

} // namespace troupe
