// What a user wrote, and places in it that messages point to.
#pragma once

#include "base/utf8.hpp"

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace troupe::scenarios::file {

/// Where a text came from; decides which of two values for one key is stronger.
enum class origin : std::uint8_t { file, environment, command_line };

/// One text, cut into lines. Places point into it, so it must outlive them.
class source_text {
 public:
  source_text(std::string name, std::string text, origin);

  const std::string& name() const { return name_; }
  std::string_view text() const { return text_; }
  origin from() const { return from_; }
  bool has_lines() const { return from_ == origin::file; }
  std::size_t line_count() const { return starts_.size(); }
  /// Without its end; `number` is from 1. Empty beyond the last line.
  std::string_view line(std::size_t number) const;
  /// Byte offset of a column, which counts code points from 1.
  std::size_t offset(std::size_t line, std::size_t column) const;

 private:
  std::string name_, text_;
  origin from_;
  std::vector<std::size_t> starts_;
};

/// A stretch of one line.
struct place {
  const source_text* in = nullptr;
  std::uint32_t line = 1, column = 1, width = 1; ///< columns and width count code points

  bool in_file() const { return in && in->from() == origin::file; }
};

/// The place of some bytes of a source.
place place_of(const source_text&, std::size_t offset, std::size_t bytes);

} // namespace troupe::scenarios::file
