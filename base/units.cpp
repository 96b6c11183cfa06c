#include "base/units.hpp"

#include <array>
#include <charconv>
#include <cmath>
#include <limits>

#include <fmt/format.h>

namespace troupe {
namespace {

struct unit {
  std::string_view name;
  std::uint64_t factor;
};

constexpr std::array time_units{
    unit{"d", 86'400'000'000'000},
    unit{"h", 3'600'000'000'000},
    unit{"m", 60'000'000'000},
    unit{"s", 1'000'000'000},
    unit{"ms", 1'000'000},
    unit{"us", 1'000},
    unit{"ns", 1},
};

constexpr std::array size_units{
    unit{"B", 1},
    unit{"KiB", 1ULL << 10},
    unit{"MiB", 1ULL << 20},
    unit{"GiB", 1ULL << 30},
    unit{"TiB", 1ULL << 40},
    unit{"KB", 1'000},
    unit{"kB", 1'000},
    unit{"MB", 1'000'000},
    unit{"GB", 1'000'000'000},
    unit{"TB", 1'000'000'000'000},
};

bool is_digit(char c) { return c >= '0' && c <= '9'; }

std::string_view trim(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t'))
    text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t'))
    text.remove_suffix(1);
  return text;
}

/// Digits with at most one point, cut from the front of the text.
struct decimal {
  std::string_view whole, fraction;
  bool any() const { return !whole.empty() || !fraction.empty(); }
};

decimal take_decimal(std::string_view& text) {
  const auto digits = [&] {
    std::size_t n = 0;
    while (n < text.size() && is_digit(text[n]))
      ++n;
    const auto taken = text.substr(0, n);
    text.remove_prefix(n);
    return taken;
  };
  decimal result;
  result.whole = digits();
  if (text.size() > 1 && text[0] == '.' && is_digit(text[1])) {
    text.remove_prefix(1);
    result.fraction = digits();
  }
  return result;
}

std::string_view take_letters(std::string_view& text) {
  std::size_t n = 0;
  while (n < text.size() && !is_digit(text[n]) && text[n] != '.' && text[n] != ' ' && text[n] != '-')
    ++n;
  const auto taken = text.substr(0, n);
  text.remove_prefix(n);
  return taken;
}

/// number × factor, exactly; nothing when it overflows or is no whole number.
enum class scale_error : std::uint8_t { none, too_large, too_fine };
scale_error scale(const decimal& number, std::uint64_t factor, std::uint64_t& result) {
  std::uint64_t whole = 0;
  for (char c : number.whole)
    if (__builtin_mul_overflow(whole, 10U, &whole)
        || __builtin_add_overflow(whole, static_cast<std::uint64_t>(c - '0'), &whole))
      return scale_error::too_large;
  if (__builtin_mul_overflow(whole, factor, &whole)) return scale_error::too_large;
  // Binary sizes do not divide by ten, so the fraction is worked out as one quotient.
  std::uint64_t numerator = 0, denominator = 1;
  for (char c : number.fraction) {
    if (denominator >= 1'000'000'000'000'000'000ULL) {
      if (c != '0') return scale_error::too_fine;
      continue;
    }
    numerator = numerator * 10 + static_cast<std::uint64_t>(c - '0');
    denominator *= 10;
  }
  __extension__ using wide = unsigned __int128;
  const wide product = static_cast<wide>(numerator) * factor;
  if (product % denominator != 0) return scale_error::too_fine;
  if (__builtin_add_overflow(whole, static_cast<std::uint64_t>(product / denominator), &whole))
    return scale_error::too_large;
  result = whole;
  return scale_error::none;
}

template <class Units>
const unit* find_unit(const Units& units, std::string_view name) {
  for (const unit& u : units)
    if (u.name == name) return &u;
  return nullptr;
}

} // namespace

parsed<std::chrono::nanoseconds> parse_duration(std::string_view given) {
  auto text = trim(given);
  const bool negative = !text.empty() && text.front() == '-';
  if (negative || (!text.empty() && text.front() == '+')) text.remove_prefix(1);
  if (text.empty()) return {{}, "is empty"};
  std::uint64_t total = 0;
  std::uint64_t last_factor = std::numeric_limits<std::uint64_t>::max();
  while (!text.empty()) {
    const auto number = take_decimal(text);
    if (!number.any()) return {{}, "is not a duration"};
    text = trim(text);
    auto name = take_letters(text);
    if (name.empty()) return {{}, "has no unit"};
    if (name == "µs" || name == "μs") name = "us";
    const unit* found = find_unit(time_units, name);
    if (!found) return {{}, fmt::format("has the unknown unit `{}`", name)};
    if (found->factor >= last_factor) return {{}, "does not go from large units to small ones"};
    last_factor = found->factor;
    std::uint64_t part = 0;
    const auto error = scale(number, found->factor, part);
    if (error == scale_error::too_fine) return {{}, "is finer than a nanosecond"};
    if (error == scale_error::too_large || __builtin_add_overflow(total, part, &total)
        || total > static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max()))
      return {{}, "is longer than 292 years"};
    text = trim(text);
  }
  const auto count = static_cast<std::int64_t>(total);
  return {std::chrono::nanoseconds{negative ? -count : count}, {}};
}

std::string format_duration(std::chrono::nanoseconds duration) {
  if (duration.count() == 0) return "0s";
  std::string text;
  auto left = static_cast<std::uint64_t>(duration.count());
  if (duration.count() < 0) {
    text = "-";
    left = 0 - left;
  }
  for (const unit& u : time_units) {
    if (left / u.factor == 0) continue;
    text += fmt::format("{}{}", left / u.factor, u.name);
    left %= u.factor;
  }
  return text;
}

parsed<std::uint64_t> parse_size(std::string_view given) {
  auto text = trim(given);
  if (text.empty()) return {{}, "is empty"};
  if (text.front() == '-') return {{}, "is negative"};
  const auto number = take_decimal(text);
  if (!number.any()) return {{}, "is not a size"};
  const auto name = trim(text);
  const unit* found = find_unit(size_units, name.empty() ? "B" : name);
  if (!found) return {{}, fmt::format("has the unknown unit `{}`", name)};
  std::uint64_t bytes = 0;
  switch (scale(number, found->factor, bytes)) {
  case scale_error::none:
    return {bytes, {}};
  case scale_error::too_fine:
    return {{}, "is not a whole number of bytes"};
  case scale_error::too_large:
    break;
  }
  return {{}, "is too large"};
}

std::string format_size(std::uint64_t bytes) {
  for (std::string_view name : {"TiB", "GiB", "MiB", "KiB"}) {
    const unit& u = *find_unit(size_units, name);
    if (bytes >= u.factor && bytes % u.factor == 0) return fmt::format("{}{}", bytes / u.factor, name);
  }
  return fmt::format("{}B", bytes);
}

std::optional<std::uint64_t> parse_unsigned(std::string_view given) {
  auto text = trim(given);
  int base = 10;
  if (text.starts_with("0x")) {
    text.remove_prefix(2);
    base = 16;
  }
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value, base);
  if (text.empty() || error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return value;
}

std::string format_number(double value) {
  if (std::isfinite(value) && std::floor(value) == value && std::fabs(value) < 9'007'199'254'740'992.0)
    return fmt::format("{:.0f}", value);
  return fmt::format("{}", value);
}

std::string quote_toml(std::string_view text) {
  std::string quoted = "\"";
  for (char c : text) {
    switch (c) {
    case '"':
      quoted += "\\\"";
      break;
    case '\\':
      quoted += "\\\\";
      break;
    case '\n':
      quoted += "\\n";
      break;
    case '\t':
      quoted += "\\t";
      break;
    case '\r':
      quoted += "\\r";
      break;
    default:
      if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f)
        quoted += fmt::format("\\u{:04X}", static_cast<unsigned char>(c));
      else
        quoted += c;
    }
  }
  return quoted + '"';
}

std::string join_quoted(std::span<const std::string> words) {
  std::string text;
  for (std::size_t i = 0; i < words.size(); ++i) {
    if (i > 0) text += i + 1 == words.size() ? " or " : ", ";
    text += quote_toml(words[i]);
  }
  return text;
}

} // namespace troupe
