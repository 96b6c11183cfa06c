// How durations, sizes and numbers are written in scenario files and in messages.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace troupe {

/// A value, or the sentence that says why there is none.
template <class T>
struct parsed {
  std::optional<T> value;
  std::string problem; ///< "has no unit"; the subject goes in front
};

/// "500ms", "1m30s", "1.5s", "-2s"; units d h m s ms us µs ns, from large to small.
parsed<std::chrono::nanoseconds> parse_duration(std::string_view);
/// The shortest text that parse_duration reads back to the same value.
std::string format_duration(std::chrono::nanoseconds);

/// "4096", "64KiB", "1.5GiB", "10MB"; in bytes.
parsed<std::uint64_t> parse_size(std::string_view);
std::string format_size(std::uint64_t bytes);

/// Decimal, or hexadecimal after 0x; all of the text.
std::optional<std::uint64_t> parse_unsigned(std::string_view);

/// Shortest text that reads back to the same number; whole numbers without a point.
std::string format_number(double);

/// As a TOML basic string, with escapes.
std::string quote_toml(std::string_view);
/// `"a", "b" or "c"`.
std::string join_quoted(std::span<const std::string>);

} // namespace troupe
