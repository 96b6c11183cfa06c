// How a mistake looks on a terminal or in a log.
#include "scenarios/file/source.hpp"
#include "scenarios/scenario_file.hpp"

#include <algorithm>
#include <array>

#include <fmt/format.h>

namespace troupe::scenarios {
namespace {

/// A line as it is shown: what each code point takes on the terminal.
struct cell {
  std::string bytes;
  std::size_t width;
};

struct interval {
  char32_t first, last;
};
constexpr std::array zero_width{interval{0x0300, 0x036f}, interval{0x0483, 0x0489}, interval{0x0591, 0x05bd},
                                interval{0x064b, 0x065f}, interval{0x20d0, 0x20f0}, interval{0xfe00, 0xfe0f},
                                interval{0xfe20, 0xfe2f}};
constexpr std::array double_width{
    interval{0x1100, 0x115f},   interval{0x231a, 0x231b},   interval{0x2e80, 0x303e},
    interval{0x3041, 0x33ff},   interval{0x3400, 0x4dbf},   interval{0x4e00, 0x9fff},
    interval{0xa000, 0xa4cf},   interval{0xac00, 0xd7a3},   interval{0xf900, 0xfaff},
    interval{0xfe30, 0xfe6f},   interval{0xff00, 0xff60},   interval{0xffe0, 0xffe6},
    interval{0x1f300, 0x1f64f}, interval{0x1f680, 0x1f6ff}, interval{0x1f900, 0x1f9ff},
    interval{0x20000, 0x3fffd}};

template <class Intervals>
bool within(const Intervals& intervals, char32_t c) {
  return std::any_of(intervals.begin(), intervals.end(),
                     [c](const interval& i) { return c >= i.first && c <= i.last; });
}

std::vector<cell> cells(std::string_view line) {
  std::vector<cell> result;
  while (!line.empty()) {
    const std::size_t n = file::code_point_length(line);
    const auto one = line.substr(0, std::max<std::size_t>(1, n));
    if (one == "\t")
      result.push_back({"    ", 4});
    else if (auto shown = trace::printable(one); shown != one)
      result.push_back({shown, shown.size()}); // ASCII
    else
      result.push_back({std::move(shown), within(zero_width, trace::code_point_of(one))     ? 0U
                                          : within(double_width, trace::code_point_of(one)) ? 2U
                                                                                            : 1U});
    line.remove_prefix(std::max<std::size_t>(1, n));
  }
  return result;
}

/// The part of a long line around the caret: [first, last).
std::pair<std::size_t, std::size_t> window(std::size_t length, std::size_t caret) {
  constexpr std::size_t shown_max = 160, before_max = 80;
  if (length <= shown_max) return {0, length};
  const std::size_t first = std::min(caret > before_max ? caret - before_max : 0, length - shown_max);
  return {first, first + shown_max};
}

std::string caret_block(const diagnostic& d, std::string_view mark_on, std::string_view off) {
  const auto line = cells(d.text);
  const std::size_t caret = std::min(d.column - 1, line.size());
  const auto [first, last] = window(line.size(), caret);
  std::string shown = first > 0 ? "…" : "", marks = first > 0 ? " " : "";
  for (std::size_t i = first; i < last; ++i) {
    shown += line[i].bytes;
    if (i < caret) marks.append(line[i].width, ' ');
  }
  if (last < line.size()) shown += "…";
  std::size_t width = 0;
  for (std::size_t i = caret; i < std::min(last, caret + std::max<std::size_t>(1, d.width)); ++i)
    width += line[i].width;
  const std::string number = d.line > 0 ? std::to_string(d.line) : "";
  return fmt::format("{:>5} | {}\n      | {}{}^{}{}\n", number, shown, marks, mark_on,
                     std::string(width > 1 ? width - 1 : 0, '~'), off);
}

} // namespace

std::string render(const diagnostic& d, bool colour) {
  const std::string_view bold = colour ? "\x1b[1m" : "", red = colour ? "\x1b[1;31m" : "",
                         cyan = colour ? "\x1b[36m" : "", off = colour ? "\x1b[0m" : "";
  std::string where = d.source;
  if (d.line > 0) where += fmt::format(":{}:{}", d.line, d.column);
  std::string text =
      fmt::format("{}{}:{} {}error:{} {}{}{}\n", bold, where, off, red, off, bold, d.message, off);
  if (d.column > 0) text += caret_block(d, red, off);
  if (!d.help.empty()) text += fmt::format("      {}= help:{} {}\n", cyan, off, d.help);
  return text;
}

} // namespace troupe::scenarios
