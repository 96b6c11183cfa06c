#include "scenarios/file/source.hpp"

#include <algorithm>

namespace troupe::scenarios::file {

source_text::source_text(std::string name, std::string text, origin from)
    : name_(std::move(name)), text_(std::move(text)), from_(from) {
  starts_.push_back(0);
  for (std::size_t i = 0; i < text_.size(); ++i)
    if (text_[i] == '\n') starts_.push_back(i + 1);
}

std::string_view source_text::line(std::size_t number) const {
  if (number == 0 || number > starts_.size()) return {};
  const std::size_t begin = starts_[number - 1];
  std::size_t end = number < starts_.size() ? starts_[number] - 1 : text_.size();
  if (end > begin && text_[end - 1] == '\r') --end;
  return std::string_view(text_).substr(begin, end - begin);
}

std::size_t source_text::offset(std::size_t number, std::size_t column) const {
  if (number == 0 || number > starts_.size()) return text_.size();
  auto rest = line(number);
  std::size_t at = starts_[number - 1];
  for (std::size_t i = 1; i < column && !rest.empty(); ++i) {
    const std::size_t n = std::max<std::size_t>(1, code_point_length(rest));
    rest.remove_prefix(n);
    at += n;
  }
  return at;
}

place place_of(const source_text& source, std::size_t offset, std::size_t bytes) {
  const auto text = source.text();
  offset = std::min(offset, text.size());
  const auto before = text.substr(0, offset);
  const std::size_t begin = before.rfind('\n') == std::string_view::npos ? 0 : before.rfind('\n') + 1;
  const auto stretch = text.substr(offset, std::min(bytes, text.substr(offset).find('\n')));
  place result;
  result.in = &source;
  result.line = static_cast<std::uint32_t>(1 + std::count(before.begin(), before.end(), '\n'));
  result.column = static_cast<std::uint32_t>(1 + code_points(before.substr(begin)));
  result.width = static_cast<std::uint32_t>(std::max<std::size_t>(1, code_points(stretch)));
  return result;
}

std::size_t code_point_length(std::string_view text) {
  if (text.empty()) return 0;
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  const auto tail = [&](std::size_t i) { return i < text.size() && (byte(i) & 0xc0) == 0x80; };
  const unsigned first = byte(0);
  if (first < 0x80) return 1;
  if (first >= 0xc2 && first <= 0xdf) return tail(1) ? 2 : 0;
  if (first >= 0xe0 && first <= 0xef) {
    if (!tail(1) || !tail(2)) return 0;
    if (first == 0xe0 && byte(1) < 0xa0) return 0; // overlong
    if (first == 0xed && byte(1) > 0x9f) return 0; // surrogate
    return 3;
  }
  if (first >= 0xf0 && first <= 0xf4) {
    if (!tail(1) || !tail(2) || !tail(3)) return 0;
    if (first == 0xf0 && byte(1) < 0x90) return 0; // overlong
    if (first == 0xf4 && byte(1) > 0x8f) return 0; // beyond U+10FFFF
    return 4;
  }
  return 0;
}

std::size_t code_points(std::string_view text) {
  std::size_t count = 0;
  while (!text.empty()) {
    text.remove_prefix(std::max<std::size_t>(1, code_point_length(text)));
    ++count;
  }
  return count;
}

std::size_t find_invalid_utf8(std::string_view text) {
  std::size_t at = 0;
  while (at < text.size()) {
    const std::size_t n = code_point_length(text.substr(at));
    if (n == 0) return at;
    at += n;
  }
  return std::string_view::npos;
}

} // namespace troupe::scenarios::file
