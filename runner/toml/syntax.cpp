#include "runner/toml/syntax.hpp"
#include "base/words.hpp"

#include <algorithm>

#include <fmt/format.h>

namespace troupe::scenarios::file {
namespace {

bool has(std::string_view text, std::string_view part) { return text.find(part) != std::string_view::npos; }

struct sentence {
  std::string message, help;
  bool whole_word = false; ///< underline the word, not one character
};

sentence about_value(std::string_view description, const std::string& word) {
  const auto lower = [&] {
    std::string s = word;
    std::transform(s.begin(), s.end(), s.begin(),
                   [](char c) { return c >= 'A' && c <= 'Z' ? char(c - 'A' + 'a') : c; });
    return s;
  }();
  if (lower == "true" || lower == "false")
    return {tick(word) + " is not a boolean", fmt::format("write {}, in lower case", lower), true};
  if (has(description, "representable in 64 bits"))
    return {tick(word) + " does not fit into 64 bits",
            "an integer lies between -9223372036854775808 and 9223372036854775807", true};
  if (has(description, "could not be interpreted as a value"))
    return {tick(word) + " is too large for a number", "the largest number is about 1.8e308", true};
  if (has(description, "leading zeroes"))
    return {tick(word) + " begins with 0", "write the number without leading zeroes", true};
  if (has(description, "underscores"))
    return {tick(word) + " has an underscore that does not stand between two digits", {}, true};
  const bool digit =
      !word.empty() && ((word[0] >= '0' && word[0] <= '9') || word[0] == '-' || word[0] == '+');
  if (digit)
    return {tick(word) + " is not a number",
            fmt::format("a duration or any other text needs quotes: \"{}\"", excerpt(word)), true};
  return {tick(word) + " is not a value",
          word.empty() ? "a text needs quotes" : fmt::format("a text needs quotes: \"{}\"", excerpt(word)),
          true};
}

sentence about_key(std::string_view next) {
  if (next == ":") return {"there is no `=` after this key", "TOML writes `key = value`"};
  return {"there is no `=` after this key", "a statement is `key = value` or a `[header]`"};
}

/// `word` and `next` stand where the error was found: the whole word, and one character.
sentence about(std::string_view description, const std::string& word, std::string_view next) {
  if (has(description, "unknown kind"))
    return {"this is no statement", "a statement is `key = value` or a `[header]`"};
  if (has(description, "expected '='")) return about_key(next);
  if (has(description, "expected value, saw"))
    return {"there is no value after `=`", "a text needs quotes: \"…\""};
  if (has(description, "expected a comment or whitespace"))
    return {fmt::format("{} follows where the line must end", word.empty() ? "something" : tick(word)),
            "one `key = value` a line; a text with blanks needs quotes", true};
  if (has(description, "inline table") && has(description, "\\n"))
    return {"an inline table must stand on one line", "use a `[header]` with one key a line instead"};
  if (has(description, "dangling comma"))
    return {"an inline table must not end with a comma", "remove the comma"};
  if (has(description, "array: expected comma"))
    return {"a comma or `]` is missing here", "elements of a list are separated by commas"};
  if (has(description, "inline table: expected")) return {"a comma or `}` is missing here", {}};
  if (has(description, "unknown escape"))
    return {"this escape is unknown",
            R"(known are \" \\ \n \t \r \b \f \uXXXX; in '…' a backslash is a backslash)"};
  if (has(description, "control character"))
    return {"a control character stands in a text", "write it as an escape, \\u00XX"};
  if (has(description, "blank bare keys")) return {"a header needs a name", "for example [topology]"};
  if (has(description, "table header: expected ']'"))
    return {"this header is not closed", "write `[name]`, or `[[name]]` for one of several"};
  if (has(description, "root table: expected keys") || has(description, "bare key"))
    return {word.empty() ? "a key was expected here" : tick(word) + " is not a key",
            "a key is made of letters, digits, _ and -; anything else needs quotes", !word.empty()};
  if (has(description, "parsing value") || has(description, "integer") || has(description, "floating")
      || has(description, "boolean") || has(description, "parsing date") || has(description, "parsing time"))
    return about_value(description, word);
  std::string plain(description);
  if (plain.starts_with("Error while parsing ")) plain = plain.substr(20);
  return {"not TOML: " + excerpt(plain, 160), {}};
}

} // namespace

void explain_syntax(const source_text& source, const statement& s, const toml_error& error, mistakes& wrong) {
  // Positions count from the statement's first byte.
  const source_text alone("", std::string(source.text().substr(s.begin, s.end - s.begin)), origin::file);
  const std::size_t offset = std::min(s.begin + alone.offset(error.line, error.column), s.end);
  const bool after_word = has(error.description, "a comment or whitespace");
  const auto [begin, end] = after_word && offset < s.end && source.text()[offset] == ','
                                ? std::pair{offset, offset + 1}
                                : word_around(source.text(), offset, s.begin, s.end);
  const std::string word(source.text().substr(begin, end - begin));
  const auto rest = source.text().substr(offset);
  const auto told = about(error.description, word, rest.substr(0, code_point_length(rest)));
  if (has(error.description, "unknown escape")) // found behind the backslash
    wrong.add(place_of(source, offset - 1, 2), told.message, told.help);
  else if (told.whole_word && end > begin)
    wrong.add(place_of(source, begin, end - begin), told.message, told.help);
  else
    wrong.add(place_of(source, offset, 1), told.message, told.help);
}

} // namespace troupe::scenarios::file
