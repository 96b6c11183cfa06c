// When a run ends, and with which verdict and reason: one row a way to end.
#include "runner/run/ending.hpp"

#include "tests/support/catch.hpp"

using namespace troupe;
using namespace troupe::scenarios;
using namespace std::chrono_literals;
using finding = stuck_detector::finding;

namespace {

using change = void (*)(run_snapshot&);

/// A run that goes on, and what has happened in it.
run_snapshot with(const std::vector<change>& changes) {
  run_snapshot run;
  run.scenario = "pool";
  run.stall = 10s;
  for (auto* each : changes)
    each(run);
  return run;
}

// What may happen.
void start_fails(run_snapshot& x) { x.start_failed = "no such role"; }
void mistake(run_snapshot& x) { x.mistake = "a type was not registered"; }
void result(run_snapshot& x) { x.has_result = true; }
void late_result(run_snapshot& x) {
  x.has_result = true;
  x.result_in_time = false;
}
void fails(run_snapshot& x) { x.failed = "too few workers"; }
void node_goes(run_snapshot& x) { x.gone = {"w1", "lost: silent"}; }
void survives(run_snapshot& x) { x.needs_all_nodes = false; }
void interrupt(run_snapshot& x) { x.interrupted = true; }
void deadline(run_snapshot& x) { x.deadline_passed = true; }
void not_spawned(run_snapshot& x) { x.left_undone = " before all actors were spawned"; }
void still(run_snapshot& x) { x.standstill = "a waits for b"; }
void told_still(run_snapshot& x) { x.stuck = {finding::still, {{}, "a waits for b"}}; }
void stall(run_snapshot& x) { x.stuck = {finding::stalled, {{}, "a waits for b"}}; }
void deadlock(run_snapshot& x) {
  x.stuck = {finding::deadlock, {{"a waits for b", "b waits for a"}, "a waits for b, b waits for a"}};
}

struct row {
  std::vector<change> happened;
  verdict how;
  std::string reason;
};

} // namespace

TEST_CASE("every way to end has its verdict and its reason", "[run][end]") {
  const std::vector<row> rows{
      {{start_fails}, verdict::check_failed, "start of scenario pool failed: no such role"},
      {{mistake}, verdict::check_failed, "a type was not registered"},
      {{result}, verdict::passed, ""},
      {{fails}, verdict::check_failed, "too few workers"},
      {{fails, node_goes}, verdict::node_lost, "too few workers; node w1 lost: silent"},
      {{fails, node_goes, survives}, verdict::node_lost, "too few workers; node w1 lost: silent"},
      {{node_goes}, verdict::node_lost, "node w1 lost: silent"},
      {{interrupt}, verdict::interrupted, "interrupted"},
      {{deadline}, verdict::deadline, "the deadline passed"},
      {{late_result}, verdict::deadline, "the deadline passed"},
      {{not_spawned}, verdict::deadline, "the deadline passed before all actors were spawned"},
      {{not_spawned, result}, verdict::deadline, "the deadline passed before all actors were spawned"},
      {{deadline, still}, verdict::deadline, "the deadline passed; nothing moved any more: a waits for b"},
      {{stall}, verdict::stalled, "nothing moved for 10s: a waits for b"},
      {{deadlock}, verdict::deadlock, "a waits for b, b waits for a"},
  };
  for (auto& [happened, how, reason] : rows) {
    const auto end = end_of(with(happened));
    CAPTURE(how, reason);
    REQUIRE(end);
    CHECK(end->how == how);
    CHECK(end->reason == reason);
    CHECK(end->cycle.size() == (how == verdict::deadlock ? 2 : 0));
  }
}

TEST_CASE("nothing else ends a run", "[run][end]") {
  CHECK_FALSE(end_of(with({})));
  CHECK_FALSE(end_of(with({node_goes, survives})));
  CHECK_FALSE(end_of(with({still})));
  CHECK_FALSE(end_of(with({told_still})));
}

TEST_CASE("of several ways to end the first in this order counts", "[run][end]") {
  const std::vector<change> order{start_fails, mistake, result, fails, interrupt, deadline, node_goes, stall};
  const std::vector<verdict> verdicts{verdict::check_failed, verdict::check_failed, verdict::passed,
                                      verdict::check_failed, verdict::interrupted,  verdict::deadline,
                                      verdict::node_lost,    verdict::stalled};
  for (std::size_t first = 0; first < order.size(); ++first)
    for (std::size_t second = first + 1; second < order.size(); ++second) {
      if (order[first] == fails && order[second] == node_goes) continue; // the loss explains the failure
      CAPTURE(first, second);
      const auto end = end_of(with({order[first], order[second]}));
      REQUIRE(end);
      CHECK(end->how == verdicts[first]);
      CHECK(end->reason == end_of(with({order[first]}))->reason);
    }
}

TEST_CASE("who waits is told before it ends the run, if it ever does", "[run][end]") {
  const stuck_detector::news news{finding::still, {{}, "a waits for b"}};
  CHECK(standstill_warning(news, 10s)
        == "stalled: a waits for b; unless something moves, the run ends when that has been so for 10s "
           "(topology.stall)");
  CHECK(standstill_warning(news, std::nullopt)
        == "stalled: a waits for b; it goes on waiting, as topology.stall is never");
  for (auto what : {finding::nothing, finding::stalled, finding::deadlock})
    CHECK(standstill_warning({what, news.why}, 10s).empty());
}

TEST_CASE("a launcher that its nodes have lost says that it did not run", "[run][end]") {
  CHECK(own_standstill(2s).empty());
  CHECK(own_standstill(9s) == "; the launcher itself did not run for 9.00 s");
}
