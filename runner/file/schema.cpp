// JSON Schema of scenario files, for editors and for programs that write them.
#include "base/units.hpp"
#include "runner/file/checks.hpp"
#include "runner/file/scenario_file.hpp"

#include <cmath>
#include <span>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace troupe::scenarios {
namespace {

using nlohmann::json;

constexpr const char* duration_pattern =
    R"(^\s*(\d+(\.\d+)?\s*d)?\s*(\d+(\.\d+)?\s*h)?\s*(\d+(\.\d+)?\s*m)?\s*(\d+(\.\d+)?\s*s)?\s*(\d+(\.\d+)?\s*ms)?\s*(\d+(\.\d+)?\s*(us|µs))?\s*(\d+\s*ns)?\s*$)";

json reference(const std::string& name) { return {{"$ref", "#/$defs/" + name}}; }

/// Any value may be a text with ${VAR} in it, whatever it is read as.
json or_variable(json typed) {
  return {{"anyOf", json::array({std::move(typed), reference("with_variable")})}};
}

json number_json(double value) {
  if (std::abs(value) < 9e15 && value == double(std::int64_t(value))) return std::int64_t(value);
  return value;
}

json single(const parameter& p, parameter_type type) {
  json s;
  switch (type) {
  case parameter_type::boolean:
    return {{"type", "boolean"}};
  case parameter_type::duration:
    return reference("duration");
  case parameter_type::choice:
    return {{"enum", p.choices}};
  case parameter_type::text:
    // The loader counts bytes, the schema characters: never more of them.
    return {{"type", "string"}, {"maxLength", p.length_max}};
  case parameter_type::integer:
    s = {{"type", "integer"}};
    break;
  default:
    s = {{"type", "number"}};
    break;
  }
  if (p.at_least) s["minimum"] = number_json(*p.at_least);
  if (p.at_most) s["maximum"] = number_json(*p.at_most);
  return s;
}

json list_of(json element, std::size_t length_max) {
  return {{"type", "array"}, {"maxItems", length_max}, {"items", or_variable(std::move(element))}};
}

json schema_of(const parameter& p) {
  json s;
  switch (p.type) {
  case parameter_type::integers:
    s = list_of(single(p, parameter_type::integer), p.length_max);
    break;
  case parameter_type::numbers:
    s = list_of(single(p, parameter_type::number), p.length_max);
    break;
  case parameter_type::booleans:
    s = list_of(single(p, parameter_type::boolean), p.length_max);
    break;
  case parameter_type::texts:
    s = list_of(single(p, parameter_type::text), p.length_max);
    break;
  default:
    s = single(p, p.type);
    break;
  }
  s = or_variable(std::move(s));
  s["description"] = (p.about.empty() ? "" : p.about + "; ") + describe(p);
  if (p.fallback) s["default"] = to_json(*p.fallback);
  return s;
}

json closed_object(json properties) {
  return {{"type", "object"}, {"additionalProperties", false}, {"properties", std::move(properties)}};
}

json described(json s, const char* text) {
  s["description"] = text;
  return s;
}

json integer_between(std::int64_t low, std::int64_t high) {
  return or_variable({{"type", "integer"}, {"minimum", low}, {"maximum", high}});
}

json words(std::span<const std::string_view> list) { return or_variable({{"enum", json(list)}}); }

json texts(std::size_t count_max) {
  return or_variable({{"type", "array"}, {"maxItems", count_max}, {"items", {{"type", "string"}}}});
}

json topology_schema() {
  json place = {{"type", "object"},
                {"description", "where the actors of each role live; its keys are the scenario's roles"},
                {"additionalProperties", reference("place")}};
  json security = closed_object(
      {{"plaintext", described(or_variable({{"type", "boolean"}}), "allow tcp beyond loopback without keys")},
       {"secret_key", described({{"type", "string"}}, "file with this node's secret key")},
       {"allowed_clients", described(texts(file::clients_max), "public keys (Z85) that may join")}});
  return closed_object(
      {{"nodes",
        described(integer_between(0, file::nodes_max), "worker processes; 0: everything in one process")},
       {"endpoint", described(words(endpoint_words), "how the processes are connected")},
       {"host",
        described({{"type", "string"}, {"default", "127.0.0.1"}}, "where the launcher listens on tcp")},
       {"threads", described(integer_between(0, file::threads_max),
                             "scheduler threads a node; 0: one for each core that it may use, at least two")},
       {"scheduler", described(words(scheduler_words), "seeded: one thread, virtual time, one process")},
       {"cores", described(words(cores_words), "split: each node that the run starts gets its part of them")},
       {"external", described(texts(std::size_t(file::nodes_max)), "names of nodes that join by hand")},
       {"join_timeout", described(reference("duration"), "how long each node may take to join")},
       {"stall", described({{"anyOf", {reference("duration"), {{"enum", {"never"}}}}}, {"default", "10s"}},
                           "how long nothing may move, without anybody known who could change that")},
       {"message_max", described({{"type", {"integer", "string"}}, {"default", "16MiB"}},
                                 "the largest message between two nodes, 64KiB to 1GiB")},
       {"place", std::move(place)},
       {"security", std::move(security)}});
}

json fault_schema() {
  auto fault =
      closed_object({{"action", words(fault_words)},
                     {"node", described({{"type", "string"}}, "w1 to wN; for cut also an external node")},
                     {"at", described(reference("duration"), "after the start of the run")},
                     {"lasting", described(reference("duration"), "of stop: resumed after this")}});
  fault["required"] = {"action", "node", "at"};
  return fault;
}

json trace_schema() {
  return closed_object({{"level", described(words(level_words), "how much is recorded")},
                        {"bytes_max", described({{"type", {"integer", "string"}}, {"default", "4GiB"}},
                                                "largest trace of a node")},
                        {"sample", described({{"type", {"number", "string"}}, {"default", 1.0}},
                                             "share of the causal trees that is recorded")}});
}

json definitions() {
  json rule = closed_object({{"equals", true},
                             {"min", {{"type", {"number", "string"}}}},
                             {"max", {{"type", {"number", "string"}}}},
                             {"contains", true}});
  rule["minProperties"] = 1;
  return {
      {"with_variable",
       {{"type", "string"},
        {"pattern", R"(\$\{)"},
        {"description", "a text with ${VAR}, ${VAR:-default} or ${VAR:?message}"}}},
      {"duration", or_variable({{"type", "string"}, {"pattern", duration_pattern}, {"minLength", 2}})},
      {"place",
       {{"anyOf",
         {{{"type", "string"}, {"description", "a node, or main, workers or all"}},
          {{"type", "array"}, {"minItems", 1}, {"uniqueItems", true}, {"items", {{"type", "string"}}}}}}}},
      {"rule", std::move(rule)}};
}

/// What one scenario's name says of the rest of the file.
json rules_of(const declaration& d) {
  json roles = json::object();
  for (const auto& r : d.roles) {
    roles[r.name] = reference("place");
    roles[r.name]["default"] = to_string(r.where);
    if (!r.about.empty()) roles[r.name]["description"] = r.about;
  }
  json then = {{"parameters", reference("parameters_of_" + d.name)},
               {"topology", {{"properties", {{"place", closed_object(std::move(roles))}}}}}};
  return {{"if", {{"required", {"scenario"}}, {"properties", {{"scenario", {{"const", d.name}}}}}}},
          {"then", {{"properties", std::move(then)}}}};
}

} // namespace

json schema(const std::vector<const declaration*>& known) {
  json names = json::array(), rules = json::array(), definitions_of_all = definitions();
  std::string about = "which scenario is run";
  for (const auto* d : known) {
    names.push_back(d->name);
    about += fmt::format("{} {}: {}", names.size() == 1 ? "." : ";", d->name, d->summary);
    json parameters = json::object();
    for (const auto& p : d->parameters)
      parameters[p.name] = schema_of(p);
    auto& of_one = definitions_of_all["parameters_of_" + d->name] = closed_object(std::move(parameters));
    of_one["description"] = d->summary;
    rules.push_back(rules_of(*d));
  }
  json root = closed_object(
      {{"scenario", {{"anyOf", {{{"enum", names}}, reference("with_variable")}}, {"description", about}}},
       {"seed",
        {{"anyOf", {{{"type", "integer"}, {"minimum", 0}}, {{"type", "string"}}}},
         {"description", "makes a run repeatable; drawn when it is not given"}}},
       {"deadline", described(reference("duration"), "the run fails when it takes longer")},
       {"parameters", {{"type", "object"}, {"description", "of the scenario"}}},
       {"topology", described(topology_schema(), "the processes and who lives where")},
       {"faults",
        {{"type", "array"},
         {"maxItems", file::faults_max},
         {"items", fault_schema()},
         {"description", "what goes wrong on purpose"}}},
       {"trace", described(trace_schema(), "what is recorded")},
       {"expect",
        {{"type", "object"},
         {"description", "what the run must show: a path into result.json = a value, or "
                         "{ equals, min, max, contains }"}}}});
  root["$schema"] = "https://json-schema.org/draft/2020-12/schema";
  root["title"] = "scenario file";
  root["required"] = {"scenario"};
  root["$defs"] = std::move(definitions_of_all);
  if (!rules.empty()) root["allOf"] = std::move(rules);
  return root;
}

} // namespace troupe::scenarios
