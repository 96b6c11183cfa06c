// Aligned text tables.
#pragma once

#include "base/shown_text.hpp"

#include <cstddef>
#include <string>
#include <vector>

namespace troupe::cli {

class table {
 public:
  static constexpr int cell_width_max = 60;

  explicit table(std::vector<std::string> head);
  /// Cells are made printable; missing ones are empty. Numbers stand on the right.
  void row(std::vector<std::string> cells);
  std::size_t size() const { return rows_.size(); }
  /// The last column is not cut.
  shown_text text(text_style of_head = text_style::plain) const;

 private:
  std::vector<std::string> head_;
  std::vector<std::vector<std::string>> rows_;
};

} // namespace troupe::cli
