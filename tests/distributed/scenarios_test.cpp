// The five scenarios over real processes, where something goes wrong on purpose.
#include "support/catch.hpp"
#include "support/program.hpp"
#include "support/temporary_directory.hpp"

#include <nlohmann/json.hpp>

#include <random>
#include <set>

using namespace troupe::testing;
namespace fs = std::filesystem;
using nlohmann::json;

namespace {

const fs::path config = CONFIG_DIR;

struct ended_run {
  int code = 0;
  json result; ///< what --json prints
  std::string errors;
};

ended_run run_file(const fs::path& file, const std::vector<std::string>& more) {
  const temporary_directory directory;
  std::vector<std::string> arguments{"run", file.string(), "--json"};
  arguments.insert(arguments.end(), more.begin(), more.end());
  program troupe(TROUPE_PROGRAM, arguments, directory.path());
  ended_run ended;
  ended.code = troupe.wait();
  ended.result = json::parse(troupe.output, nullptr, false);
  ended.errors = troupe.errors;
  INFO(troupe.errors << troupe.output);
  REQUIRE(ended.result.is_object());
  return ended;
}

json check_of(const json& run, const std::string& name) {
  for (const auto& check : run.at("checks"))
    if (check.at("name") == name) return check;
  return {{"passed", false}, {"detail", "there is no such check"}};
}

std::string fault(const std::string& action, std::int64_t at_ms, const std::string& more = {}) {
  return "faults=[{ action = '" + action + "', node = 'w2', at = '" + std::to_string(at_ms) + "ms'" + more
         + " }]";
}

} // namespace

TEST_CASE("a reduction whose node is killed says so, and counts what was not folded", "[reduction]") {
  const auto ended = run_file(config / "reduction_killed.toml", {"--set", "count=1000000000"});
  const auto& run = ended.result;
  INFO(run.dump(2));
  CHECK(ended.code == 4);
  CHECK(run.at("verdict") == "node_lost");
  CHECK(run.at("reason").get<std::string>().starts_with("node w2 lost: "));
  CHECK(check_of(run, "the books balance").at("passed") == true);
  const auto& result = run.at("result");
  CHECK(result.at("complete") == false);
  CHECK(result.at("value").is_null());
  CHECK(result.at("reducers_lost") == 4);
  CHECK(result.at("folded").get<std::int64_t>() > 0);
  CHECK(result.at("folded").get<std::int64_t>() + result.at("left_undone").get<std::int64_t>()
        == 1'000'000'000);
}

TEST_CASE("whenever a node is killed, a reduction gives its value or says which node was lost",
          "[reduction]") {
  const auto seed = std::random_device{}();
  INFO("seed " << seed);
  std::mt19937 random{seed};
  for (int i = 0; i < 6; ++i) {
    const auto at = std::uniform_int_distribution<std::int64_t>{0, 250}(random);
    const auto ended =
        run_file(config / "reduction_killed.toml", {"--set", "count=300000", "--set", fault("kill", at)});
    const auto& run = ended.result;
    INFO("killed at " << at << " ms: " << run.dump(2));
    CHECK(check_of(run, "the books balance").at("passed") == true);
    if (ended.code == 0) {
      CHECK(run.at("result").at("value") == 45'000'150'000);
      continue;
    }
    CHECK(ended.code == 4);
    CHECK(run.at("reason").get<std::string>().starts_with("node w2 "));
    REQUIRE(run.at("result").is_object());
    CHECK(run.at("elapsed_s").get<double>() < 30);
  }
}

TEST_CASE("a node that is halted until it counts as lost is lost for good, and its late results do not count",
          "[worker_pool]") {
  const auto ended = run_file(config / "worker_pool_killed.toml",
                              {"--set", "count=110", "--set", fault("stop", 100, ", lasting = '6s'")});
  const auto& run = ended.result;
  INFO(run.dump(2));
  CHECK(ended.code == 0);
  CHECK(run.at("result").at("redelivered").get<int>() >= 1);
  CHECK(run.at("result").at("duplicates_dropped") == 0);
  std::set<std::size_t> ranks;
  for (const auto& row : run.at("result").at("results"))
    ranks.insert(row.at("rank").get<std::size_t>());
  CHECK(ranks.size() == 110);
  CHECK(check_of(run, "the books balance").at("passed") == true);
  for (const auto& node : run.at("nodes"))
    CHECK(node.at("ended") == (node.at("name") == "w2" ? "exit code 4" : "left"));
}
