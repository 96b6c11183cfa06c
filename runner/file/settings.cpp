#include "runner/file/settings.hpp"
#include "base/words.hpp"

#include <algorithm>
#include <array>

#include <fmt/format.h>

namespace troupe::scenarios::file {
namespace {

const std::array<std::string, 8> top_key_names{"scenario", "seed",   "deadline", "parameters",
                                               "topology", "faults", "trace",    "expect"};

std::string upper(std::string_view name) {
  std::string result;
  for (char c : name)
    result += c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c == '-' ? '_' : c;
  return result;
}

std::vector<std::string> split(std::string_view key) {
  std::vector<std::string> parts;
  for (;;) {
    const auto dot = key.find('.');
    parts.emplace_back(key.substr(0, dot));
    if (dot == std::string_view::npos) return parts;
    key.remove_prefix(dot + 1);
  }
}

/// Keys whose value is a table, so that "topology={…}" can be refined by "topology.nodes=2".
bool is_table_key(const std::vector<std::string>& path) {
  if (path.size() == 1)
    return path[0] == "parameters" || path[0] == "topology" || path[0] == "trace" || path[0] == "expect";
  return path.size() == 2 && path[0] == "topology" && (path[1] == "place" || path[1] == "security");
}

/// Whether it stands behind an option that takes any key.
bool is_free(const place& key) { return key.in->name() == "--set" || key.in->name() == "--vary"; }

/// Of the last setting wins; of one file, the line does not matter any more.
constexpr std::size_t set_bytes_max = 1U << 20;

} // namespace

std::span<const std::string> top_keys() { return top_key_names; }

settings::settings(const overrides& given, const environment& env, mistakes& wrong)
    : env_(env), wrong_(wrong), variables_(given.variables) {
  take_variable("TROUPE_SEED", {"seed"});
  take_variable("TROUPE_DEADLINE", {"deadline"});
  take_variable("TROUPE_NODES", {"topology", "nodes"});
  take_variable("TROUPE_TRACE", {"trace", "level"});
  for (const auto& text : given.set)
    take_set("--set", text);
  for (const auto& text : given.vary)
    take_set("--vary", text);
  take_option("--seed", given.seed, {"seed"});
  take_option("--deadline", given.deadline, {"deadline"});
  take_option("--nodes", given.nodes, {"topology", "nodes"});
  take_option("--trace", given.trace, {"trace", "level"});
  take_option("--sample", given.sample, {"trace", "sample"});
}

const source_text& settings::remember(std::string name, std::string text, origin from) {
  return sources_.emplace_back(std::move(name), std::move(text), from);
}

void settings::take_option(const char* name, const std::optional<std::string>& given,
                           std::vector<std::string> path) {
  if (!given) return;
  const auto& source = remember(name, fmt::format("{} {}", name, *given), origin::command_line);
  const std::size_t value_at = std::string_view(name).size() + 1;
  setting s;
  s.path = std::move(path);
  s.key_at = place_of(source, 0, value_at - 1);
  s.value.kind = node_kind::raw;
  s.value.text = *given;
  s.value.at = place_of(source, value_at, given->size());
  if (find_invalid_utf8(*given) != std::string_view::npos || given->find('\0') != std::string::npos)
    wrong_.add(s.value.at, fmt::format("the value of {} is not UTF-8 text", name));
  else
    found_.push_back(std::move(s));
}

void settings::take_variable(const std::string& variable, std::vector<std::string> path) {
  const auto value = env_(variable);
  if (!value || value->empty()) return;
  const auto& source = remember("environment", variable + '=' + *value, origin::environment);
  setting s;
  s.path = std::move(path);
  s.key_at = place_of(source, 0, variable.size());
  s.value.kind = node_kind::raw;
  s.value.text = *value;
  s.value.at = place_of(source, variable.size() + 1, value->size());
  if (find_invalid_utf8(*value) != std::string_view::npos)
    wrong_.add(s.value.at, fmt::format("the environment variable {} is not UTF-8", variable));
  else
    found_.push_back(std::move(s));
}

void settings::take_set(const char* option, const std::string& given) {
  const auto& source = remember(option, given, origin::command_line);
  const auto how =
      fmt::format("write {} key=value; the key is a parameter, or a path such as topology.nodes", option);
  const auto bad = find_invalid_utf8(given);
  if (bad != std::string_view::npos || given.size() > set_bytes_max
      || given.find('\0') != std::string::npos) {
    wrong_.add(place_of(source, std::min(bad, given.size()), 1), "this is not UTF-8 text of at most 1 MiB");
    return;
  }
  const auto equals = given.find('=');
  if (equals == std::string::npos) {
    wrong_.add(place_of(source, 0, given.size()), "there is no `=`", how);
    return;
  }
  std::string_view key(given.data(), equals);
  while (!key.empty() && key.back() == ' ')
    key.remove_suffix(1);
  setting s;
  s.path = split(key);
  s.key_at = place_of(source, 0, std::max<std::size_t>(1, key.size()));
  if (std::find(s.path.begin(), s.path.end(), "") != s.path.end() || s.path.size() > nesting_max) {
    wrong_.add(s.key_at,
               key.empty() ? "there is no key before `=`" : fmt::format("{} is not a key", tick(key)), how);
    return;
  }
  s.value.kind = node_kind::raw;
  s.value.text = given.substr(equals + 1);
  s.value.at = place_of(source, equals + 1, given.size() - equals - 1);
  if (is_table_key(s.path))
    if (auto table = parse_value(s.value.text, s.value.at, true)) s.value = std::move(*table);
  found_.push_back(std::move(s));
}

const node* settings::scenario() const {
  const auto last = std::find_if(found_.rbegin(), found_.rend(), [](const setting& s) {
    return s.path.size() == 1 && s.path[0] == "scenario";
  });
  return last == found_.rend() ? nullptr : &last->value;
}

bool settings::resolve(setting& s, const declaration* known) {
  const bool is_top = std::find(top_key_names.begin(), top_key_names.end(), s.path[0]) != top_key_names.end();
  const bool single = s.path.size() == 1;
  const bool is_set = is_free(s.key_at);
  if (is_set && single && known && known->find(s.path[0])) {
    s.path.insert(s.path.begin(), "parameters");
    return true;
  }
  if (is_top) return true;
  if (!known) return false; // the unknown scenario is mistake enough
  std::vector<std::string> candidates;
  for (const auto& p : known->parameters)
    candidates.push_back(p.name);
  for (std::string_view key : {"nodes", "endpoint", "host", "threads", "scheduler", "cores", "external",
                               "join_timeout", "stall", "message_max"})
    candidates.push_back(fmt::format("topology.{}", key));
  candidates.insert(candidates.end(),
                    {"trace.level", "trace.bytes_max", "trace.sample", "seed", "deadline", "scenario"});
  const std::string key = fmt::format("{}", fmt::join(s.path, "."));
  wrong_.add(s.key_at,
             fmt::format("{} is neither a parameter of {} nor a key of the file", tick(key), known->name),
             suggest(key, candidates));
  return false;
}

void settings::take_variables_of(const declaration& known) {
  std::vector<std::string> names;
  for (const auto& p : known.parameters) {
    names.push_back(std::string(set_variable) + upper(p.name));
    take_variable(names.back(), {"parameters", p.name});
  }
  for (const auto& variable : variables_) {
    const auto value = env_(variable);
    if (!value || value->empty() || std::find(names.begin(), names.end(), variable) != names.end()) continue;
    const auto& source = remember("environment", variable + '=' + *value, origin::environment);
    wrong_.add(place_of(source, 0, variable.size()),
               fmt::format("{} names no parameter of {}", tick(variable), known.name),
               suggest(variable, names));
  }
}

void settings::refuse_clashes() {
  for (std::size_t i = 0; i < found_.size(); ++i)
    for (std::size_t j = 0; j < i; ++j) {
      const auto &earlier = found_[j], &later = found_[i];
      if (earlier.path != later.path || later.key_at.in->from() != origin::command_line
          || earlier.key_at.in->from() != origin::command_line)
        continue;
      const auto &a = earlier.key_at.in->name(), &b = later.key_at.in->name();
      if (a == "--set" && b == "--set") continue; // the last one wins
      const bool one_is_varied = a == "--vary" || b == "--vary";
      const auto at = a == "--vary" || !one_is_varied ? earlier.key_at : later.key_at;
      const std::string key(at.in->text().substr(0, at.in->text().find('=')));
      wrong_.add(at,
                 a == b ? fmt::format("{} is varied twice", tick(key))
                 : one_is_varied
                     ? fmt::format("{} is varied and given by {}", tick(key), a == "--vary" ? b : a)
                     : fmt::format("{} is given by {} and by {}", tick(key), a, b),
                 a == b ? "give all its values to one --vary" : "leave one of them away");
    }
}

void settings::lay_over(node& root, const declaration* known) {
  if (known) {
    std::vector<setting> options = std::move(found_);
    found_.clear();
    take_variables_of(*known);
    found_.insert(found_.end(), std::make_move_iterator(options.begin()),
                  std::make_move_iterator(options.end()));
  }
  std::erase_if(found_, [&](setting& s) { return !resolve(s, known); });
  refuse_clashes();
  for (auto& s : found_)
    apply(root, std::move(s));
  found_.clear();
}

void settings::apply(node& root, setting&& s) {
  node* at = &root;
  for (std::size_t i = 0; i < s.path.size(); ++i) {
    entry* e = at->find(s.path[i]);
    const bool last = i + 1 == s.path.size();
    if (!e) {
      entry fresh;
      fresh.key = s.path[i];
      fresh.at = s.key_at;
      fresh.value.kind = node_kind::table;
      fresh.value.at = s.key_at;
      at->entries.push_back(std::move(fresh));
      e = &at->entries.back();
    }
    if (last) {
      e->at = s.key_at;
      e->value = std::move(s.value);
    } else if (e->value.kind != node_kind::table) {
      return; // the file holds something else there, which is told when it is checked
    }
    at = &e->value;
  }
}

} // namespace troupe::scenarios::file
