// How a mistake looks on a terminal or in a log.
#include "runner/toml/diagnostic.hpp"
#include "base/text.hpp"
#include "runner/toml/source.hpp"

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

std::vector<cell> cells(std::string_view line) {
  std::vector<cell> result;
  while (!line.empty()) {
    const std::size_t n = code_point_length(line);
    const auto one = line.substr(0, std::max<std::size_t>(1, n));
    if (one == "\t")
      result.push_back({"    ", 0});
    else
      result.push_back({printable(one), 0});
    result.back().width = display_width(result.back().bytes);
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

shown_text caret_block(const diagnostic& d) {
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
  const auto mark = say("^{}", std::string(width > 1 ? width - 1 : 0, '~')).in(text_style::bold_red);
  return say("{:>5} | {}\n      | {}{}\n", number, shown, marks, mark);
}

} // namespace

shown_text render(const diagnostic& d) {
  auto where = d.line > 0 ? say("{}:{}:{}:", d.source, d.line, d.column) : say("{}:", d.source);
  auto text = say("{} {} {}\n", where.in(text_style::bold), say("error:").in(text_style::bold_red),
                  shown_text{d.message}.in(text_style::bold));
  if (d.column > 0) text += caret_block(d);
  if (!d.help.empty()) text += say("      {} {}\n", say("= help:").in(text_style::cyan), d.help);
  return text;
}

} // namespace troupe::scenarios
