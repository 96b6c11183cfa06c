// A mistake in a text that somebody wrote, with its place.
#pragma once

#include "base/shown_text.hpp"

#include <cstddef>
#include <string>

namespace troupe::scenarios {

/// One mistake, with its place in the file or the command line.
struct diagnostic {
  std::string source;   ///< file name, "--set", "--nodes", or "environment"
  std::size_t line = 0; ///< from 1; 0 where there is no line
  std::size_t column = 0;
  std::size_t width = 1; ///< columns that the caret line underlines
  std::string text;      ///< the whole line, for the caret
  std::string message;   ///< what is wrong
  std::string help;      ///< what was expected, or the nearest valid key; may be empty
};
/// `file:line:column: error: ...`, the line, a caret, the help; for a terminal or a log.
shown_text render(const diagnostic&);

} // namespace troupe::scenarios
