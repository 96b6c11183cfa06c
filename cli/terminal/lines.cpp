#include "cli/terminal/lines.hpp"

#include "base/utf8.hpp"

#include <algorithm>

namespace troupe::cli {
namespace {

constexpr std::string_view ellipsis = "\xe2\x80\xa6";

} // namespace

void line_splitter::emit(bool more_follows, const sink& to) {
  const std::size_t take = more_follows ? whole_code_points(partial_) : partial_.size();
  std::string text;
  if (continued_) text += ellipsis;
  text += printable(std::string_view(partial_).substr(0, take), "\t");
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
