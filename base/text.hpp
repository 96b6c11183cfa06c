// Words and numbers for people: sizes, counts, columns. Times have durations.hpp.
#pragma once

#include "base/shown_text.hpp"
#include "base/utf8.hpp"

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace troupe {

/// "1.50", "15.0", "150": three significant digits of a number from 1 to 999.5.
std::string three_digits(double);
/// "1.5 KiB".
std::string bytes_text(std::uint64_t bytes);
/// "1,234,567".
std::string grouped(std::uint64_t number);
/// "1 record", "2,000 records".
std::string counted(std::uint64_t number, std::string_view noun);

/// Under which this program was started, without directories.
std::string own_name();
/// "bank keygen -o x": a command of this program, to be typed.
/// `words` after the first may need shell_quoted().
std::string own_command(std::string_view words);
/// As a shell reads it as one word: as it is, or in single quotes.
std::string shell_quoted(std::string_view);

/// '*' stands for any text, '?' for any one character.
bool glob_match(std::string_view pattern, std::string_view text);

/// A cell of a CSV file (RFC 4180): printable, in quotes where it needs them. What a spreadsheet would
/// take for a formula, a text that begins with = + - @ and is no number, gets an apostrophe in front.
std::string csv_cell(std::string_view);

/// Columns that a text which is printable takes on a terminal.
std::size_t display_width(std::string_view);

} // namespace troupe
