// The JSON Schema and the JSON forms of declarations and plans.
#include "tests/runner/fixture.hpp"

#include "tests/support/catch.hpp"

#include <algorithm>
#include <functional>

#include <nlohmann/json.hpp>

using namespace scenario_tests;
using nlohmann::json;

TEST_CASE("the schema names every parameter with type, default, range and help", "[scenarios][schema]") {
  const auto s = schema({&pool(), &echo()});
  CHECK(s["$schema"] == "https://json-schema.org/draft/2020-12/schema");
  CHECK(s["required"] == json::array({"scenario"}));
  CHECK(s["additionalProperties"] == false);
  CHECK(s["properties"]["scenario"]["anyOf"][0]["enum"] == json::array({"worker_pool", "echo_server"}));
  const auto& parameters = s["$defs"]["parameters_of_worker_pool"];
  CHECK(parameters["additionalProperties"] == false);
  REQUIRE(parameters["properties"].size() == pool().parameters.size());
  const auto& workers = parameters["properties"]["workers"];
  CHECK(workers["anyOf"][0] == json{{"type", "integer"}, {"minimum", 1}, {"maximum", 10'000}});
  CHECK(workers["anyOf"][1] == json{{"$ref", "#/$defs/with_variable"}});
  CHECK(workers["default"] == 4);
  CHECK(workers["description"] == "how many; an integer from 1 to 10000");
  CHECK(parameters["properties"]["task"]["anyOf"][0]["enum"] == json::array({"is_prime", "factors"}));
  CHECK(parameters["properties"]["inputs"]["anyOf"][0]["maxItems"] == 100'000);
  CHECK(parameters["properties"]["time_out"]["default"] == "5s");
  CHECK_FALSE(parameters["properties"]["limit"].contains("default"));
}

TEST_CASE("the schema knows each scenario's own parameters and roles", "[scenarios][schema]") {
  const auto s = schema({&pool(), &echo()});
  REQUIRE(s["allOf"].size() == 2);
  CHECK(s["allOf"][1]["if"]["properties"]["scenario"]["const"] == "echo_server");
  const auto& then = s["allOf"][0]["then"]["properties"];
  CHECK(then["parameters"]["$ref"] == "#/$defs/parameters_of_worker_pool");
  const auto& place = then["topology"]["properties"]["place"];
  CHECK(place["additionalProperties"] == false);
  CHECK(place["properties"]["worker"]["default"] == "workers");
  CHECK(place["properties"].size() == 3);
}

TEST_CASE("every key that the loader knows is in the schema", "[scenarios][schema]") {
  const auto properties = schema({&pool()})["properties"];
  const auto keys_of = [](const json& object) {
    std::vector<std::string> keys;
    for (const auto& [key, value] : object.items())
      keys.push_back(key);
    return keys;
  };
  // An unknown key is answered with the known ones: what the loader says is compared.
  const auto known_to_loader = [](const std::string& header) {
    auto text = mistakes_of(header + "\nzzzzzzzzzz = 1\n");
    const auto at = text.find("known here: ");
    INFO(text);
    REQUIRE(at != std::string::npos);
    text = text.substr(at + 12, text.find('\n', at) - at - 12);
    std::vector<std::string> keys;
    for (std::size_t comma = 0; comma != std::string::npos;) {
      comma = text.find(", ");
      keys.push_back(text.substr(0, comma));
      if (comma != std::string::npos) text = text.substr(comma + 2);
    }
    std::sort(keys.begin(), keys.end());
    return keys;
  };
  CHECK(known_to_loader("") == keys_of(properties));
  CHECK(known_to_loader("[topology]") == keys_of(properties["topology"]["properties"]));
  CHECK(known_to_loader("[topology.security]")
        == keys_of(properties["topology"]["properties"]["security"]["properties"]));
  CHECK(known_to_loader("[trace]") == keys_of(properties["trace"]["properties"]));
  CHECK(known_to_loader("[[faults]]\naction='kill'\nnode='w1'\nat='1s'\n[topology]\nnodes=1\n[[faults]]")
        == keys_of(properties["faults"]["items"]["properties"]));
}

TEST_CASE("a declaration as JSON holds what `troupe list` shows", "[scenarios][schema]") {
  const auto d = to_json(pool());
  CHECK(d["name"] == "worker_pool");
  CHECK(d["roles"][1] == json{{"name", "worker"}, {"place", "workers"}, {"help", "works"}});
  CHECK(d["parameters"][2]
        == json{{"name", "workers"},
                {"type", "integer"},
                {"default", 4},
                {"minimum", 1},
                {"maximum", 10'000},
                {"help", "how many"},
                {"expected", "an integer from 1 to 10000"}});
  CHECK(d["parameters"][4]["unit"] == "tasks");
  CHECK(d["parameters"][4]["expected"] == "an integer (tasks)");
  CHECK_FALSE(d["parameters"][4].contains("default"));
  CHECK(d["parameters"][5]["default"] == "5s");
  CHECK(d["parameters"][5]["minimum"] == 0.001);
}

TEST_CASE("a plan as JSON is a scenario file that loads to the same plan", "[scenarios][schema]") {
  const auto first = load_text(R"(scenario = "worker_pool"
seed = 18
deadline = "1m0.5s"
[parameters]
inputs = [3, 1]
names = ["a b"]
[topology]
nodes = 2
external = ["py"]
place.worker = ["w2"]
[[faults]]
action = "stop"
node = "w1"
at = "1ms"
lasting = "2s"
[expect]
verdict = "passed"
result.sum = { min = 1.5, max = 3, contains = "x" }
result.last = { equals = { a = 1 } }
)");
  INFO(told(first));
  REQUIRE(first.result);
  auto as_json = to_json(*first.result);
  CHECK(as_json["file"] == "pool.toml");
  CHECK(as_json["deadline"] == "1m500ms");
  as_json.erase("file");
  // JSON's values, arrays and inline objects are TOML but for `:`.
  std::string text;
  for (const auto& [key, value] : as_json.items()) {
    std::function<std::string(const json&)> toml = [&](const json& v) -> std::string {
      std::string out;
      if (v.is_object()) {
        for (const auto& [k, inner] : v.items())
          out += (out.empty() ? "{" : ", ") + ("\"" + k + "\" = ") + toml(inner);
        return out.empty() ? "{}" : out + "}";
      }
      if (!v.is_array()) return v.dump();
      for (const auto& inner : v)
        out += (out.empty() ? "[" : ", ") + toml(inner);
      return out.empty() ? "[]" : out + "]";
    };
    if (key == "expect") {
      text += "[expect]\n";
      for (const auto& [path, rule] : value.items())
        text += "\"" + path + "\" = " + toml(rule) + "\n";
    } else {
      text = key + " = " + toml(value) + "\n" + text;
    }
  }
  const auto second = load_text(text);
  INFO(text << told(second));
  REQUIRE(second.result);
  CHECK(to_json(*second.result) == to_json(*first.result));
}
