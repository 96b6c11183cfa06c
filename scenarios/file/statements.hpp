// Cuts TOML into statements, so that one bad line does not hide the rest.
#pragma once

#include "scenarios/file/mistakes.hpp"

#include <string_view>
#include <vector>

namespace troupe::scenarios::file {

/// `key = value`, over however many lines, or `[header]`. Bytes [begin, end) of the text.
struct statement {
  std::size_t begin = 0, end = 0;
  bool header = false;
  bool broken = false; ///< already told
};

/// Knows only strings, comments and brackets. Tells what it cannot find the end of, and
/// what is nested too deep for a recursive parser.
std::vector<statement> split_statements(const source_text&, mistakes&);

} // namespace troupe::scenarios::file
