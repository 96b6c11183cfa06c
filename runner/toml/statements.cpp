#include "runner/toml/statements.hpp"
#include "base/words.hpp"

#include "runner/toml/document.hpp"

#include <fmt/format.h>

namespace troupe::scenarios::file {
namespace {

bool is_bare(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '-'
         || static_cast<unsigned char>(c) >= 0x80; // of a key that lacks its quotes
}

class splitter {
 public:
  splitter(const source_text& source, mistakes& wrong)
      : source_(source), text_(source.text()), wrong_(wrong) {}

  std::vector<statement> run() {
    std::vector<statement> result;
    while (skip_blank()) {
      statement next;
      next.begin = at_;
      next.header = text_[at_] == '[';
      next.broken = !scan();
      next.end = at_;
      result.push_back(next);
      if (wrong_.full()) { // the rest was not looked at, so nobody may parse it
        result.push_back({at_, text_.size(), false, true});
        break;
      }
    }
    return result;
  }

 private:
  /// Looks ahead from where the other is.
  splitter(const splitter& other, mistakes& wrong)
      : source_(other.source_), text_(other.text_), wrong_(wrong), at_(other.at_), open_(other.open_),
        dots_(other.dots_), begin_(other.begin_), value_(other.value_), foreign_(true) {}

  /// To the first byte of the next statement.
  bool skip_blank() {
    while (at_ < text_.size()) {
      const char c = text_[at_];
      if (c == '#')
        skip_line();
      else if (c == ' ' || c == '\t' || c == '\r' || c == '\n')
        ++at_;
      else
        return true;
    }
    return false;
  }

  void skip_line() { at_ = std::min(text_.find('\n', at_), text_.size()); }

  /// Leaves at_ behind the statement. False if it is broken.
  bool scan() {
    open_.clear();
    dots_ = 0;
    value_ = foreign_ = over_lines_ = false;
    begin_ = at_;
    while (at_ < text_.size()) {
      const char c = text_[at_];
      if (c == '#')
        skip_line();
      else if (c == '\n') {
        if (open_.empty()) return !foreign_ && !over_lines_;
        ++at_;
        if (text_[open_.back()] == '{' && skip_over_lines()) continue;
        if (starts_statement()) return unclosed();
      } else if (c == '"' || c == '\'') {
        if (!skip_string(c)) return false;
      } else if (!step(c))
        return false;
    }
    return open_.empty() ? !foreign_ && !over_lines_ : unclosed();
  }

  /// Behind a line end in an inline table, which may not go over lines: tells that, and goes behind its
  /// end. False if it has none: then its `}` was forgotten.
  bool skip_over_lines() {
    mistakes told_later;
    splitter ahead(*this, told_later);
    while (ahead.at_ < text_.size() && ahead.open_.size() >= open_.size()) {
      const char c = text_[ahead.at_];
      const bool line_starts = text_[ahead.at_ - 1] == '\n';
      if (line_starts && ahead.starts_statement() && ahead.starts_header()) return false;
      if (c == '#')
        ahead.skip_line();
      else if (c == '\n')
        ++ahead.at_;
      else if (!(c == '"' || c == '\'' ? ahead.skip_string(c) : ahead.step(c)))
        return false;
    }
    if (ahead.open_.size() >= open_.size()) return false;
    wrong_.add(place_of(source_, open_.back(), 1), "an inline table must stand on one line",
               "use a `[header]` with one key a line instead");
    at_ = ahead.at_;
    open_ = ahead.open_;
    over_lines_ = true;
    return true;
  }

  bool step(char c) {
    if (static_cast<unsigned char>(c) >= 0x80) {
      if (!foreign_) tell_foreign();
      foreign_ = true;
    }
    if (c == '.') {
      if (++dots_ >= nesting_max) return too_deep(fmt::format("a key of more than {} parts", nesting_max));
    } else if (c == '=' || c == ',' || c == '[' || c == ']' || c == '{' || c == '}')
      dots_ = 0;
    if (c == '=') value_ = true;
    if (value_ && (c == '[' || c == '{')) {
      open_.push_back(at_);
      if (open_.size() > nesting_max)
        return too_deep(fmt::format("values nested more than {} deep", nesting_max));
    } else if ((c == ']' || c == '}') && !open_.empty())
      open_.pop_back();
    ++at_;
    return true;
  }

  void tell_foreign() {
    const auto rest = text_.substr(at_);
    const auto letter = rest.substr(0, std::max<std::size_t>(1, code_point_length(rest)));
    const auto line_end = std::min(rest.find('\n'), rest.size());
    const auto [begin, end] = word_around(text_, at_, begin_, at_ + line_end);
    const std::string word(text_.substr(begin, end - begin));
    if (letter == "\u00a0" || letter == "\ufeff" || letter == "\u200b" || letter == "\u202f"
        || letter == "\u3000")
      wrong_.add(place_of(source_, at_, letter.size()), "this is no ordinary blank",
                 "type it again with the space bar");
    else if (value_)
      wrong_.add(place_of(source_, begin, end - begin), tick(word) + " is not a value",
                 fmt::format("a text needs quotes: \"{}\"", excerpt(word)));
    else
      wrong_.add(place_of(source_, at_, letter.size()), fmt::format("`{}` needs quotes in a key", letter),
                 fmt::format("write \"{}\"", excerpt(word)));
  }

  bool too_deep(const std::string& what) {
    wrong_.add(place_of(source_, at_, 1), what, "a scenario file needs no more than a few levels");
    skip_line();
    return false;
  }

  bool unclosed() {
    const std::size_t opening = open_.back();
    const bool list = text_[opening] == '[';
    wrong_.add(place_of(source_, opening, 1), fmt::format("this `{}` is never closed", text_[opening]),
               fmt::format("close the {} with `{}`", list ? "list" : "inline table", list ? ']' : '}'));
    return false;
  }

  /// Inside brackets, at the start of a line: is this `key = …` or `[header]`, which no
  /// list can hold? Then the bracket was forgotten, and this is the next statement.
  bool starts_statement() const {
    const auto line = text_.substr(at_, std::min(text_.find('\n', at_), text_.size()) - at_);
    std::size_t i = line.find_first_not_of(" \t");
    if (i == std::string_view::npos) return false;
    const bool header = line[i] == '[';
    while (i < line.size() && line[i] == '[')
      ++i;
    const std::size_t word = i;
    while (i < line.size() && (is_bare(line[i]) || line[i] == '.'))
      ++i;
    if (i == word) return false;
    if (!header) {
      while (i < line.size() && (line[i] == ' ' || line[i] == '\t'))
        ++i;
      return i < line.size() && line[i] == '=';
    }
    const auto name = line.substr(word, i - word);
    const bool letter = (name[0] >= 'a' && name[0] <= 'z') || (name[0] >= 'A' && name[0] <= 'Z');
    if (!letter || name == "true" || name == "false" || name == "inf" || name == "nan") return false;
    return i < line.size() && line[i] == ']';
  }

  bool starts_header() const {
    const auto first = text_.find_first_not_of(" \t", at_);
    return first != std::string_view::npos && text_[first] == '[';
  }

  /// Leaves at_ behind the closing quote.
  bool skip_string(char quote) {
    const std::size_t opening = at_;
    const std::string triple(3, quote);
    if (text_.substr(at_, 3) == triple) {
      at_ += 3;
      while (at_ < text_.size() && text_.substr(at_, 3) != triple)
        at_ += quote == '"' && text_[at_] == '\\' ? 2 : 1;
      if (at_ >= text_.size()) {
        at_ = text_.size();
        wrong_.add(place_of(source_, opening, 3), "this text is never closed",
                   fmt::format("end it with {}", triple));
        return false;
      }
      at_ += 3;
      while (at_ < text_.size() && text_[at_] == quote) // up to two quotes may precede the end
        ++at_;
      return true;
    }
    ++at_;
    while (at_ < text_.size() && text_[at_] != quote && text_[at_] != '\n')
      at_ += quote == '"' && text_[at_] == '\\' && at_ + 1 < text_.size() && text_[at_ + 1] != '\n' ? 2 : 1;
    if (at_ >= text_.size() || text_[at_] == '\n') {
      at_ = std::min(at_, text_.size());
      wrong_.add(place_of(source_, opening, at_ - opening), "this text is not closed before the line ends",
                 fmt::format("end it with {}; a text over several lines stands between {} and {}", quote,
                             triple, triple));
      return false;
    }
    ++at_;
    return true;
  }

  const source_text& source_;
  std::string_view text_;
  mistakes& wrong_;
  std::size_t at_ = 0;
  std::vector<std::size_t> open_; ///< offsets of the brackets that are open
  std::size_t dots_ = 0;
  std::size_t begin_ = 0;
  bool value_ = false;      ///< behind the `=`
  bool foreign_ = false;    ///< letters beyond ASCII were told
  bool over_lines_ = false; ///< an inline table that goes over lines was told
};

} // namespace

std::pair<std::size_t, std::size_t> word_around(std::string_view text, std::size_t offset, std::size_t first,
                                                std::size_t last) {
  constexpr std::string_view stops = " \t\r\n=,[]{}#";
  std::size_t begin = std::min(offset, last), end = begin;
  while (begin > first && stops.find(text[begin - 1]) == std::string_view::npos)
    --begin;
  while (end < last && stops.find(text[end]) == std::string_view::npos)
    ++end;
  return {begin, end};
}

std::vector<statement> split_statements(const source_text& source, mistakes& wrong) {
  return splitter(source, wrong).run();
}

} // namespace troupe::scenarios::file
