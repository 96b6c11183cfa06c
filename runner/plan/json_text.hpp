// JSON as text, whatever the strings in it hold; and texts from elsewhere as JSON.
#pragma once

#include <nlohmann/json_fwd.hpp>

#include <string>
#include <string_view>

namespace troupe::scenarios {

/// `indent` < 0: on one line. Octets that are not UTF-8, as in paths, in texts of scenarios and of
/// other nodes, become U+FFFD: a result that cannot be told is worse than one with a mark in it. What must
/// not reach a terminal, U+009B or U+202E, is escaped.
std::string json_text(const nlohmann::json& value, int indent = -1);

// These are nlohmann's own, compiled once: a source that calls them there compiles all of its writer or
// parser.

/// value.dump().
std::string dumped(const nlohmann::json& value);
/// nlohmann::json::parse(text).
nlohmann::json parsed(std::string_view text);

/// Levels that a value from elsewhere may have: who writes or compares it recurses.
inline constexpr int json_depth_max = 500;

/// The value of a text from another program, from a file, from another node. Discarded, see
/// nlohmann::json::is_discarded(), if it is none or has more than json_depth_max levels.
nlohmann::json parse_foreign(std::string_view text);
/// "is not JSON: ...", or that it has too many levels; empty where parse_foreign() has a value for it.
/// Takes less time than that.
std::string why_not_json(std::string_view text);

} // namespace troupe::scenarios
