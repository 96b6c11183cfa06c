// Scenario files from anybody: a plan or mistakes, never anything else. Behind a byte
// 0x01 follow arguments of --set.
#include "runner/file/scenario_file.hpp"
#include "runner/run/expectations.hpp"
#include "runner/toml/source.hpp"

#include <cstdlib>
#include <iostream>
#include <nlohmann/json.hpp>

using namespace troupe;
using namespace troupe::scenarios;
using namespace std::chrono_literals;

namespace {

const declaration& pool() {
  static const declaration made = [] {
    declaration d;
    d.name = "worker_pool";
    d.choice("task", {"is_prime", "factors"}, "is_prime");
    d.integers("inputs").range(-10, 1e15).length(1'000);
    d.integer("workers", 4).range(1, 10'000);
    d.integer("limit", 0).optional();
    d.duration("time_out", 5s).range(0.001, 3'600);
    d.boolean("slices", true);
    d.number("ratio", 0.5).range(0, 1);
    d.text("title", "primes").length(40);
    d.texts("names").length(8);
    d.booleans("flags");
    d.numbers("weights").range(0, 10).length(4);
    d.roles = {{"coordinator", placement::main, ""},
               {"worker", placement::workers, ""},
               {"logger", placement::all, ""}};
    return d;
  }();
  return made;
}

const declaration& echo() {
  static const declaration made = [] {
    declaration d;
    d.name = "echo_server";
    d.text("greeting", "");
    return d;
  }();
  return made;
}

std::optional<std::string> variable(const std::string& name) {
  if (name == "A") return "1";
  if (name == "B") return "[1, 2]";
  if (name == "C") return "factors";
  if (name == "E") return "";
  if (name == "X") return "\xff";
  return std::nullopt;
}

void require(bool holds, const char* what) {
  if (holds) return;
  std::cerr << "broken promise: " << what << '\n';
  std::abort();
}

bool is_clean(const std::string& text) {
  for (char c : text)
    if (static_cast<unsigned char>(c) < 0x20 && c != '\n') return false;
  return find_invalid_utf8(text) == std::string::npos;
}

void check_mistakes(const std::vector<diagnostic>& mistakes) {
  require(mistakes.size() <= 51, "the number of mistakes is bounded");
  for (const auto& d : mistakes) {
    require(!d.message.empty() && d.width >= 1, "a mistake has a message and a width");
    require(d.message.size() + d.help.size() < 5'000, "messages are bounded");
    require(d.column <= code_points(d.text) + 1, "a caret stands in its line or just behind it");
    const auto shown = render(d).plain();
    require(is_clean(shown), "what is shown is clean UTF-8");
    require(shown.size() < 12'000, "what is shown is bounded");
  }
}

void check_plan(const plan& p) {
  const auto json = to_json(p);
  require(!json.dump().empty(), "a plan is JSON");
  const bool is_pool = p.scenario == "worker_pool";
  require(p.topology.place.size() == (is_pool ? 3 : 0), "every role has a place");
  for (const auto& [role, nodes] : p.topology.place)
    require(!nodes.empty(), "no place is empty");
  if (is_pool) {
    require(p.values.integer("workers") >= 1 && p.values.integer("workers") <= 10'000, "ranges hold");
    require(p.values.number("ratio") >= 0 && p.values.number("ratio") <= 1, "ranges hold");
    require(p.values.text("title").size() <= 40, "lengths hold");
    require(p.values.get<std::vector<double>>("weights").size() <= 4, "lengths hold");
  }
  require(!p.deadline || *p.deadline > 0s, "a deadline lies ahead");
  require(evaluate(p.expect, json).size() == p.expect.size(), "each expectation is one check");
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::string_view rest(reinterpret_cast<const char*>(data), size);
  const auto take = [&] {
    const auto end = rest.find('\x01');
    const auto part = rest.substr(0, end);
    rest.remove_prefix(end == std::string_view::npos ? rest.size() : end + 1);
    return part;
  };
  const auto text = take();
  overrides over;
  while (!rest.empty() && over.set.size() < 8)
    over.set.emplace_back(take());
  const auto result = parse(text, "fuzzed.toml", {&pool(), &echo()}, over, variable);
  require(result.result.has_value() == result.mistakes.empty(), "either a plan or mistakes");
  check_mistakes(result.mistakes);
  if (result.result) check_plan(*result.result);
  return 0;
}
