// Cuts TOML into statements, so that one bad line does not hide the rest.
#pragma once

#include "runner/toml/mistakes.hpp"

#include <string_view>
#include <utility>
#include <vector>

namespace troupe::scenarios::file {

/// `key = value`, over however many lines, or `[header]`. Bytes [begin, end) of the text.
struct statement {
  std::size_t begin = 0, end = 0;
  bool header = false;
  bool broken = false; ///< already told
};

/// Knows only strings, comments and brackets. Tells what it cannot find the end of, what
/// is nested too deep for a recursive parser, and letters beyond ASCII outside of texts.
std::vector<statement> split_statements(const source_text&, mistakes&);

/// The word around an offset, within [first, last): what stands between blanks, commas,
/// brackets and signs.
std::pair<std::size_t, std::size_t> word_around(std::string_view text, std::size_t offset, std::size_t first,
                                                std::size_t last);

} // namespace troupe::scenarios::file
