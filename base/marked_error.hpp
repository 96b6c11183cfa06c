// A mistake in a text that somebody wrote, with where it is.
#pragma once

#include "base/shown_text.hpp"

#include <stdexcept>
#include <string>
#include <string_view>

namespace troupe {

/// what() is the sentence; render() shows it:
///     wait>2parsecs
///          ^~~~~~~~ "2parsecs" is no duration; write a number and a unit: 250us, 2ms, 1.5s
class marked_error : public std::runtime_error {
 public:
  marked_error(std::string_view text, std::size_t at, std::size_t length, const std::string& sentence)
      : std::runtime_error{sentence}, text_{text}, at_{at}, length_{length} {}
  std::size_t at() const { return at_; } ///< bytes from the start of the text
  shown_text render() const;

 private:
  std::string text_;
  std::size_t at_, length_;
};

} // namespace troupe
