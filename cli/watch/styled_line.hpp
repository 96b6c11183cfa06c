// Lines and bars of the picture of a run.
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
  explicit styled_line(shown_text text) : text_(std::move(text)) {}
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

/// A bar of that share of `width`, in eighths of a column.
std::string bar_text(double share, std::size_t width);

} // namespace troupe::cli
