#include "cli/table.hpp"

#include "trace/utf8.hpp"

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
  const std::string blanks(width - std::min(width, width_of(text)), ' ');
  return right ? blanks + std::string(text) : std::string(text) + blanks;
}

} // namespace

std::size_t width_of(std::string_view text) {
  return static_cast<std::size_t>(std::count_if(
      text.begin(), text.end(), [](char c) { return (static_cast<unsigned char>(c) & 0xc0U) != 0x80; }));
}

std::string shortened(std::string_view text, std::size_t width) {
  if (width_of(text) <= width) return std::string(text);
  std::size_t seen = 0;
  std::size_t end = 0;
  while (end < text.size()) {
    if ((static_cast<unsigned char>(text[end]) & 0xc0U) != 0x80 && ++seen == std::max<std::size_t>(width, 1))
      break;
    ++end;
  }
  return std::string(text.substr(0, end)) + "\u2026";
}

table::table(std::vector<std::string> head) : head_(std::move(head)) {}

void table::row(std::vector<std::string> cells) {
  cells.resize(head_.size());
  for (auto& cell : cells)
    cell = trace::printable(cell);
  for (std::size_t i = 0; i + 1 < cells.size(); ++i)
    cells[i] = shortened(cells[i], cell_width_max);
  rows_.push_back(std::move(cells));
}

std::string table::text(bool bold_head) const {
  std::vector<std::size_t> widths;
  std::vector<bool> right;
  for (std::size_t i = 0; i < head_.size(); ++i) {
    std::size_t width = width_of(head_[i]);
    bool numbers = !rows_.empty();
    for (const auto& cells : rows_) {
      width = std::max(width, width_of(cells[i]));
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
    return out;
  };
  std::string out = bold_head ? fmt::format("\x1b[1m{}\x1b[0m\n", line(head_)) : line(head_) + '\n';
  for (const auto& cells : rows_)
    out += line(cells) + '\n';
  return out;
}

} // namespace troupe::cli
