// Declarations and plans for programs.
#include "base/units.hpp"
#include "runner/file/scenario_file.hpp"
#include "runner/plan/plan.hpp"

#include <nlohmann/json.hpp>

namespace troupe::scenarios {
namespace {

std::string_view name_of(parameter_type type) {
  switch (type) {
  case parameter_type::integers:
    return "integers";
  case parameter_type::numbers:
    return "numbers";
  case parameter_type::booleans:
    return "booleans";
  case parameter_type::texts:
    return "texts";
  default:
    return to_string(type);
  }
}

nlohmann::json number_json(double value) {
  if (value == static_cast<double>(static_cast<std::int64_t>(value))) return static_cast<std::int64_t>(value);
  return value;
}

nlohmann::json topology_json(const topology_plan& topology) {
  nlohmann::json json = {{"nodes", topology.nodes},
                         {"endpoint", to_string(topology.endpoint)},
                         {"threads", topology.threads},
                         {"scheduler", to_string(topology.scheduler)},
                         {"cores", to_string(topology.cores)},
                         {"external", topology.external},
                         {"join_timeout", format_duration(topology.join_timeout)},
                         {"stall", topology.stall ? format_duration(*topology.stall) : "never"},
                         {"message_max", topology.message_bytes_max},
                         {"place", topology.place}};
  if (topology.endpoint == endpoint_kind::tcp) json["host"] = topology.host;
  nlohmann::json security = nlohmann::json::object();
  if (topology.security.plaintext) security["plaintext"] = true;
  if (!topology.security.secret_key.empty()) security["secret_key"] = topology.security.secret_key.string();
  if (!topology.security.allowed_clients.empty())
    security["allowed_clients"] = topology.security.allowed_clients;
  if (!security.empty()) json["security"] = std::move(security);
  return json;
}

nlohmann::json expect_json(const expectation& expected) {
  const bool plain = expected.equals && !expected.contains && !expected.at_least && !expected.at_most
                     && !expected.equals->is_object();
  if (plain) return *expected.equals;
  nlohmann::json rule = nlohmann::json::object();
  if (expected.equals) rule["equals"] = *expected.equals;
  if (expected.contains) rule["contains"] = *expected.contains;
  if (expected.at_least) rule["min"] = number_json(*expected.at_least);
  if (expected.at_most) rule["max"] = number_json(*expected.at_most);
  return rule;
}

struct json_visitor {
  nlohmann::json operator()(std::chrono::nanoseconds t) const { return format_duration(t); }
  nlohmann::json operator()(const auto& plain) const { return plain; }
};

} // namespace

nlohmann::json to_json(const parameter_value& value) { return std::visit(json_visitor{}, value); }

nlohmann::json to_json(const declaration& d) {
  auto parameters = nlohmann::json::array();
  for (const auto& p : d.parameters) {
    nlohmann::json json = {
        {"name", p.name}, {"type", name_of(p.type)}, {"help", p.about}, {"expected", describe(p)}};
    if (!p.unit.empty()) json["unit"] = p.unit;
    if (p.fallback) json["default"] = to_json(*p.fallback);
    // Of durations, in seconds.
    if (p.at_least) json["minimum"] = number_json(*p.at_least);
    if (p.at_most) json["maximum"] = number_json(*p.at_most);
    if (!p.choices.empty()) json["choices"] = p.choices;
    parameters.push_back(std::move(json));
  }
  auto roles = nlohmann::json::array();
  for (const auto& r : d.roles)
    roles.push_back({{"name", r.name}, {"place", to_string(r.where)}, {"help", r.about}});
  return {{"name", d.name},
          {"summary", d.summary},
          {"parameters", std::move(parameters)},
          {"roles", std::move(roles)}};
}

nlohmann::json to_json(const plan& what) {
  nlohmann::json json = {{"scenario", what.scenario},
                         {"parameters", nlohmann::json::object()},
                         {"topology", topology_json(what.topology)},
                         {"trace",
                          {{"level", word_of(what.trace.level)},
                           {"bytes_max", what.trace.bytes_max},
                           {"sample", what.trace.sample}}}};
  if (!what.file.empty()) json["file"] = what.file.string();
  if (what.seed_given) json["seed"] = what.seed;
  if (what.deadline) json["deadline"] = format_duration(*what.deadline);
  for (const auto& [name, value] : what.values.all())
    json["parameters"][name] = to_json(value);
  for (const auto& fault : what.faults) {
    nlohmann::json f = {
        {"action", to_string(fault.action)}, {"node", fault.node}, {"at", format_duration(fault.at)}};
    if (fault.lasting.count() > 0) f["lasting"] = format_duration(fault.lasting);
    json["faults"].push_back(std::move(f));
  }
  for (const auto& expected : what.expect)
    json["expect"][expected.path] = expect_json(expected);
  return json;
}

} // namespace troupe::scenarios
