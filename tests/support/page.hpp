// A page of the documentation, whose tables are held against the code.
#pragma once

#include "tests/support/text.hpp"

#include <sstream>
#include <string>
#include <vector>

namespace troupe::testing {

class page {
 public:
  explicit page(const std::filesystem::path& file) : text_(content_of(file)) {}
  const std::string& text() const { return text_; }

  /// The rows of the table whose header line is `header`, cell by cell; none if there is no such table.
  std::vector<std::vector<std::string>> table(const std::string& header) const {
    std::vector<std::vector<std::string>> rows;
    std::istringstream in(text_);
    std::string line;
    bool inside = false;
    while (std::getline(in, line)) {
      if (!inside) {
        inside = line == header;
        if (inside) std::getline(in, line); // |---|
        continue;
      }
      if (line.empty() || line[0] != '|') break;
      rows.push_back(split(line.substr(1), '|'));
    }
    return rows;
  }

  /// The parts of a cell or a line, without the blanks around them; of an empty one none.
  static std::vector<std::string> split(const std::string& whole, char at) {
    std::vector<std::string> parts;
    std::istringstream in(whole);
    for (std::string part; std::getline(in, part, at);) {
      const auto first = part.find_first_not_of(' ');
      const auto last = part.find_last_not_of(' ');
      parts.push_back(first == std::string::npos ? "" : part.substr(first, last - first + 1));
    }
    return parts;
  }

 private:
  std::string text_;
};

} // namespace troupe::testing
