#include "runner/toml/source.hpp"

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

} // namespace troupe::scenarios::file
