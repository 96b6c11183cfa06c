// What [expect] makes of a result.
#include "runner/run/expectations.hpp"
#include "tests/runner/fixture.hpp"

#include "tests/support/catch.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>

using namespace scenario_tests;

namespace {

const nlohmann::json& result() {
  static const auto made = nlohmann::json::parse(R"({
    "scenario": "worker_pool", "verdict": "passed", "elapsed_s": 1.25,
    "result": {"sum": 23, "ratio": 0.5, "primes": [2, 101, 193], "big": 340000000018080, "none": null,
               "results": [{"input": 2, "output": true}, {"input": 36, "output": false}],
               "per_worker": {"w1.worker-1": {"tasks": 5}}},
    "messages": {"sent": 40, "dropped": {"mailbox closed": 1}}, "nodes": []})");
  return made;
}

check checked(const std::string& line) {
  const auto l = load_text("scenario = 'worker_pool'\n[expect]\n" + line + "\n");
  INFO(told(l));
  REQUIRE(l.result);
  REQUIRE(l.result->expect.size() == 1);
  const auto checks = evaluate(l.result->expect, result());
  REQUIRE(checks.size() == 1);
  return checks[0];
}

void passes(const std::string& line) {
  const auto c = checked(line);
  INFO(line << ": " << c.detail);
  CHECK(c.passed);
}

void fails(const std::string& line, const std::string& detail) {
  const auto c = checked(line);
  INFO(line);
  CHECK_FALSE(c.passed);
  CHECK(c.detail == detail);
}

} // namespace

TEST_CASE("an expectation of what a result does not show says so", "[scenarios][expect]") {
  const auto l =
      load_text("scenario = 'worker_pool'\n[expect]\nresult.rows.7 = 1\n'result.rows' = { contains = 9 }\n"
                "result.rows.0 = 1\n");
  REQUIRE(l.result);
  const auto checks = evaluate(
      l.result->expect,
      {{"result", {{"rows", {1, 2}}, {"rows_cut", {{"shown", 2}, {"of", 9}, {"all_in", "rows.jsonl"}}}}}});
  REQUIRE(checks.size() == 3);
  for (const auto& each : checks)
    CHECK((each.passed || each.detail.ends_with("; `result.rows` shows 2 of 9, all are in \"rows.jsonl\"")));
  CHECK(std::count_if(checks.begin(), checks.end(), [](const check& each) { return each.passed; }) == 1);
}

TEST_CASE("expectations that hold pass, whatever their kind", "[scenarios][expect]") {
  passes("verdict = 'passed'");
  passes("result.sum = 23");
  passes("result.sum = 23.0");
  passes("'result.sum' = 23");
  passes("result.big = 340000000018080");
  passes("result.ratio = 0.5");
  passes("result.primes = [2, 101, 193]");
  passes("result.primes.1 = 101");
  passes("result.results.1.output = false");
  passes("result.per_worker.'w1.worker-1'.tasks = 5");
  passes("result.per_worker.w1.worker-1.tasks = 5");
  passes("messages.dropped.'mailbox closed' = 1");
  passes("nodes = []");
  passes("elapsed_s = { min = 1, max = 1.25 }");
  passes("elapsed_s = { equals = 1.25 }");
  passes("result.results.0 = { equals = { input = 2, output = true } }");
  passes("result.primes = { contains = 101 }");
  passes("result.results = { contains = { input = 36 } }");
  passes("verdict = { contains = 'ass' }");
  passes("messages = { contains = 'sent' }");
  CHECK(checked("result.sum = 23").detail == "found 23");
  CHECK(checked("elapsed_s = { min = 1, max = 10 }").name == "expect elapsed_s >= 1 and <= 10");
  CHECK(checked("verdict = 'passed'").name == "expect verdict = \"passed\"");
}

TEST_CASE("expectations that do not hold say what was found and what was expected", "[scenarios][expect]") {
  fails("verdict = 'deadlock'", R"(found "passed", expected "deadlock")");
  fails("result.sum = 24", "found 23, expected 24");
  fails("result.sum = '23'", R"(found 23, expected "23")");
  fails("result.big = 340000000018081", "found 340000000018080, expected 340000000018081");
  fails("elapsed_s = { min = 2 }", "found 1.25, expected at least 2");
  fails("elapsed_s = { max = 1 }", "found 1.25, expected at most 1");
  fails("verdict = { max = 1 }", R"(found "passed", expected a number, not a text)");
  fails("result.none = { max = 1 }", "found null, expected a number, not null");
  fails("result.primes = [2, 101]", "found [2,101,193], expected [2,101] (3 elements instead of 2)");
  fails("result.primes = [2, 101, 197]",
        "found [2,101,193], expected [2,101,197] (element 2 is 193 instead of 197)");
  fails("result.primes = { contains = 5 }", "found [2,101,193], expected it to contain 5");
  fails("result.sum = { contains = 5 }", "found 23, expected it to contain 5, but a number contains nothing");
  fails(
      "result.results = { contains = { input = 36, output = true } }",
      R"(found [{"input":2,"output":true},{"input":36,"output":false}], expected it to contain {"input":36,"output":true})");
}

TEST_CASE("a path that leads nowhere fails with the nearest one", "[scenarios][expect]") {
  fails("result.sume = 23", "there is no `result.sume` in the result; did you mean `result.sum`?");
  fails("sum = 23", "there is no `sum` in the result; did you mean `result.sum`?");
  fails("verdikt = 'passed'", "there is no `verdikt` in the result; did you mean `verdict`?");
  fails("result.primes.3 = 2",
        "there is no `result.primes.3` in the result; `result.primes` is a list of 3, numbered from 0");
  fails("result.sum.of.all.things = 2",
        "there is no `result.sum.of.all.things` in the result; `result.sum` is a number");
  fails("messages.quite_another = 2",
        "there is no `messages.quite_another` in the result; `messages` has dropped, sent");
  CHECK_FALSE(evaluate({{"a", 1, {}, {}, {}}}, nlohmann::json()).at(0).passed);
}
