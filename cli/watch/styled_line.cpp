#include "cli/watch/styled_line.hpp"

#include <algorithm>
#include <array>
#include <cmath>

namespace troupe::cli {

void styled_line::add(std::string_view text, text_style how) { text_ += shown_text{text}.in(how); }

void styled_line::pad_to(std::size_t column) {
  const auto now = width();
  const auto start = now > 0 ? std::max(column, now + 1) : column;
  if (start > now) add(std::string(start - now, ' '));
}

shown_text styled_line::text(std::size_t columns) const {
  return columns == 0 ? shown_text{} : text_.cut(static_cast<int>(columns));
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
