#include "runner/plan/json_text.hpp"

#include "base/utf8.hpp"
#include "base/words.hpp"

#include <nlohmann/json.hpp>

namespace troupe::scenarios {

namespace {

/// Also of a text that is no JSON, where it may be anything.
bool is_flat_enough(std::string_view text) {
  int depth = 0;
  bool in_string = false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (in_string && c == '\\')
      ++i;
    else if (c == '"')
      in_string = !in_string;
    else if (!in_string && (c == '[' || c == '{') && ++depth > json_depth_max)
      return false;
    else if (!in_string && (c == ']' || c == '}'))
      --depth;
  }
  return true;
}

} // namespace

std::string json_text(const nlohmann::json& value, int indent) {
  return json_printable(value.dump(indent, ' ', false, nlohmann::json::error_handler_t::replace));
}

std::string dumped(const nlohmann::json& value) { return value.dump(); }

nlohmann::json parsed(std::string_view text) { return nlohmann::json::parse(text); }

nlohmann::json parse_foreign(std::string_view text) {
  if (!is_flat_enough(text)) return nlohmann::json::value_t::discarded;
  return nlohmann::json::parse(text, nullptr, false);
}

std::string why_not_json(std::string_view text) {
  if (!is_flat_enough(text))
    return "has more than " + std::to_string(json_depth_max) + " levels: " + in_quotes(text);
  return nlohmann::json::accept(text) ? std::string{} : "is not JSON: " + in_quotes(text);
}

} // namespace troupe::scenarios
