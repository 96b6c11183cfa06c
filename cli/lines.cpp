#include "cli/lines.hpp"

#include <algorithm>
#include <cstdint>

namespace troupe::cli {
namespace {

constexpr std::string_view replacement = "\xef\xbf\xbd";
constexpr std::string_view ellipsis = "\xe2\x80\xa6";

bool is_plain(char c) { return (c >= 0x20 && c < 0x7f) || c == '\t'; }
bool is_continuation(char c) { return (static_cast<unsigned char>(c) & 0xc0U) == 0x80; }

// Bytes of the well-formed sequence at the start of `text` (RFC 3629), 0 if there is none.
std::size_t sequence_length(std::string_view text) {
  const auto at = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  const unsigned lead = at(0);
  const std::size_t length = lead < 0x80   ? 1
                             : lead < 0xc2 ? 0
                             : lead < 0xe0 ? 2
                             : lead < 0xf0 ? 3
                             : lead < 0xf5 ? 4
                                           : 0;
  if (length == 0 || length > text.size()) return 0;
  for (std::size_t i = 1; i < length; ++i)
    if (!is_continuation(text[i])) return 0;
  if (length < 3) return length;
  const unsigned second = at(1);
  const bool overlong = (lead == 0xe0 && second < 0xa0) || (lead == 0xf0 && second < 0x90);
  const bool outside = (lead == 0xed && second > 0x9f) || (lead == 0xf4 && second > 0x8f);
  return overlong || outside ? 0 : length;
}

void append_escaped(std::string& out, unsigned char c) {
  constexpr std::string_view digits = "0123456789abcdef";
  out += "\\x";
  out += digits[c >> 4U];
  out += digits[c & 15U];
}

// How much of a full buffer makes a piece that does not cut a character in two.
std::size_t whole_characters(std::string_view text) {
  for (std::size_t back = 1; back <= std::min<std::size_t>(4, text.size()); ++back)
    if (const auto start = text.size() - back; !is_continuation(text[start]))
      return static_cast<unsigned char>(text[start]) >= 0xc0 && sequence_length(text.substr(start)) == 0
                 ? start
                 : text.size();
  return text.size();
}

} // namespace

std::string printable(std::string_view raw) {
  std::string out;
  out.reserve(raw.size());
  while (!raw.empty()) {
    const auto plain =
        static_cast<std::size_t>(std::find_if_not(raw.begin(), raw.end(), is_plain) - raw.begin());
    out += raw.substr(0, plain); // nearly always all of it
    raw.remove_prefix(plain);
    if (raw.empty()) break;
    const auto c = static_cast<unsigned char>(raw.front());
    const std::size_t length = sequence_length(raw);
    if (length == 0) {
      out += replacement;
    } else if (length == 1) {
      append_escaped(out, c);
    } else if (length == 2 && c == 0xc2 && static_cast<unsigned char>(raw[1]) < 0xa0) {
      append_escaped(out, static_cast<unsigned char>(raw[1])); // C1 controls
    } else {
      out += raw.substr(0, length);
    }
    raw.remove_prefix(std::max<std::size_t>(length, 1));
  }
  return out;
}

void line_splitter::emit(bool more_follows, const sink& to) {
  const std::size_t take = more_follows ? whole_characters(partial_) : partial_.size();
  std::string text;
  if (continued_) text += ellipsis;
  text += printable(std::string_view(partial_).substr(0, take));
  if (more_follows) text += ellipsis;
  partial_.erase(0, take);
  continued_ = more_follows;
  to(text);
}

void line_splitter::append(std::string_view bytes, const sink& to) {
  while (!bytes.empty()) {
    const auto room = line_bytes_max - partial_.size();
    const auto take = std::min(room, bytes.size());
    partial_ += bytes.substr(0, take);
    bytes.remove_prefix(take);
    if (partial_.size() == line_bytes_max && !bytes.empty()) emit(true, to);
  }
}

void line_splitter::feed(std::string_view bytes, const sink& to) {
  while (!bytes.empty()) {
    if (after_cr_ && bytes.front() == '\n') bytes.remove_prefix(1);
    after_cr_ = false;
    const auto end = bytes.find_first_of("\r\n");
    append(bytes.substr(0, end), to);
    if (end == std::string_view::npos) return;
    emit(false, to);
    after_cr_ = bytes[end] == '\r';
    bytes.remove_prefix(end + 1);
  }
}

void line_splitter::finish(const sink& to) {
  if (!partial_.empty()) emit(false, to);
  after_cr_ = continued_ = false;
}

} // namespace troupe::cli
