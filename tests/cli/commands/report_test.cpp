#include "tests/support/catch.hpp"
#include "tests/support/text.hpp"

#include "cli/commands/commands.hpp"
#include "cli/commands/report.hpp"

using namespace troupe;
using cli::render;
using cli::render_result;
using nlohmann::json;
using troupe::testing::contains;

namespace {

scenarios::outcome some_run() {
  scenarios::outcome run;
  run.scenario = "worker_pool";
  run.result = {{"tasks", 2}};
  run.nodes = {{"main", 1, 2, "left"}, {"w1", 3, 4, "killed by SIGKILL"}};
  run.checks = {{"each task once", true, "2 of 2"}, {"none left", false, "1 is left"}};
  run.messages.sent = 10;
  run.messages.handled = 7;
  run.messages.dead_lettered = 1;
  run.lost = 2;
  run.elapsed_s = 0.25;
  run.run_dir = "runs/x";
  return run;
}

} // namespace

TEST_CASE("lists of objects become tables, all else lines", "[cli]") {
  const json result{
      {"sum", 42},
      {"nested", {{"share", 0.5}}},
      {"values", {1, 2, 3}},
      {"rows", {{{"worker", "a"}, {"busy_s", 1.5}}, {{"worker", "b"}, {"busy_s", nullptr}, {"ok", true}}}}};
  CHECK(render_result(result).plain()
        == "rows\n"
           "worker  busy_s  ok\n"
           "a       1.5\n"
           "b       -       true\n"
           "\n"
           "nested.share  0.5\n"
           "sum           42\n"
           "values        1, 2, 3\n");
}

TEST_CASE("long tables and lists say how much is not shown, and where it is", "[cli]") {
  json rows = json::array();
  for (int i = 0; i < 1000; ++i)
    rows.push_back({{"i", i}});
  const auto text = render_result({{"rows", rows}, {"list", std::vector<int>(100, 7)}}).plain();
  CHECK(contains(text, "\u2026 980 more, see result.json\n"));
  CHECK(contains(text, "\u2026 84 more, see result.json\n"));
  CHECK_FALSE(contains(text, "999"));
}

TEST_CASE("lists that are cut in the result say where all of them are", "[cli]") {
  const json cut{{"shown", 1}, {"of", 1'000'000}, {"all_in", "rows.jsonl"}};
  CHECK(render_result({{"rows", {{{"i", 7}}}}, {"rows_cut", cut}, {"list", {1}}, {"list_cut", cut}}).plain()
        == "rows\ni\n7\n\u2026 999999 more, see rows.jsonl\n\n"
           "list  1, \u2026 999999 more, see rows.jsonl\n");
  CHECK(render_result({{"short_cut", 7}}).plain() == "short_cut  7\n");
}

TEST_CASE("results of any shape are shown and harm no terminal", "[cli]") {
  CHECK(render_result(json()).plain().empty());
  CHECK(render_result(json::object()).plain().empty());
  CHECK(render_result(7).plain() == "result  7\n");
  CHECK(render_result(json::array()).plain() == "result\n");
  CHECK(render_result({{"text", "a\nb\x1b[2J"}}).plain() == "text  a\\nb\\x1b[2J\n");
  CHECK(render_result({{"bad", "\xff"}}).plain() == "bad  \\xff\n");
}

TEST_CASE("the verdict is the last line, with the reason", "[cli]") {
  auto run = some_run();
  run.result_verdict = scenarios::verdict::check_failed;
  run.reason = "1 check failed";
  const auto text = render(run).plain();
  const auto last = text.substr(text.rfind('\n', text.size() - 2) + 1);
  CHECK(last
        == std::string(to_string(run.result_verdict))
               + ": worker_pool in 0.25 s; 1 check failed; see runs/x\n");
  CHECK(contains(text, "ok    each task once  2 of 2\n"));
  CHECK(contains(text, "FAIL  none left       1 is left\n"));
  CHECK(contains(text, "w1      3  killed by SIGKILL\n"));
  CHECK_FALSE(contains(text, "\x1b"));
  CHECK(contains(render(run).text(true), "\x1b[31mFAIL\x1b[0m"));
  std::erase_if(run.checks, [](const auto& check) { return !check.passed; });
  CHECK(contains(render(run).plain(), "ok    each task once  2 of 2\n"));
}

TEST_CASE("a result that could not be kept is not looked for, and the exit code is not 0", "[cli]") {
  auto run = some_run();
  CHECK(cli::exit_code_of(run) == 0);
  run.not_kept = "cannot write runs/x/result.json: No space left on device";
  CHECK(render(run).plain().ends_with("passed: worker_pool in 0.25 s; the result could not be kept\n"));
  CHECK(cli::exit_code_of(run) == 2);
  run.result_verdict = scenarios::verdict::deadlock; // the verdict's own code says more
  CHECK(cli::exit_code_of(run) == 3);
}

TEST_CASE("books that do not balance are told with the difference", "[cli]") {
  auto run = some_run();
  CHECK(
      contains(render(run).plain(),
               "sent 10 = handled 7 + dropped 0 + dead-lettered 1 + lost in crashes 2: the books balance\n"));
  run.messages.sent = 12;
  CHECK(contains(render(run).plain(), "2 unaccounted for"));
  run.messages.dropped[static_cast<std::size_t>(trace::drop_reason::queue_full)] = 2;
  CHECK(contains(render(run).plain(), "the books balance\ndropped 2: queue_full\n"));
}
