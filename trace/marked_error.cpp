#include "trace/marked_error.hpp"

#include "trace/text.hpp"

#include <fmt/format.h>

namespace troupe::trace {

std::string marked_error::render() const {
  // One line, so that the caret stands below what it means, whatever the text holds.
  std::string line, marks;
  for (std::size_t i = 0; i < text_.size(); ++i) {
    bool control = static_cast<unsigned char>(text_[i]) < 0x20 || text_[i] == 0x7f;
    line += control ? ' ' : text_[i];
    bool continuation = (static_cast<unsigned char>(text_[i]) & 0xc0U) == 0x80;
    if (i < at_ && !continuation) marks += ' ';
    if (i > at_ && i < at_ + length_ && !continuation) marks += '~';
    if (i == at_) marks += '^';
  }
  if (at_ >= text_.size()) marks = std::string(display_width(line), ' ') + '^';
  return fmt::format("  {}\n  {} {}", line, marks, what());
}

} // namespace troupe::trace
