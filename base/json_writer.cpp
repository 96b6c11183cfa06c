#include "base/json_writer.hpp"

#include "base/utf8.hpp"

#include <cmath>
#include <fmt/format.h>

namespace troupe {

void json_writer::separate() {
  if (after_key_) {
    after_key_ = false;
    return;
  }
  if (levels_.empty()) return;
  if (!levels_.back().empty) out_ += ',';
  levels_.back().empty = false;
}

json_writer& json_writer::open(char bracket) {
  separate();
  out_ += bracket;
  levels_.push_back({bracket == '{' ? '}' : ']'});
  return *this;
}

json_writer& json_writer::end() {
  out_ += levels_.back().close;
  levels_.pop_back();
  return *this;
}

json_writer& json_writer::key(std::string_view name) {
  separate();
  out_ += json_quoted(name);
  out_ += ':';
  after_key_ = true;
  return *this;
}

json_writer& json_writer::value(std::string_view text) { return raw(json_quoted(text)); }

json_writer& json_writer::value(double number) {
  // JSON knows no infinities.
  return std::isfinite(number) ? raw(fmt::format("{}", number)) : null();
}

json_writer& json_writer::raw(std::string_view text) {
  separate();
  out_ += text;
  return *this;
}

std::string json_quoted(std::string_view text) {
  std::string out = "\"";
  while (!text.empty()) {
    auto n = code_point_length(text);
    if (n == 0) {
      out += "\xef\xbf\xbd";
      n = 1;
    } else if (text[0] == '"' || text[0] == '\\') {
      out += '\\';
      out += text[0];
    } else if (text[0] == '\n') {
      out += "\\n";
    } else if (const auto c = code_point_of(text); is_unprintable(c)) {
      append_json_escape(out, c);
    } else {
      out += text.substr(0, n);
    }
    text.remove_prefix(n);
  }
  return out + '"';
}

} // namespace troupe
