// Lines and columns of the picture of a run.
#pragma once

#include "base/shown_text.hpp"

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace troupe::cli {

/// Text in pieces, each of one look.
class styled_line {
 public:
  styled_line() = default;
  styled_line(std::string_view text, text_style how) { add(text, how); }
  void add(std::string_view text, text_style how = text_style::plain);
  /// Blanks up to that column, one at least unless the line is empty.
  void pad_to(std::size_t column);
  std::size_t width() const { return text_.columns(); }
  /// The first `columns`, the last of them an ellipsis if something was cut.
  shown_text text(std::size_t columns) const;

 private:
  shown_text text_;
};

/// Columns that line up under a bold head. The last one takes what is left of the line.
class grid {
 public:
  struct column {
    std::string head;
    std::size_t width_min = 0; ///< so that the columns stand still while numbers grow
    bool right = true;         ///< where its cells stand
  };
  struct cell {
    std::string text;
    text_style how = text_style::plain;
  };
  explicit grid(std::vector<column> columns) : columns_(std::move(columns)) {}
  void row(std::vector<cell> cells) { rows_.push_back(std::move(cells)); }
  /// Head and rows. A column but the last is at most `width_max` wide.
  std::vector<styled_line> lines(std::size_t width_max) const;

 private:
  std::vector<column> columns_;
  std::vector<std::vector<cell>> rows_;
};

/// A bar of that share of `width`, in eighths of a column.
std::string bar_text(double share, std::size_t width);

} // namespace troupe::cli
