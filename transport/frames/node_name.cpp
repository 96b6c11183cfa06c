#include "transport/frames/node_name.hpp"

#include "transport/frames/limits.hpp"

#include <algorithm>

namespace troupe::transport {

static_assert(limits::name_bytes_max == 64); // as the sentence below says

const char* wrong_with_node_name(std::string_view name) {
  const auto legal = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '-'
           || c == '.';
  };
  if (name.empty()) return "is empty";
  if (name.size() > limits::name_bytes_max) return "is longer than 64 characters";
  if (!std::all_of(name.begin(), name.end(), legal)) return "is not made of letters, digits, _, - and .";
  if (name[0] == '.' || name[0] == '-') return "does not begin with a letter, a digit or _";
  return nullptr;
}

} // namespace troupe::transport
