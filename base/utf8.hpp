// What is UTF-8, and what of it can be shown: the one place that knows.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace troupe {

/// Bytes of the well-formed code point (RFC 3629) that a text begins with; 0 if there is none.
std::size_t code_point_length(std::string_view);
/// The code point that a text begins with, where code_point_length() is not 0.
char32_t code_point_of(std::string_view);
/// Number of code points; a byte that is no part of UTF-8 counts as one.
std::size_t code_points(std::string_view);

/// The first byte that cannot be there; npos if the text is well-formed.
std::size_t find_invalid_utf8(std::string_view);
bool is_utf8(std::string_view);

/// Bytes of the longest beginning that does not end within a code point, where more may follow: all, unless
/// the last one is not whole.
std::size_t whole_code_points(std::string_view);
/// The beginning of at most that many bytes, which does not end within a code point.
std::string_view cut_to_bytes(std::string_view, std::size_t bytes_max);

/// What must not reach a terminal or a page as it is: controls (C0 with line ends and tabs, DEL,
/// C1), what turns the direction of text, what takes no place and so hides, line and paragraph
/// separators, tags.
bool is_unprintable(char32_t);
/// That a code point takes on a terminal, if it is printable.
std::size_t columns_of(char32_t);

/// Text from outside made safe to show: \n, \x1b, \u202e, \U000e0041 in place of what
/// is_unprintable(), \xff in place of a byte that is no part of UTF-8. The controls in `kept`,
/// line ends and tabs that somebody put there on purpose, stay. Of what is printable already,
/// nothing is changed.
std::string printable(std::string_view, std::string_view kept = {});
/// Whether printable() would change something.
bool has_unprintable(std::string_view);

/// Appends \u202e, or a surrogate pair of such: how JSON writes that code point.
void append_json_escape(std::string& out, char32_t);
/// The same JSON with such escapes for what is_unprintable(), which in well-formed JSON can only
/// stand in strings; the white space between its parts stays.
std::string json_printable(std::string json);

} // namespace troupe
