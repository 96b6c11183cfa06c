// JSON as text, whatever the strings in it hold.
#pragma once

#include <nlohmann/json.hpp>

#include <string>

namespace troupe::scenarios {

/// `indent` < 0: on one line. Octets that are not UTF-8, as in paths, in texts of scenarios and of
/// other nodes, become U+FFFD: a result that cannot be told is worse than one with a mark in it.
inline std::string json_text(const nlohmann::json& value, int indent = -1) {
  return value.dump(indent, ' ', false, nlohmann::json::error_handler_t::replace);
}

} // namespace troupe::scenarios
