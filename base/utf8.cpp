#include "base/utf8.hpp"

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstring>
#include <fmt/format.h>
#include <utf8.h>

namespace troupe {
namespace {

struct interval {
  char32_t first, last;
};

/// Controls, and of the format characters and default ignorables of Unicode those that take no
/// place or move what stands beside them. Variation selectors, which emoji have, stay.
constexpr std::array unprintables{
    interval{0x00, 0x1f},       interval{0x7f, 0x9f},
    interval{0xad, 0xad},     // soft hyphen
    interval{0x34f, 0x34f},   // grapheme joiner
    interval{0x61c, 0x61c},   // Arabic letter mark
    interval{0x115f, 0x1160}, // Hangul fillers
    interval{0x17b4, 0x17b5},   interval{0x180b, 0x180f},
    interval{0x200b, 0x200f}, // zero width space and joiners, marks of direction
    interval{0x2028, 0x202e}, // separators, embeddings, overrides
    interval{0x2060, 0x206f}, // word joiner, invisible operators, isolates
    interval{0x3164, 0x3164},   interval{0xfeff, 0xfeff},
    interval{0xffa0, 0xffa0},   interval{0xfff9, 0xfffb},
    interval{0x1bca0, 0x1bca3}, interval{0x1d173, 0x1d17a},
    interval{0xe0000, 0xe0fff}, // tags
};

constexpr std::array zero_width{interval{0x0300, 0x036f}, interval{0x0483, 0x0489}, interval{0x0591, 0x05bd},
                                interval{0x064b, 0x065f}, interval{0x20d0, 0x20f0}, interval{0xfe00, 0xfe0f},
                                interval{0xfe20, 0xfe2f}};
constexpr std::array double_width{
    interval{0x1100, 0x115f},   interval{0x231a, 0x231b},   interval{0x2e80, 0x303e},
    interval{0x3041, 0x33ff},   interval{0x3400, 0x4dbf},   interval{0x4e00, 0x9fff},
    interval{0xa000, 0xa4cf},   interval{0xac00, 0xd7a3},   interval{0xf900, 0xfaff},
    interval{0xfe30, 0xfe6f},   interval{0xff00, 0xff60},   interval{0xffe0, 0xffe6},
    interval{0x1f300, 0x1f64f}, interval{0x1f680, 0x1f6ff}, interval{0x1f900, 0x1f9ff},
    interval{0x20000, 0x3fffd}};

template <class Intervals>
bool within(const Intervals& intervals, char32_t c) {
  return std::any_of(intervals.begin(), intervals.end(),
                     [c](const interval& i) { return c >= i.first && c <= i.last; });
}

bool is_plain(char c) { return c >= 0x20 && c < 0x7f; }

/// Nearly all text is ASCII: eight bytes at a time.
std::size_t ascii_length(std::string_view text) {
  std::size_t at = 0;
  for (std::uint64_t bytes = 0; text.size() - at >= sizeof bytes; at += sizeof bytes) {
    std::memcpy(&bytes, text.data() + at, sizeof bytes);
    if ((bytes & 0x8080808080808080U) != 0) break;
  }
  while (at < text.size() && static_cast<unsigned char>(text[at]) < 0x80)
    ++at;
  return at;
}

void append_visible(std::string& out, char32_t c) {
  if (c == U'\n')
    out += "\\n";
  else if (c == U'\r')
    out += "\\r";
  else if (c == U'\t')
    out += "\\t";
  else if (c < 0x80)
    out += fmt::format("\\x{:02x}", static_cast<unsigned>(c));
  else if (c <= 0xffff)
    out += fmt::format("\\u{:04x}", static_cast<unsigned>(c));
  else
    out += fmt::format("\\U{:08x}", static_cast<unsigned>(c));
}

} // namespace

std::size_t code_point_length(std::string_view text) {
  if (text.empty()) return 0;
  if (static_cast<unsigned char>(text[0]) < 0x80) return 1;
  for (std::size_t n = 2; n <= std::min<std::size_t>(4, text.size()); ++n)
    if (utf8::is_valid(text.begin(), text.begin() + static_cast<std::ptrdiff_t>(n))) return n;
  return 0;
}

char32_t code_point_of(std::string_view text) { return utf8::unchecked::peek_next(text.data()); }

std::size_t code_points(std::string_view text) {
  std::size_t count = 0;
  while (!text.empty()) {
    text.remove_prefix(std::max<std::size_t>(1, code_point_length(text)));
    ++count;
  }
  return count;
}

std::size_t find_invalid_utf8(std::string_view text) {
  const auto rest = text.substr(ascii_length(text));
  const auto bad = utf8::find_invalid(rest.begin(), rest.end());
  return bad == rest.end() ? std::string_view::npos : static_cast<std::size_t>(&*bad - text.data());
}

bool is_utf8(std::string_view text) { return find_invalid_utf8(text) == std::string_view::npos; }

std::size_t whole_code_points(std::string_view text) {
  const auto continues = [](char c) { return (static_cast<unsigned char>(c) & 0xc0U) == 0x80; };
  for (std::size_t back = 1; back <= std::min<std::size_t>(4, text.size()); ++back)
    if (const auto start = text.size() - back; !continues(text[start]))
      return static_cast<unsigned char>(text[start]) >= 0xc0 && code_point_length(text.substr(start)) == 0
                 ? start
                 : text.size();
  return text.size();
}

std::string_view cut_to_bytes(std::string_view text, std::size_t bytes_max) {
  if (text.size() <= bytes_max) return text;
  return text.substr(0, whole_code_points(text.substr(0, bytes_max)));
}

bool is_unprintable(char32_t c) { return within(unprintables, c); }

std::size_t columns_of(char32_t c) { return within(zero_width, c) ? 0 : within(double_width, c) ? 2 : 1; }

std::string printable(std::string_view text, std::string_view kept) {
  std::string out;
  out.reserve(text.size());
  while (!text.empty()) {
    const auto plain =
        static_cast<std::size_t>(std::find_if_not(text.begin(), text.end(), is_plain) - text.begin());
    out += text.substr(0, plain); // nearly always all of it
    text.remove_prefix(plain);
    if (text.empty()) break;
    const auto n = code_point_length(text);
    if (n == 0)
      out += fmt::format("\\x{:02x}", static_cast<unsigned char>(text[0]));
    else if (const auto c = code_point_of(text);
             is_unprintable(c) && (n > 1 || kept.find(text[0]) == std::string_view::npos))
      append_visible(out, c);
    else
      out += text.substr(0, n);
    text.remove_prefix(std::max<std::size_t>(n, 1));
  }
  return out;
}

bool has_unprintable(std::string_view text) {
  while (!text.empty()) {
    const auto n = code_point_length(text);
    if (n == 0 || is_unprintable(code_point_of(text))) return true;
    text.remove_prefix(n);
  }
  return false;
}

void append_json_escape(std::string& out, char32_t c) {
  if (c > 0xffff) {
    append_json_escape(out, 0xd800 + ((c - 0x10000) >> 10));
    append_json_escape(out, 0xdc00 + ((c - 0x10000) & 0x3ff));
    return;
  }
  out += fmt::format("\\u{:04x}", static_cast<unsigned>(c));
}

std::string json_printable(std::string json) {
  const auto is_harmless = [](char c) { return is_plain(c) || c == '\n' || c == '\t'; };
  const auto first = std::find_if_not(json.begin(), json.end(), is_harmless) - json.begin();
  if (static_cast<std::size_t>(first) == json.size()) return json;
  std::string out = json.substr(0, static_cast<std::size_t>(first));
  for (auto rest = std::string_view{json}.substr(out.size()); !rest.empty();) {
    const auto n = code_point_length(rest);
    if (n == 0)
      out += "\xef\xbf\xbd"; // its value cannot be told in JSON
    else if (n == 1 && is_harmless(rest[0]))
      out += rest[0];
    else if (const auto c = code_point_of(rest); is_unprintable(c))
      append_json_escape(out, c);
    else
      out += rest.substr(0, n);
    rest.remove_prefix(std::max<std::size_t>(n, 1));
  }
  return out;
}

} // namespace troupe
