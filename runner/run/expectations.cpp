#include "runner/run/expectations.hpp"
#include "base/words.hpp"

#include "base/units.hpp"
#include "runner/plan/json_text.hpp"
#include "runner/toml/mistakes.hpp"

#include <algorithm>

#include <fmt/format.h>

namespace troupe::scenarios {
namespace {

using nlohmann::json;

constexpr std::size_t shown_max = 120;

std::string shown(const json& value) { return excerpt(json_text(value), shown_max); }

std::string_view kind_of(const json& value) {
  if (value.is_object()) return "an object";
  if (value.is_array()) return "a list";
  if (value.is_string()) return "a text";
  if (value.is_boolean()) return "a boolean";
  if (value.is_null()) return "null";
  return "a number";
}

std::optional<std::size_t> index_of(std::string_view part) {
  if (part.size() > 9) return std::nullopt;
  const auto value = part.starts_with("0x") ? std::nullopt : parse_unsigned(part);
  return value ? std::optional<std::size_t>(*value) : std::nullopt;
}

/// How far a path leads.
struct found {
  const json* value = nullptr; ///< null if the path leads nowhere
  const json* last = nullptr;  ///< the deepest value on the way
  std::string way;             ///< the path to it
  std::string_view rest;       ///< what was not found there
};

/// Keys may hold dots themselves ("lost.in crash"), so that longer ones are tried, too.
found look_up(const json& root, std::string_view path) {
  found at{&root, &root, {}, path};
  while (!at.rest.empty()) {
    const json* next = nullptr;
    std::size_t taken = 0;
    for (std::size_t dot = at.rest.find('.');; dot = at.rest.find('.', dot + 1)) {
      taken = std::min(dot, at.rest.size());
      const auto part = at.rest.substr(0, taken);
      if (at.last->is_object()) {
        const auto it = at.last->find(std::string(part));
        if (it != at.last->end()) next = &*it;
      } else if (const auto i = index_of(part); at.last->is_array() && i && *i < at.last->size()) {
        next = &(*at.last)[*i];
      }
      if (next || dot == std::string_view::npos) break;
    }
    if (!next) {
      at.value = nullptr;
      return at;
    }
    if (!at.way.empty()) at.way += '.';
    at.way += at.rest.substr(0, taken);
    at.rest.remove_prefix(std::min(taken + 1, at.rest.size()));
    at.last = at.value = next;
  }
  return at;
}

/// Paths of all values, as far as there are not too many.
void collect(const json& value, const std::string& path, std::vector<std::string>& all) {
  constexpr std::size_t paths_max = 2'000, depth_max = 8;
  if (all.size() >= paths_max || std::count(path.begin(), path.end(), '.') > std::ptrdiff_t(depth_max))
    return;
  if (!path.empty()) all.push_back(path);
  if (value.is_object())
    for (const auto& [key, inner] : value.items())
      collect(inner, path.empty() ? key : path + '.' + key, all);
}

std::string nowhere(const json& root, std::string_view path, const found& at) {
  std::string text = fmt::format("there is no {} in the result", tick(path));
  const std::string where = at.way.empty() ? "the result" : tick(at.way);
  if (at.last->is_array())
    return text + fmt::format("; {} is a list of {}, numbered from 0", where, at.last->size());
  if (!at.last->is_object()) return text + fmt::format("; {} is {}", where, kind_of(*at.last));
  std::vector<std::string> all;
  collect(root, "", all);
  const auto last_part = path.substr(path.rfind('.') == std::string_view::npos ? 0 : path.rfind('.') + 1);
  auto best = nearest(path, all);
  if (best.empty()) // the right key in the wrong place
    for (const auto& candidate : all)
      if (candidate.ends_with(fmt::format(".{}", last_part))) best = candidate;
  if (!best.empty()) return text + fmt::format("; did you mean `{}`?", best);
  std::vector<std::string> keys;
  for (const auto& [key, value] : at.last->items())
    if (keys.size() < 24) keys.push_back(key);
  if (keys.empty()) return text + fmt::format("; {} is empty", where);
  return text + fmt::format("; {} has {}", where, fmt::join(keys, ", "));
}

/// Where two lists part, for lists too long to compare by eye.
std::string difference(const json& expected, const json& value) {
  if (!expected.is_array() || !value.is_array()) return {};
  if (expected.size() != value.size())
    return fmt::format(" ({} elements instead of {})", value.size(), expected.size());
  for (std::size_t i = 0; i < value.size(); ++i)
    if (value[i] != expected[i])
      return fmt::format(" (element {} is {} instead of {})", i, shown(value[i]), shown(expected[i]));
  return {};
}

/// Of objects, the expected one's keys count.
bool matches(const json& value, const json& expected) {
  if (!value.is_object() || !expected.is_object()) return value == expected;
  return std::all_of(expected.items().begin(), expected.items().end(), [&](const auto& item) {
    const auto it = value.find(item.key());
    return it != value.end() && matches(*it, item.value());
  });
}

bool contains(const json& value, const json& part) {
  if (value.is_array())
    return std::any_of(value.begin(), value.end(),
                       [&](const json& element) { return matches(element, part); });
  if (value.is_object())
    return part.is_string() ? value.contains(part.get<std::string>()) : matches(value, part);
  if (value.is_string() && part.is_string())
    return value.get_ref<const std::string&>().find(part.get_ref<const std::string&>()) != std::string::npos;
  return false;
}

std::string name_of(const expectation& e) {
  return fmt::format("expect {} {}{}", excerpt(e.path, 100), e.equals ? "= " : "", wanted_text(e));
}

/// What is wrong with the value; empty if nothing.
std::string complaint(const expectation& e, const json& value) {
  if (e.equals && value != *e.equals) return "expected " + shown(*e.equals) + difference(*e.equals, value);
  if (e.at_least || e.at_most) {
    if (!value.is_number()) return fmt::format("expected a number, not {}", kind_of(value));
    const double number = value.get<double>();
    if (e.at_least && !(number >= *e.at_least)) return "expected at least " + format_number(*e.at_least);
    if (e.at_most && !(number <= *e.at_most)) return "expected at most " + format_number(*e.at_most);
  }
  if (e.contains && !contains(value, *e.contains)) {
    if (value.is_array() || value.is_object() || value.is_string())
      return "expected it to contain " + shown(*e.contains);
    return fmt::format("expected it to contain {}, but {} contains nothing", shown(*e.contains),
                       kind_of(value));
  }
  return {};
}

/// That of a list on the way only the beginning was looked at.
std::string told_of_cut_lists(const json& root, std::string_view path) {
  for (auto dot = path.find('.');; dot = path.find('.', dot + 1)) {
    const auto list = path.substr(0, dot);
    const auto told = look_up(root, fmt::format("{}_cut", list));
    if (told.value && told.value->is_object() && told.value->contains("all_in"))
      return fmt::format("; {} shows {} of {}, all are in {}", tick(list),
                         json_text(told.value->value("shown", json{})),
                         json_text(told.value->value("of", json{})), json_text(told.value->at("all_in")));
    if (dot == std::string_view::npos) return {};
  }
}

} // namespace

std::string wanted_text(const expectation& e) {
  std::vector<std::string> rules;
  if (e.equals) rules.push_back(excerpt(shown(*e.equals)));
  if (e.at_least) rules.push_back(fmt::format(">= {}", format_number(*e.at_least)));
  if (e.at_most) rules.push_back(fmt::format("<= {}", format_number(*e.at_most)));
  if (e.contains) rules.push_back(fmt::format("contains {}", excerpt(shown(*e.contains))));
  return fmt::format("{}", fmt::join(rules, " and "));
}

std::vector<check> evaluate(const std::vector<expectation>& expected, const json& result) {
  std::vector<check> checks;
  for (const auto& e : expected) {
    check c;
    c.name = name_of(e);
    const auto at = look_up(result, e.path);
    if (at.value) {
      const auto wrong = complaint(e, *at.value);
      c.passed = wrong.empty();
      c.detail = "found " + shown(*at.value) + (wrong.empty() ? "" : ", " + wrong);
    } else {
      c.detail = nowhere(result, e.path, at);
    }
    if (!c.passed) c.detail += told_of_cut_lists(result, e.path);
    checks.push_back(std::move(c));
  }
  return checks;
}

} // namespace troupe::scenarios
