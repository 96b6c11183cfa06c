// Writes JSON piece by piece, so that a million rows need no tree in memory.
#pragma once

#include <concepts>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace troupe {

/// Appends to a string that its owner may flush and clear at any time. Commas and nesting
/// are kept by itself; text that is not UTF-8 gets U+FFFD in place of each bad byte, and what
/// must not reach a terminal is escaped.
class json_writer {
 public:
  explicit json_writer(std::string& out) : out_{out} {}

  json_writer& object() { return open('{'); }
  json_writer& array() { return open('['); }
  /// Ends the innermost object or array.
  json_writer& end();
  json_writer& key(std::string_view);
  json_writer& value(std::string_view);
  json_writer& value(const char* text) { return value(std::string_view{text}); }
  json_writer& value(const std::string& text) { return value(std::string_view{text}); }
  json_writer& value(std::same_as<bool> auto flag) { return raw(flag ? "true" : "false"); }
  json_writer& value(double);
  template <std::integral T>
  requires(!std::same_as<T, bool>) json_writer& value(T number) { return raw(std::to_string(number)); }
  json_writer& null() { return raw("null"); }
  json_writer& raw(std::string_view);
  template <class T>
  json_writer& member(std::string_view name, const T& v) {
    return key(name).value(v);
  }

 private:
  json_writer& open(char);
  void separate();

  std::string& out_;
  struct level {
    char close;
    bool empty = true;
  };
  std::vector<level> levels_;
  bool after_key_ = false;
};

/// The text as a JSON string, quotes included.
std::string json_quoted(std::string_view);

} // namespace troupe
