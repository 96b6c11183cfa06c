#include "base/shown_text.hpp"

#include "base/text.hpp"

#include <algorithm>
#include <array>

namespace troupe {
namespace {

constexpr std::array<std::string_view, 10> codes{"",         "\x1b[1m",   "\x1b[2m",  "\x1b[31m",
                                                 "\x1b[32m", "\x1b[33m",  "\x1b[34m", "\x1b[35m",
                                                 "\x1b[36m", "\x1b[1;31m"};
constexpr std::string_view off = "\x1b[0m";

/// Bytes of the code that a marked text begins with; 0 if it begins with none.
std::size_t code_length(std::string_view marked) {
  return marked.starts_with('\x1b') ? std::min(marked.find('m'), marked.size() - 1) + 1 : 0;
}

} // namespace

shown_text shown_text::with_tabs(std::string_view line) {
  shown_text out;
  out.marked_ = printable(line, "\t");
  return out;
}

shown_text shown_text::in(text_style how) const {
  if (how == text_style::plain || marked_.empty()) return *this;
  shown_text out;
  out.marked_ = std::string{codes[static_cast<std::size_t>(how)]} + marked_ + std::string{off};
  return out;
}

std::string shown_text::text(bool colour) const {
  if (colour || marked_.find('\x1b') == std::string::npos) return marked_;
  std::string out;
  for (std::string_view rest = marked_; !rest.empty();) {
    rest.remove_prefix(code_length(rest));
    const auto next = std::min(rest.find('\x1b'), rest.size());
    out += rest.substr(0, next);
    rest.remove_prefix(next);
  }
  return out;
}

std::size_t shown_text::columns() const {
  const auto all = plain();
  std::size_t widest = 0;
  for (std::string_view rest = all;;) {
    const auto end = rest.find('\n');
    widest = std::max(widest, display_width(rest.substr(0, end)));
    if (end == std::string_view::npos) return widest;
    rest.remove_prefix(end + 1);
  }
}

shown_text shown_text::cut(int width) const {
  if (width <= 0 || columns() <= static_cast<std::size_t>(width)) return *this;
  shown_text out;
  bool open = false;
  std::string_view rest = marked_;
  for (auto left = static_cast<std::size_t>(width) - 1; !rest.empty();) {
    if (const auto code = code_length(rest); code > 0) {
      open = rest.substr(0, code) != off;
      out.marked_ += rest.substr(0, code);
      rest.remove_prefix(code);
      continue;
    }
    const auto n = code_point_length(rest); // all is printable, so there is one
    const auto wide = display_width(rest.substr(0, n));
    if (wide > left) break;
    left -= wide;
    out.marked_ += rest.substr(0, n);
    rest.remove_prefix(n);
  }
  out.marked_ += "…";
  if (open) out.marked_ += off;
  return out;
}

} // namespace troupe
