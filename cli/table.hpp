// Aligned text tables.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

namespace troupe::cli {

/// Columns of that text on a terminal, where each code point takes one.
std::size_t width_of(std::string_view);
/// At most `width` columns, the last of them an ellipsis if something was cut.
std::string shortened(std::string_view, std::size_t width);

class table {
 public:
  static constexpr std::size_t cell_width_max = 60;

  explicit table(std::vector<std::string> head);
  /// Cells are made printable; missing ones are empty. Numbers stand on the right.
  void row(std::vector<std::string> cells);
  std::size_t size() const { return rows_.size(); }
  /// The last column is not cut; `bold_head` for terminals.
  std::string text(bool bold_head) const;

 private:
  std::vector<std::string> head_;
  std::vector<std::vector<std::string>> rows_;
};

} // namespace troupe::cli
