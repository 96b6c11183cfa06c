// A picture of a run that is on, in lines of text.
#pragma once

#include "base/shown_text.hpp"
#include "cli/watch/watch_source.hpp"

#include <string>
#include <vector>

namespace troupe::cli {

struct picture_size {
  std::size_t columns = 80;
  std::size_t rows = 24;
};

/// Nodes with their links, the deepest mailboxes, messages by type, and what was said last. Rates are those
/// between `before` and `now`; none are told where both were taken at the same time.
///
/// At most `rows` lines, each at most `columns` wide and without line end. What does not fit is counted. A
/// window that is too low loses whole sections, what was said first, the nodes last.
std::vector<shown_text> picture(const run_snapshot& now, const run_snapshot& before, picture_size);

} // namespace troupe::cli
