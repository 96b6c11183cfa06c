#include "base/text.hpp"

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cmath>
#include <fmt/format.h>

namespace troupe {

std::string three_digits(double value) {
  if (value >= 99.95) return fmt::format("{:.0f}", value);
  if (value >= 9.995) return fmt::format("{:.1f}", value);
  return fmt::format("{:.2f}", value);
}

std::string bytes_text(std::uint64_t bytes) {
  constexpr std::string_view units[] = {"KiB", "MiB", "GiB", "TiB", "PiB", "EiB"};
  if (bytes < 1024) return fmt::format("{} B", bytes);
  auto value = static_cast<double>(bytes) / 1024;
  std::size_t u = 0;
  for (; value >= 999.5 && u + 1 < std::size(units); ++u)
    value /= 1024;
  return three_digits(value) + " " + std::string{units[u]};
}

std::string grouped(std::uint64_t number) {
  auto digits = std::to_string(number);
  std::string out;
  for (std::size_t i = 0; i < digits.size(); ++i) {
    if (i > 0 && (digits.size() - i) % 3 == 0) out += ',';
    out += digits[i];
  }
  return out;
}

std::string counted(std::uint64_t number, std::string_view noun) {
  return fmt::format("{} {}{}", grouped(number), noun, number == 1 ? "" : "s");
}

std::string own_name() {
  const std::string name = program_invocation_short_name; // which libc keeps
  return name.empty() ? "troupe" : name;
}

std::string own_command(std::string_view words) { return fmt::format("{} {}", own_name(), words); }

std::string shell_quoted(std::string_view word) {
  constexpr std::string_view harmless =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_./:@%+=,-";
  if (!word.empty() && word.find_first_not_of(harmless) == std::string_view::npos) return std::string{word};
  std::string out = "'";
  for (char c : word)
    out += c == '\'' ? std::string{"'\\''"} : std::string{c};
  return out + "'";
}

bool glob_match(std::string_view pattern, std::string_view text) {
  // Greedy with one point to come back to: linear in practice, never exponential.
  std::size_t p = 0, t = 0, star = std::string_view::npos, mark = 0;
  while (t < text.size()) {
    if (p < pattern.size() && pattern[p] == '*') {
      star = p++;
      mark = t;
    } else if (p < pattern.size() && (pattern[p] == '?' || pattern[p] == text[t])) {
      ++p;
      ++t;
    } else if (star != std::string_view::npos) {
      p = star + 1;
      t = ++mark;
    } else {
      return false;
    }
  }
  while (p < pattern.size() && pattern[p] == '*')
    ++p;
  return p == pattern.size();
}

std::string csv_cell(std::string_view text) {
  // Tabs and line ends are visible by now. The last four are the others' twins of full width.
  constexpr std::string_view formula_starts[] = {"=", "+", "-", "@", "\uff1d", "\uff0b", "\uff0d", "\uff20"};
  auto cell = printable(text);
  double number = 0;
  const auto* end = cell.data() + cell.size();
  const bool is_number = std::from_chars(cell.data(), end, number).ptr == end;
  const auto starts = [&](std::string_view sign) { return cell.starts_with(sign); };
  if (!cell.empty() && !is_number && std::ranges::any_of(formula_starts, starts)) cell.insert(0, 1, '\'');
  if (cell.find_first_of(",\"") == std::string::npos) return cell;
  std::string quoted = "\"";
  for (char c : cell) {
    if (c == '"') quoted += '"';
    quoted += c;
  }
  return quoted + '"';
}

std::size_t display_width(std::string_view text) {
  std::size_t columns = 0;
  while (!text.empty()) {
    const auto n = std::max<std::size_t>(1, code_point_length(text));
    columns += n == 1 ? 1 : columns_of(code_point_of(text));
    text.remove_prefix(n);
  }
  return columns;
}

} // namespace troupe
