// Text for people, made so that nothing in it can steer a terminal or pass for what it is not.
#pragma once

#include "base/utf8.hpp"

#include <cstdint>
#include <filesystem>
#include <fmt/format.h>
#include <string>
#include <string_view>
#include <type_traits>

namespace troupe {

/// How a stretch of text stands on a terminal that shows colours.
enum class text_style : std::uint8_t {
  plain,
  bold,
  faint,
  red,
  green,
  yellow,
  blue,
  magenta,
  cyan,
  bold_red
};

class shown_text;

/// What say() makes of an argument: numbers stay, all text from elsewhere becomes printable.
template <class T>
decltype(auto) said(const T& value) {
  if constexpr (std::is_same_v<T, shown_text>)
    return value.marked();
  else if constexpr (std::is_same_v<T, std::filesystem::path>)
    return printable(value.native());
  else if constexpr (std::is_convertible_v<const T&, std::string_view>)
    return printable(std::string_view{value});
  else {
    static_assert(std::is_arithmetic_v<T>, "say() takes texts, paths and numbers");
    return T{value};
  }
}
template <class T>
using said_type = decltype(said(std::declval<const T&>()));

/// Words of the program itself, known when it was compiled: the only ones that may hold line ends.
class own_words {
 public:
  template <std::size_t Size>
  consteval own_words(const char (&words)[Size]) : words_{words, Size - 1} {} // NOLINT: "\n" is one
  std::string_view view() const { return words_; }

 private:
  std::string_view words_;
};

/// Holds nothing but own words, what printable() made of others', and looks. Others' line ends
/// are no line ends here, so that nobody can forge a line.
class shown_text {
 public:
  shown_text() = default;
  explicit shown_text(std::string_view from_elsewhere) : marked_{printable(from_elsewhere)} {}
  /// A line that a program wrote, which may mean its tabs.
  static shown_text with_tabs(std::string_view line);
  shown_text(own_words words) : marked_{words.view()} {} // NOLINT: nothing is lost

  bool empty() const { return marked_.empty(); }
  shown_text& operator+=(const shown_text& more) {
    marked_ += more.marked_;
    return *this;
  }
  shown_text& operator+=(own_words more) {
    marked_ += more.view();
    return *this;
  }
  friend shown_text operator+(shown_text left, const shown_text& right) { return left += right, left; }
  friend shown_text operator+(shown_text left, own_words right) { return left += right, left; }

  /// All of it in that style, which ends with it. A text that has one already is not given another.
  shown_text in(text_style) const;
  /// Of the widest line, on a terminal.
  std::size_t columns() const;
  /// One line, cut to that many columns, the last being "…", where it is longer; 0: never.
  shown_text cut(int width) const;
  /// As written out: with codes for the looks, or without.
  std::string text(bool colour) const;
  std::string plain() const { return text(false); }

 private:
  template <class T>
  friend decltype(auto) said(const T&);
  template <class... Args>
  friend shown_text say(fmt::format_string<said_type<Args>...>, const Args&...);
  const std::string& marked() const { return marked_; }

  std::string marked_; ///< looks are the codes of terminals, which nothing else here can hold
};

/// As fmt::format. The format is the program's own, which the compiler sees to.
template <class... Args>
shown_text say(fmt::format_string<said_type<Args>...> format, const Args&... args) {
  shown_text out;
  out.marked_ = fmt::format(format, said(args)...);
  return out;
}

} // namespace troupe
