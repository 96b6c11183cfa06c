// `troupe check`, `list` and `schema`: tell, and start nothing.
#include "cli/commands.hpp"
#include "cli/console.hpp"
#include "cli/table.hpp"
#include "scenarios/file/mistakes.hpp"
#include "scenarios/json_text.hpp"
#include "scenarios/obstacles.hpp"

#include <algorithm>
#include <cstdio>
#include <fmt/format.h>
#include <fmt/ranges.h>

namespace troupe::cli {
namespace {

using scenarios::declaration;
using scenarios::parameter;
using scenarios::parameter_type;

void print_json(const nlohmann::json& value) { print(scenarios::json_text(value, 2) + '\n'); }

std::string heading(std::string_view text, bool colour) {
  return colour ? fmt::format("\x1b[1m{}\x1b[0m\n", text) : fmt::format("{}\n", text);
}

std::string range_of(const parameter& p) {
  if (!p.choices.empty()) return fmt::format("{}", fmt::join(p.choices, " | "));
  const auto* unit = p.type == parameter_type::duration ? " s" : "";
  if (p.at_least && p.at_most) return fmt::format("{} to {}{}", *p.at_least, *p.at_most, unit);
  if (p.at_least) return fmt::format("from {}{}", *p.at_least, unit);
  if (p.at_most) return fmt::format("up to {}{}", *p.at_most, unit);
  return {};
}

void print_one(const declaration& one, const std::string& program, bool colour) {
  fmt::print("{}: {}\n\n", one.name, one.summary);
  table parameters({"parameter", "type", "unit", "default", "range", ""});
  for (const auto& p : one.parameters)
    parameters.row({p.name, std::string(to_string(p.type)), p.unit,
                    p.fallback ? scenarios::to_text(*p.fallback) : "-", range_of(p), p.about});
  if (parameters.size() > 0) fmt::print("{}\n", parameters.text(colour));
  table roles({"role", "lives on", ""});
  for (const auto& r : one.roles)
    roles.row({r.name, std::string(to_string(r.where)), r.about});
  if (roles.size() > 0) fmt::print("{}\n", roles.text(colour));
  fmt::print("A file for it starts with:  scenario = \"{}\"\nSet a parameter for one run:  {} run FILE --set "
             "NAME=VALUE\n",
             one.name, program);
}

std::string seconds_text(std::chrono::nanoseconds time) {
  return fmt::format("{:g} s", std::chrono::duration<double>(time).count());
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

void print_plan(const scenarios::plan& plan, bool colour) {
  fmt::print("{}: nothing wrong\n\n", plan.file.string());
  fmt::print("scenario  {}\nnodes     {}\nseed      {}\ndeadline  {}\ntrace     {}\n\n", plan.scenario,
             nodes_text(plan.topology), plan.seed_given ? std::to_string(plan.seed) : "drawn at the start",
             plan.deadline ? seconds_text(*plan.deadline) : "none", scenarios::word_of(plan.trace.level));
  table values({"parameter", "value"});
  for (const auto& [name, value] : plan.values.all())
    values.row({name, shortened(scenarios::to_text(value), 100)});
  if (values.size() > 0) fmt::print("{}\n", values.text(colour));
  table places({"role", "on"});
  for (const auto& [role, nodes] : plan.topology.place)
    places.row({role, fmt::format("{}", fmt::join(nodes, ", "))});
  if (places.size() > 0) fmt::print("{}", places.text(colour));
  const auto plan_json = scenarios::to_json(plan);
  for (const auto* part : {"faults", "expect"})
    if (plan_json.contains(part) && !plan_json[part].empty()) {
      fmt::print("\n{}", heading(part, colour));
      for (const auto& entry : plan_json[part])
        fmt::print("{}\n", scenarios::json_text(entry));
    }
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
    if (arguments.json) print_json({{"mistakes", mistakes_json(loaded.mistakes)}});
    return tell_mistakes(who, loaded.mistakes);
  }
  if (arguments.json)
    print_json(scenarios::to_json(*loaded.result));
  else
    print_plan(*loaded.result, wants_colour(1));
  // The plan may be for another machine.
  for (const auto& each : scenarios::obstacles(loaded.result->topology))
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
      complain(who, fmt::format("there is no scenario {}; {}", scenarios::file::tick(*scenario),
                                scenarios::file::suggest(*scenario, names)));
      return exit_bad_usage;
    }
    json ? print_json(scenarios::to_json(**found)) : print_one(**found, who.program, wants_colour(1));
    return 0;
  }
  if (json) {
    auto all = nlohmann::json::array();
    for (const auto* each : who.declarations)
      all.push_back(scenarios::to_json(*each));
    print_json(all);
    return 0;
  }
  table all({"scenario", ""});
  for (const auto* each : who.declarations)
    all.row({each->name, each->summary});
  fmt::print("{}\n{} list SCENARIO tells its parameters.\n", all.text(wants_colour(1)), who.program);
  return 0;
}

int schema(const context& who) {
  print_json(scenarios::schema(who.declarations));
  return 0;
}

} // namespace troupe::cli
