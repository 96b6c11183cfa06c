// What a user's program says when its actors throw.
#include "tests/support/catch.hpp"
#include "tests/support/program.hpp"
#include "tests/support/temporary_directory.hpp"
#include "tests/support/text.hpp"

#include <fstream>
#include <nlohmann/json.hpp>

using namespace troupe::testing;
using nlohmann::json;

TEST_CASE("whatever actors throw and print, stdout holds the result alone", "[distributed][failure]") {
  const int nodes = GENERATE(0, 1);
  const temporary_directory directory;
  std::ofstream{directory / "nerves.toml"} << "scenario = \"nerves\"\ndeadline = \"10m\"\n";
  program child(FAILING_CHILD, {"run", "nerves.toml", "--json", "--nodes", std::to_string(nodes)},
                directory.path());
  CHECK(child.wait() == 0);
  INFO(child.errors << child.output);
  const auto result = json::parse(child.output, nullptr, false);
  REQUIRE(result.is_object());
  CHECK(result.at("verdict") == "passed");
  CHECK(result.at("actors_failed_count") == 1);
  const auto node = nodes == 0 ? "main" : "w1";
  CHECK(result.at("actors_failed")
        == json{{{"node", node}, {"actor", "nervous 0"}, {"why", "cannot stand to be poked"}}});
  CHECK(contains(child.errors,
                 std::string{"actor nervous 0 on "} + node + " failed: cannot stand to be poked"));
  CHECK(contains(child.errors, "an actor says hello on stdout"));
  program check(FAILING_CHILD, {"trace", "check"}, directory.path());
  CHECK(check.wait() == 1);
  CHECK(contains(check.output, "actor_failed"));
  CHECK(contains(check.output, "failed: cannot stand to be poked"));
}
