// Text in columns that line up.
#pragma once

#include "base/shown_text.hpp"

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace troupe {

/// A head with rows below it. Two blanks stand between columns, none at the end of a line. Not thread-safe.
class table {
 public:
  /// Where the cells of a column stand. `by_content`: on the right if all are numbers, or empty.
  enum class align : std::uint8_t { left, right, by_content };
  struct column {
    std::string head;
    align where = align::left;
    std::size_t width_min = 0; ///< columns of the terminal
    int width_max = 0;         ///< of its cells, which are cut to it with an ellipsis; 0: never
  };
  static constexpr int value_width_max = 60;

  explicit table(std::vector<column> columns);
  /// For values of any kind: columns that stand by their content, all but the last at most
  /// `value_width_max` wide.
  static std::vector<column> by_content(std::vector<std::string> heads);

  /// Cells are made printable; missing ones are empty.
  void row(std::vector<std::string> cells);
  /// Cells with looks of their own.
  void styled_row(std::vector<shown_text> cells);
  bool empty() const { return rows_.empty(); }
  std::size_t size() const { return rows_.size(); } ///< rows

  /// The head, in that style, and the rows: a line each, without its end.
  std::vector<shown_text> lines(text_style head) const;
  /// The same with line ends, without a head that is empty. `width` > 0 cuts lines to it.
  shown_text render(int width = 0, text_style head = text_style::faint) const;

 private:
  struct place {
    std::size_t width;
    bool right;
  };
  std::vector<place> places() const;

  std::vector<column> columns_;
  std::vector<shown_text> heads_;
  std::vector<std::vector<shown_text>> rows_;
};

} // namespace troupe
