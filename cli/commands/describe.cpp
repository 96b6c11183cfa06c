// `troupe check`, `list` and `schema`: tell, and start nothing.
#include "base/durations.hpp"
#include "base/table.hpp"
#include "base/words.hpp"
#include "cli/commands/commands.hpp"
#include "runner/plan/json_text.hpp"
#include "runner/plan/times.hpp"
#include "runner/run/expectations.hpp"
#include "runner/run/obstacles.hpp"
#include "runner/toml/mistakes.hpp"

#include <algorithm>
#include <fmt/format.h>
#include <fmt/ranges.h>

namespace troupe::cli {
namespace {

using scenarios::declaration;
using scenarios::parameter;
using scenarios::parameter_type;

std::string range_of(const parameter& p) {
  if (!p.choices.empty()) return fmt::format("{}", fmt::join(p.choices, " | "));
  const auto* unit = p.type == parameter_type::duration ? " s" : "";
  if (p.at_least && p.at_most) return fmt::format("{} to {}{}", *p.at_least, *p.at_most, unit);
  if (p.at_least) return fmt::format("from {}{}", *p.at_least, unit);
  if (p.at_most) return fmt::format("up to {}{}", *p.at_most, unit);
  return {};
}

shown_text text_of(const declaration& one, const std::string& program) {
  auto text = say("{}: {}\n\n", one.name, one.summary);
  table parameters(table::by_content({"parameter", "type", "unit", "default", "range", ""}));
  for (const auto& p : one.parameters)
    parameters.row({p.name, std::string(to_string(p.type)), p.unit,
                    p.fallback ? scenarios::to_text(*p.fallback) : "-", range_of(p), p.about});
  if (!parameters.empty()) text += parameters.render(0, text_style::bold) + "\n";
  table roles(table::by_content({"role", "lives on", ""}));
  for (const auto& r : one.roles)
    roles.row({r.name, std::string(to_string(r.where)), r.about});
  if (!roles.empty()) text += roles.render(0, text_style::bold) + "\n";
  return text
         + say(
             "A file for it starts with:  scenario = \"{}\"\nSet a parameter for one run:  {} run FILE --set "
             "NAME=VALUE\n",
             one.name, program);
}

std::string nodes_text(const scenarios::topology_plan& topology) {
  std::string text = topology.nodes == 0
                         ? "all in this process"
                         : fmt::format("main and {} worker process{} (w1{})", topology.nodes,
                                       topology.nodes == 1 ? "" : "es",
                                       topology.nodes > 1 ? fmt::format(" to w{}", topology.nodes) : "");
  if (topology.nodes > 1 && topology.cores == scenarios::cores_kind::split)
    text += ", the cores split among them";
  if (!topology.external.empty())
    text += fmt::format("; joined by hand: {}", fmt::join(topology.external, ", "));
  return text;
}

shown_text faults_text(const nlohmann::json& plan) {
  if (!plan.contains("faults") || plan["faults"].empty()) return {};
  auto text = say("\n{}\n", say("faults").in(text_style::bold));
  for (const auto& fault : plan["faults"])
    text += shown_text{scenarios::json_text(fault)} + "\n";
  return text;
}

/// One line each: what it is about, and what is expected of it.
shown_text expectations_text(const std::vector<scenarios::expectation>& all) {
  if (all.empty()) return {};
  table lines(table::by_content({"expect", ""}));
  for (const auto& one : all)
    lines.row({one.path, scenarios::wanted_text(one)});
  return say("\n{}", lines.render(0, text_style::bold));
}

shown_text text_of(const scenarios::plan& plan) {
  auto text = say("{}: nothing wrong\n\n", plan.file);
  text += say("scenario  {}\nnodes     {}\nseed      {}\ndeadline  {}\ntrace     {}\n\n", plan.scenario,
              nodes_text(plan.topology), plan.seed_given ? std::to_string(plan.seed) : "drawn at the start",
              plan.deadline ? seconds_text(scenarios::seconds(*plan.deadline), 6) : "none",
              scenarios::word_of(plan.trace.level));
  auto columns = table::by_content({"parameter", "value"});
  columns.back().width_max = 100;
  table values(std::move(columns));
  for (const auto& [name, value] : plan.values.all())
    values.row({name, scenarios::to_text(value)});
  if (!values.empty()) text += values.render(0, text_style::bold) + "\n";
  table places(table::by_content({"role", "on"}));
  for (const auto& [role, nodes] : plan.topology.place)
    places.row({role, fmt::format("{}", fmt::join(nodes, ", "))});
  if (!places.empty()) text += places.render(0, text_style::bold);
  return text + faults_text(scenarios::to_json(plan)) + expectations_text(plan.expect);
}

nlohmann::json mistakes_json(const std::vector<scenarios::diagnostic>& mistakes) {
  auto all = nlohmann::json::array();
  for (const auto& each : mistakes)
    all.push_back({{"source", each.source},
                   {"line", each.line},
                   {"column", each.column},
                   {"message", each.message},
                   {"help", each.help}});
  return all;
}

} // namespace

int check(const context& who, const check_arguments& arguments) {
  const auto loaded = load(who, arguments.file, arguments.changes);
  if (!loaded.result) {
    if (arguments.json) print(who, nlohmann::json{{"mistakes", mistakes_json(loaded.mistakes)}});
    return tell_mistakes(who, loaded.mistakes);
  }
  const auto& plan = *loaded.result;
  arguments.json ? print(who, scenarios::to_json(plan)) : print(who, text_of(plan));
  // The plan may be for another machine.
  for (const auto& each : scenarios::obstacles(plan.topology))
    complain(who, fmt::format("here the run could not start: {}", each));
  return 0;
}

int list(const context& who, const std::optional<std::string>& scenario, bool json) {
  if (scenario) {
    const auto found = std::find_if(who.declarations.begin(), who.declarations.end(),
                                    [&](const declaration* each) { return each->name == *scenario; });
    if (found == who.declarations.end()) {
      std::vector<std::string> names;
      for (const auto* each : who.declarations)
        names.push_back(each->name);
      complain(who, fmt::format("there is no scenario {}; {}", tick(*scenario), suggest(*scenario, names)));
      return exit_bad_usage;
    }
    const auto& one = **found;
    json ? print(who, scenarios::to_json(one)) : print(who, text_of(one, who.program));
    return 0;
  }
  if (json) {
    auto all = nlohmann::json::array();
    for (const auto* each : who.declarations)
      all.push_back(scenarios::to_json(*each));
    print(who, all);
    return 0;
  }
  table all(table::by_content({"scenario", ""}));
  for (const auto* each : who.declarations)
    all.row({each->name, each->summary});
  print(who,
        say("{}\n{} list SCENARIO tells its parameters.\n", all.render(0, text_style::bold), who.program));
  return 0;
}

int schema(const context& who) {
  print(who, scenarios::schema(who.declarations));
  return 0;
}

} // namespace troupe::cli
