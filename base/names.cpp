#include "base/names.hpp"

#include <algorithm>
#include <fmt/format.h>

namespace troupe {
namespace {

bool stands_anywhere(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
}

/// "-", "- and .", "-, . and :"
std::string listed(std::string_view characters) {
  std::string text;
  for (std::size_t i = 0; i < characters.size(); ++i) {
    if (i > 0) text += i + 1 == characters.size() ? " and " : ", ";
    text += characters[i];
  }
  return text;
}

} // namespace

bool is_name(std::string_view name, const name_rule& rule) {
  return !name.empty() && name.size() <= rule.bytes_max && stands_anywhere(name.front())
         && std::all_of(name.begin(), name.end(), [&](char c) {
              return stands_anywhere(c) || rule.others.find(c) != std::string_view::npos;
            });
}

std::string describe(const name_rule& rule) {
  return fmt::format("1 to {} letters, digits, {}, and begins with a letter, a digit or _", rule.bytes_max,
                     listed("_" + std::string(rule.others)));
}

} // namespace troupe
