// Who of a run's nodes is awaited, there or gone, and how each ended.
#include "runner/run/node_roster.hpp"

#include "tests/support/catch.hpp"

using namespace troupe;
using namespace troupe::scenarios;
using namespace std::chrono_literals;

namespace {

constexpr node_roster::time_point start{1h};

/// "w1 7 1 left": name, pid, incarnation, how it ended.
std::string text_of(const node_report& x) {
  return x.name + ' ' + std::to_string(x.pid) + ' ' + std::to_string(x.incarnation) + ' ' + x.ended;
}

std::vector<std::string> reports(const node_roster& nodes, const std::string& name,
                                 std::optional<int> pid = std::nullopt) {
  std::vector<std::string> texts;
  for (auto& each : nodes.reports_of(name, pid))
    texts.push_back(text_of(each));
  return texts;
}

using texts = std::vector<std::string>;

} // namespace

TEST_CASE("a node is awaited until it joins", "[run][nodes]") {
  node_roster nodes;
  nodes.await("w1", 10s, start);
  nodes.await("w2", 10s, start);
  CHECK(nodes.awaited() == 2);
  CHECK_FALSE(nodes.has_joined("w1"));
  nodes.on_up({"w1", 1}, 0);
  CHECK(nodes.awaited() == 1);
  CHECK(nodes.has_joined("w1"));
  CHECK(nodes.missing({"w1", "w2", "c"}) == "w2, c");
  // It may have come before anybody awaited it, and gone since.
  nodes.on_up({"w3", 3}, 0);
  nodes.on_down({"w3", 3}, "left");
  nodes.await("w3", 10s, start);
  CHECK(nodes.awaited() == 1);
}

TEST_CASE("a node that does not join in its time is late", "[run][nodes]") {
  node_roster nodes;
  nodes.await("w2", 10s, start);
  nodes.await("w1", 10s, start);
  nodes.await("slow", 1h, start);
  for (auto now = start; now < start + 10s; now += 100ms) // it counts only what it sees
    CHECK(nodes.late(now).empty());
  CHECK(nodes.late(start + 10s) == "w1, w2");
}

TEST_CASE("while the launcher stands still nobody is late", "[run][nodes]") {
  node_roster nodes;
  nodes.await("w1", 10s, start);
  CHECK(nodes.late(start + 1h).empty());
}

TEST_CASE("a process that ends while others join is told, with how", "[run][nodes]") {
  const auto [joined, code, signal, told] = GENERATE(table<bool, int, int, std::string>({
      {false, 1, 0, "node w1 ended before it joined (exit code 1)"},
      {false, -1, 11, "node w1 ended before it joined (killed by SIGSEGV)"},
      {true, 0, 0, "node w1 had joined and ended while others joined (ended in order)"},
      {true, 4, 0, "node w1 had joined and ended while others joined (exit code 4: it lost the launcher)"},
  }));
  node_roster nodes;
  CHECK(nodes.early_exit().empty());
  CHECK_FALSE(nodes.has_exits());
  if (joined) nodes.on_up({"w1", 1}, 0);
  nodes.on_exit({"w1", code, signal});
  CHECK(nodes.has_exits());
  CHECK(nodes.early_exit() == told);
}

TEST_CASE("exits are taken once", "[run][nodes]") {
  node_roster nodes;
  nodes.on_exit({"w1", 0, 0});
  CHECK(nodes.take_exited() == std::set<std::string>{"w1"});
  CHECK(nodes.take_exited().empty());
}

TEST_CASE("a node that is started again is there, and is told with both its starts", "[run][nodes]") {
  node_roster nodes;
  nodes.on_up({"b", 1}, 11);
  const bool in_turn = GENERATE(true, false);
  if (in_turn) CHECK(nodes.on_down({"b", 1}, "lost: silent"));
  nodes.on_up({"b", 2}, 22);
  if (!in_turn) CHECK_FALSE(nodes.on_down({"b", 1}, "lost: silent")); // the newer start is told first
  CHECK(nodes.up().contains("b"));
  CHECK(nodes.down().at("b") == "lost: silent");
  CHECK(nodes.name_of(1) == "b");
  CHECK(nodes.name_of(3).empty());
  CHECK(nodes.on_down({"b", 2}, "left"));
  CHECK(nodes.up().empty());
  CHECK(reports(nodes, "b") == texts{"b 11 1 lost: silent", "b 22 2 left"});
}

TEST_CASE("of a process that the run started, how it ended counts more than what its link told",
          "[run][nodes]") {
  node_roster nodes;
  CHECK(reports(nodes, "w1") == texts{"w1 0 0 never joined"});
  CHECK(reports(nodes, "w1", 7) == texts{"w1 7 0 never joined"});
  nodes.on_up({"w1", 1}, 7);
  nodes.on_down({"w1", 1}, "lost: silent");
  nodes.on_exit({"w1", -1, 9});
  CHECK(reports(nodes, "w1", 7) == texts{"w1 7 1 killed by SIGKILL"});
  nodes.on_exit({"w1", 0, 0});
  CHECK(reports(nodes, "w1", 7) == texts{"w1 7 1 lost: silent"});
}

TEST_CASE("all are present when whoever is up has answered", "[run][nodes]") {
  node_roster nodes;
  CHECK(nodes.all_present());
  nodes.on_up({"w1", 1}, 0);
  nodes.on_up({"w2", 2}, 0);
  nodes.on_present("w1");
  CHECK_FALSE(nodes.all_present());
  nodes.on_present("w2");
  CHECK(nodes.all_present());
  nodes.on_up({"w3", 3}, 0);
  CHECK_FALSE(nodes.all_present());
  nodes.on_down({"w3", 3}, "left");
  CHECK(nodes.all_present());
}

TEST_CASE("books that a node told are kept by its incarnation, and not those of an earlier link",
          "[run][nodes]") {
  node_roster nodes;
  trace::ledger_counts books;
  books.sent = 3;
  nodes.on_up({"w1", 1}, 0);
  nodes.on_books({"w1", 1}, books);
  CHECK(nodes.told_books() == std::map<std::uint64_t, trace::ledger_counts>{{1, books}});
  nodes.on_up({"w1", 1}, 0); // it is back, and goes on
  CHECK(nodes.told_books().empty());
}

TEST_CASE("so many starts and no more", "[run][nodes]") {
  node_roster nodes;
  for (std::uint64_t i = 1; i < starts_max; ++i)
    nodes.on_up({"b", i}, 0);
  CHECK_FALSE(nodes.is_full());
  nodes.on_up({"b", starts_max}, 0);
  CHECK(nodes.is_full());
}
