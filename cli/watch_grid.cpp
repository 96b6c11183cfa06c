#include "cli/watch_grid.hpp"

#include "trace/text.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <fmt/format.h>

namespace troupe::cli {
namespace {

constexpr std::size_t column_gap = 2;

std::string painted(std::string_view text, style how) {
  constexpr std::array<int, 5> codes{0, 1, 2, 32, 31};
  return how == style::plain ? std::string(text)
                             : fmt::format("\x1b[{}m{}\x1b[0m", codes[static_cast<std::size_t>(how)], text);
}

} // namespace

void styled_line::add(std::string_view text, style how) { pieces_.push_back({trace::printable(text), how}); }

std::size_t styled_line::width() const {
  std::size_t sum = 0;
  for (const auto& piece : pieces_)
    sum += trace::display_width(piece.text);
  return sum;
}

void styled_line::pad_to(std::size_t column) {
  const auto now = width();
  const auto start = now > 0 ? std::max(column, now + 1) : column;
  if (start > now) add(std::string(start - now, ' '));
}

std::string styled_line::text(std::size_t columns, bool colour) const {
  const bool cut = width() > columns;
  auto left = columns;
  std::string made;
  for (const auto& piece : pieces_) {
    const auto wide = trace::display_width(piece.text);
    const bool last = cut && wide >= left;
    if (left == 0) break;
    // One blank more: where a piece just fits, the ellipsis stands for what follows it.
    const auto shown = last ? trace::cut_to_width(piece.text + ' ', static_cast<int>(left)) : piece.text;
    made += colour ? painted(shown, piece.how) : shown;
    if (last) break;
    left -= wide;
  }
  return made;
}

std::vector<styled_line> grid::lines(std::size_t width_max) const {
  std::vector<std::size_t> widths;
  for (std::size_t i = 0; i < columns_.size(); ++i) {
    auto width = std::max(columns_[i].width_min, trace::display_width(columns_[i].head));
    for (const auto& cells : rows_)
      if (i < cells.size()) width = std::max(width, trace::display_width(trace::printable(cells[i].text)));
    widths.push_back(std::min(width, width_max));
  }
  std::vector<cell> head;
  for (const auto& column : columns_)
    head.push_back({column.head, style::bold});
  const auto line_of = [&](const std::vector<cell>& cells) {
    styled_line line;
    std::size_t start = 0;
    for (std::size_t i = 0; i < cells.size(); start += widths[i++] + column_gap) {
      const bool last = i + 1 == columns_.size();
      const auto safe = trace::printable(cells[i].text);
      const auto shown = last ? safe : trace::cut_to_width(safe, static_cast<int>(widths[i]));
      const auto wide = trace::display_width(shown);
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
