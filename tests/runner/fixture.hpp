// A declaration with one parameter of every type, and short ways to load a text with it.
#pragma once

#include "runner/file/scenario_file.hpp"

#include <map>

namespace scenario_tests {

using namespace troupe::scenarios;
using namespace std::chrono_literals;

inline const declaration& pool() {
  static const declaration made = [] {
    declaration d;
    d.name = "worker_pool";
    d.summary = "a coordinator hands tasks to workers";
    d.choice("task", {"is_prime", "factors"}, "is_prime").help("what is done with each input");
    d.integers("inputs").length(100'000).help("the numbers");
    d.integer("workers", 4).range(1, 10'000).help("how many");
    d.integer("prefetch", 2).range(1, 1'000).in("tasks");
    d.integer("limit", 0).in("tasks").optional();
    d.duration("time_out", 5s).range(0.001, 3'600).help("for one task");
    d.boolean("slices", true);
    d.number("ratio", 0.5).range(0, 1);
    d.text("title", "primes").length(40);
    d.texts("names").length(8);
    d.booleans("flags");
    d.numbers("weights").range(0, 10).length(4);
    d.roles = {{"coordinator", placement::main, "hands out"},
               {"worker", placement::workers, "works"},
               {"logger", placement::all, "writes"}};
    return d;
  }();
  return made;
}

inline const declaration& echo() {
  static const declaration made = [] {
    declaration d;
    d.name = "echo_server";
    d.objection = [](const parameters& values) -> std::string {
      if (values.integer("times") > 1 && values.text("greeting").empty())
        return "times needs a greeting that can be repeated";
      return values.integer("times") == 13 ? "this is a bad omen" : "";
    };
    d.summary = "answers with what it was sent";
    d.text("greeting", "Echoed back: ");
    d.integer("times", 1);
    return d;
  }();
  return made;
}

using variables = std::map<std::string, std::string>;

inline environment from(variables set) {
  return [set = std::move(set)](const std::string& name) -> std::optional<std::string> {
    const auto it = set.find(name);
    return it == set.end() ? std::nullopt : std::optional(it->second);
  };
}

inline loaded load_text(std::string_view text, const overrides& over = {}, const variables& env = {}) {
  return parse(text, "pool.toml", {&pool(), &echo()}, over, from(env));
}

/// All mistakes as the user sees them.
inline std::string told(const loaded& l) {
  std::string text;
  for (const auto& d : l.mistakes)
    text += render(d).plain();
  return text;
}

/// The mistakes of a text that begins with a right `scenario`.
inline std::string mistakes_of(std::string_view rest, const overrides& over = {}, const variables& env = {}) {
  return told(load_text("scenario = \"worker_pool\"\n" + std::string(rest), over, env));
}

inline overrides set(std::vector<std::string> given) {
  overrides over;
  over.set = std::move(given);
  return over;
}

inline overrides nodes(std::string given) {
  overrides over;
  over.nodes = std::move(given);
  return over;
}

/// All mistakes, one a line: "line:column+width message | help".
inline std::string brief(const loaded& l) {
  std::string text;
  for (const auto& d : l.mistakes) {
    if (!text.empty()) text += '\n';
    if (d.source != "pool.toml") text += d.source + ' ';
    text += std::to_string(d.line) + ':' + std::to_string(d.column) + '+' + std::to_string(d.width) + ' '
            + d.message;
    if (!d.help.empty()) text += " | " + d.help;
  }
  return text;
}

/// The same of a pool's file; the text begins in line 2.
inline std::string mistakes(std::string_view rest, const overrides& over = {}, const variables& env = {}) {
  const auto l = load_text("scenario = \"worker_pool\"\n" + std::string(rest), over, env);
  return brief(l);
}

} // namespace scenario_tests
