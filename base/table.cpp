#include "base/table.hpp"

#include "base/text.hpp"

#include <algorithm>
#include <fmt/format.h>

namespace troupe::cli {
namespace {

constexpr std::string_view gap = "  ";

bool is_number(std::string_view text) {
  return !text.empty() && text.find_first_not_of("0123456789+-.e%") == std::string_view::npos
         && text.find_first_of("0123456789") != std::string_view::npos;
}

std::string padded(std::string_view text, std::size_t width, bool right) {
  const std::string blanks(width - std::min(width, display_width(text)), ' ');
  return right ? blanks + std::string(text) : std::string(text) + blanks;
}

} // namespace

table::table(std::vector<std::string> head) : head_(std::move(head)) {
  for (auto& cell : head_)
    cell = printable(cell);
}

void table::row(std::vector<std::string> cells) {
  cells.resize(head_.size());
  for (auto& cell : cells)
    cell = printable(cell);
  for (std::size_t i = 0; i + 1 < cells.size(); ++i)
    cells[i] = cut_to_width(cells[i], cell_width_max);
  rows_.push_back(std::move(cells));
}

shown_text table::text(text_style of_head) const {
  std::vector<std::size_t> widths;
  std::vector<bool> right;
  for (std::size_t i = 0; i < head_.size(); ++i) {
    std::size_t width = display_width(head_[i]);
    bool numbers = !rows_.empty();
    for (const auto& cells : rows_) {
      width = std::max(width, display_width(cells[i]));
      numbers = numbers && (cells[i].empty() || is_number(cells[i]));
    }
    widths.push_back(width);
    right.push_back(numbers);
  }
  const auto line = [&](const std::vector<std::string>& cells) {
    std::string out;
    for (std::size_t i = 0; i < cells.size(); ++i)
      out += (i > 0 ? std::string(gap) : "") + padded(cells[i], widths[i], right[i]);
    out.erase(out.find_last_not_of(' ') + 1);
    return shown_text{out};
  };
  auto out = line(head_).in(of_head) + "\n";
  for (const auto& cells : rows_)
    out += line(cells) + "\n";
  return out;
}

} // namespace troupe::cli
