#include "cli/watch/watch_grid.hpp"

#include "base/text.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <fmt/format.h>

namespace troupe::cli {
namespace {

constexpr std::size_t column_gap = 2;

} // namespace

void styled_line::add(std::string_view text, text_style how) { text_ += shown_text{text}.in(how); }

void styled_line::pad_to(std::size_t column) {
  const auto now = width();
  const auto start = now > 0 ? std::max(column, now + 1) : column;
  if (start > now) add(std::string(start - now, ' '));
}

shown_text styled_line::text(std::size_t columns) const {
  return columns == 0 ? shown_text{} : text_.cut(static_cast<int>(columns));
}

std::vector<styled_line> grid::lines(std::size_t width_max) const {
  std::vector<std::size_t> widths;
  for (std::size_t i = 0; i < columns_.size(); ++i) {
    auto width = std::max(columns_[i].width_min, display_width(columns_[i].head));
    for (const auto& cells : rows_)
      if (i < cells.size()) width = std::max(width, display_width(printable(cells[i].text)));
    widths.push_back(std::min(width, width_max));
  }
  std::vector<cell> head;
  for (const auto& column : columns_)
    head.push_back({column.head, text_style::bold});
  const auto line_of = [&](const std::vector<cell>& cells) {
    styled_line line;
    std::size_t start = 0;
    for (std::size_t i = 0; i < cells.size(); start += widths[i++] + column_gap) {
      const bool last = i + 1 == columns_.size();
      const auto safe = printable(cells[i].text);
      const auto shown = last ? safe : cut_to_width(safe, static_cast<int>(widths[i]));
      const auto wide = display_width(shown);
      const auto blanks = columns_[i].right && wide < widths[i] ? widths[i] - wide : 0;
      if (shown.empty()) continue;
      if (start + blanks > line.width()) line.add(std::string(start + blanks - line.width(), ' '));
      line.add(shown, cells[i].how);
    }
    return line;
  };
  std::vector<styled_line> all{line_of(head)};
  for (const auto& cells : rows_)
    all.push_back(line_of(cells));
  return all;
}

std::string bar_text(double share, std::size_t width) {
  constexpr std::array<std::string_view, 8> parts{"", "▏", "▎", "▍", "▌", "▋", "▊", "▉"};
  const auto eighths =
      static_cast<std::size_t>(std::lround(std::clamp(share, 0.0, 1.0) * static_cast<double>(width) * 8));
  std::string bar;
  for (std::size_t i = 0; i < eighths / 8; ++i)
    bar += "█";
  return bar.append(parts[eighths % 8]);
}

} // namespace troupe::cli
