#include "base/table.hpp"

#include <algorithm>
#include <string_view>
#include <utility>

namespace troupe {
namespace {

constexpr std::size_t column_gap = 2;

bool is_number(std::string_view text) {
  return !text.empty() && text.find_first_not_of("0123456789+-.e%") == std::string_view::npos
         && text.find_first_of("0123456789") != std::string_view::npos;
}

} // namespace

table::table(std::vector<column> columns) : columns_(std::move(columns)) {
  for (const auto& each : columns_)
    heads_.emplace_back(each.head);
}

std::vector<table::column> table::by_content(std::vector<std::string> heads) {
  std::vector<column> columns;
  for (auto& head : heads)
    columns.push_back({std::move(head), align::by_content, 0, value_width_max});
  if (!columns.empty()) columns.back().width_max = 0;
  return columns;
}

void table::row(std::vector<std::string> cells) {
  std::vector<shown_text> shown;
  for (const auto& cell : cells)
    shown.emplace_back(cell);
  styled_row(std::move(shown));
}

void table::styled_row(std::vector<shown_text> cells) {
  cells.resize(columns_.size());
  for (std::size_t i = 0; i < cells.size(); ++i)
    if (columns_[i].width_max > 0) cells[i] = cells[i].cut(columns_[i].width_max);
  rows_.push_back(std::move(cells));
}

std::vector<table::place> table::places() const {
  std::vector<place> all;
  for (std::size_t i = 0; i < columns_.size(); ++i) {
    auto width = std::max(columns_[i].width_min, heads_[i].columns());
    const bool by_content = columns_[i].where == align::by_content;
    bool right = columns_[i].where == align::right || (by_content && !rows_.empty());
    for (const auto& cells : rows_) {
      width = std::max(width, cells[i].columns());
      if (by_content && right) right = cells[i].empty() || is_number(cells[i].plain());
    }
    all.push_back({width, right});
  }
  return all;
}

std::vector<shown_text> table::lines(text_style head) const {
  const auto where = places();
  const auto line_of = [&](const std::vector<shown_text>& cells) {
    shown_text line;
    std::size_t start = 0, end = 0; // of the column, and of what is written
    for (std::size_t i = 0; i < cells.size(); start += where[i++].width + column_gap) {
      const auto wide = cells[i].columns();
      if (wide == 0) continue;
      const auto from = start + (where[i].right ? where[i].width - wide : 0);
      line += shown_text{std::string(from - end, ' ')} + cells[i];
      end = from + wide;
    }
    return line;
  };
  std::vector<shown_text> all{line_of(heads_).in(head)};
  for (const auto& cells : rows_)
    all.push_back(line_of(cells));
  return all;
}

shown_text table::render(int width, text_style head) const {
  const auto all = lines(head);
  shown_text out;
  for (auto line = all.begin() + (all.front().empty() ? 1 : 0); line != all.end(); ++line)
    out += line->cut(width) + "\n";
  return out;
}

} // namespace troupe
