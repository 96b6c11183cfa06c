#include "base/marked_error.hpp"

#include "base/text.hpp"

#include <algorithm>

namespace troupe {

shown_text marked_error::render() const {
  // One line, so that the caret stands below what it means: white space is blanks.
  auto line = text_;
  for (auto& c : line)
    if (c == '\n' || c == '\r' || c == '\t') c = ' ';
  const auto at = std::min(at_, line.size());
  const auto before = printable(line.substr(0, at)), meant = printable(line.substr(at, length_));
  const auto under = std::max<std::size_t>(1, display_width(meant));
  return say("  {}\n  {}^{} {}", line, std::string(display_width(before), ' '), std::string(under - 1, '~'),
             what());
}

} // namespace troupe
