// The picture of a run that is on.
#include "tests/support/catch.hpp"
#include "tests/support/text.hpp"

#include "base/text.hpp"
#include "cli/watch/styled_line.hpp"
#include "cli/watch/watch_picture.hpp"

#include <algorithm>

using namespace troupe::cli;
using namespace std::chrono_literals;
using troupe::trace::live_actor;
using troupe::trace::live_node;

namespace {

live_node make_node(const std::string& name, std::uint64_t sent, std::uint64_t handled) {
  live_node node;
  node.name = name;
  node.books.emplace();
  node.books->sent = sent;
  node.books->handled = handled;
  node.traced = true;
  return node;
}

/// Two nodes with a link, one second in: main has sent 1,500 tasks since the beginning.
run_snapshot two_nodes() {
  run_snapshot now;
  now.scenario = "worker_pool";
  now.taken = 11s;
  now.how_far = {50, 100, {}, 65s};
  now.nodes = {{"main", {true, ""}}, {"w1", {true, ""}}};
  auto main = make_node("main", 1500, 1200);
  main.actors = 3;
  main.mailbox_total = 17;
  main.types["assign_task"] = {1500, 0};
  main.types["task_done"] = {0, 1200};
  main.links["w1"] = {true, 85us};
  auto worker = make_node("w1", 1200, 1483);
  worker.actors = 2;
  worker.mailbox_total = 1;
  worker.types["assign_task"] = {0, 1483};
  worker.types["task_done"] = {1200, 0};
  worker.links["main"] = {true, std::nullopt};
  now.live.nodes = {main, worker};
  now.live.actors = {{"main", "coordinator", 3, 16}, {"main", "", 7, 1}, {"w1", "worker", 2, 1}};
  return now;
}

/// The same one second before.
run_snapshot before_that() {
  auto before = two_nodes();
  before.taken = 10s;
  before.live.nodes[0] = make_node("main", 500, 1195);
  before.live.nodes[0].types["assign_task"] = {500, 0};
  before.live.nodes[1] = make_node("w1", 1200, 1483);
  before.live.nodes[1].types["assign_task"] = {0, 1483};
  before.live.nodes[1].types["task_done"] = {1200, 0};
  return before;
}

std::vector<std::string> drawn(const run_snapshot& now, const run_snapshot& before,
                               picture_size size = {80, 24}, bool colour = false) {
  std::vector<std::string> lines;
  for (const auto& line : picture(now, before, size))
    lines.push_back(line.text(colour));
  return lines;
}

std::vector<std::string> drawn(const run_snapshot& now, picture_size size = {80, 24}) {
  return drawn(now, before_that(), size);
}

std::string joined(const std::vector<std::string>& lines) {
  std::string all;
  for (const auto& line : lines)
    all += line + '\n';
  return all;
}

bool contains(const std::vector<std::string>& lines, const std::string& text) {
  return troupe::testing::contains(joined(lines), text);
}

} // namespace

TEST_CASE("the picture has nodes, links, mailboxes and rates in aligned columns", "[cli][watch]") {
  auto now = two_nodes();
  now.messages = {"troupe: running"};
  const auto lines = drawn(now);
  const std::vector<std::string> expected{
      "worker_pool                                                     2 nodes up  1:05",
      "[============>           ]  50/100  50 %  0.77/s  65 s left",
      "",
      "node      actors  waiting     sent/s  handled/s  links and round trips",
      "main           3       17      1,000        5.0  w1 85.0 µs",
      "w1             2        1          0          0  main",
      "",
      "deepest mailboxes     node      waiting",
      "coordinator-3         main           16  " + bar_text(1, 39),
      "actor-7               main            1  " + bar_text(1.0 / 16, 39),
      "worker-2              w1              1  " + bar_text(1.0 / 16, 39),
      "",
      "messages by type                 sent/s  handled/s         sent",
      "assign_task                       1,000          0        1,500",
      "task_done                             0      1,200        1,200",
      "",
      "console",
      "troupe: running",
      "",
      "",
      "",
      "",
      "",
      "q leaves this view, and the run goes on; Enter or Ctrl-C stops the run",
  };
  CHECK(joined(lines) == joined(expected));
}

TEST_CASE("no picture is larger than its window", "[cli][watch]") {
  auto now = two_nodes();
  now.scenario = "a_scenario_with_a_name_that_is_not_short";
  now.messages = {"w1 | ключ → значение, and so on without an end in sight, further than any window goes",
                  "one", "two", "three"};
  for (std::uint64_t i = 0; i < 60; ++i) {
    now.live.actors.push_back({"main", "a_role_with_a_name_that_is_much_too_long_for_it", i, 1});
    now.live.nodes[0].links["peer-" + std::to_string(i)] = {true, 1ms};
    now.live.nodes[0].types["type-" + std::to_string(i)] = {i, i};
  }
  for (std::size_t rows = 0; rows < 120; rows += 1 + rows / 10)
    for (std::size_t columns = 1; columns < 200; columns += 1 + columns / 8) {
      CAPTURE(rows, columns);
      const auto lines = drawn(now, {columns, rows});
      REQUIRE(lines.size() <= rows);
      for (const auto& line : lines) {
        REQUIRE(troupe::display_width(line) <= columns);
        REQUIRE(troupe::printable(line) == line); // no character is cut in two
      }
    }
}

TEST_CASE("what does not fit is counted", "[cli][watch]") {
  auto now = two_nodes();
  now.live.actors.clear();
  for (std::uint64_t i = 0; i < 20; ++i)
    now.live.actors.push_back({"main", "worker", i, 20 - i});
  const auto lines = drawn(now);
  const auto head = std::ranges::find_if(lines, [](const auto& line) { return line.starts_with("deepest"); });
  const auto rest = std::ranges::find_if(lines, [](const auto& line) { return line.starts_with("… and "); });
  REQUIRE(rest != lines.end());
  const auto shown = rest - head - 1;
  CHECK(shown > 5);
  CHECK(*rest == "… and " + std::to_string(20 - shown) + " more");
  CHECK(head[1].starts_with("worker-0 "));
  CHECK(rest[-1].starts_with("worker-" + std::to_string(shown - 1) + ' '));
  CHECK_FALSE(contains(drawn(now, {80, 60}), "more"));
}

TEST_CASE("more actors than are told are counted as at least so many", "[cli][watch]") {
  auto now = two_nodes();
  now.live.actors.assign(troupe::trace::live_actors_max, {"main", "fork", 1, 1});
  CHECK(contains(drawn(now), "… and at least "));
}

TEST_CASE("of the console the last lines are shown, made safe", "[cli][watch]") {
  auto now = two_nodes();
  now.live.actors.clear();
  for (int i = 1; i <= 8; ++i)
    now.messages.push_back("line " + std::to_string(i) + " \x1b[2J");
  const auto lines = drawn(now, {80, 20});
  CHECK(contains(lines, "line 8 \\x1b[2J"));
  CHECK(contains(lines, "line 7"));
  CHECK_FALSE(contains(lines, "line 1"));
}

TEST_CASE("a node that is gone says why, and its links are gone", "[cli][watch]") {
  auto now = two_nodes();
  now.nodes["w1"] = {false, "lost: killed by SIGKILL"};
  now.live.nodes[0].links["w1"] = {false, std::nullopt};
  const auto lines = drawn(now);
  CHECK(contains(lines, "1 of 2 nodes up"));
  CHECK(contains(lines, "lost: killed by SIGKILL"));
  CHECK(contains(lines, "w1 gone"));
  now.nodes["w1"] = {true, ""};
  CHECK(contains(drawn(now), "w1 not connected"));
}

TEST_CASE("what cannot be known is said", "[cli][watch]") {
  auto now = two_nodes();
  now.nodes["far"] = {true, ""};
  CHECK(contains(drawn(now), "its files are on another host"));
  now = two_nodes();
  for (auto& node : now.live.nodes)
    node.traced = false;
  now.live.actors.clear();
  auto lines = drawn(now);
  CHECK(contains(lines, "all 2 nodes: no trace is recorded, so mailboxes, types and links are not known"));
  CHECK(contains(lines, "main           –        –      1,000        5.0"));
  CHECK_FALSE(contains(lines, "messages by type"));
  now = two_nodes();
  now.live.nodes[0].sample_one_in = 10;
  lines = drawn(now);
  CHECK(contains(lines, "main: 1 in 10 causal trees is recorded, so mailboxes and types are not known"));
  CHECK(contains(lines, "worker-2"));
  CHECK_FALSE(contains(lines, "coordinator-3"));
}

TEST_CASE("rates are unknown at first, and never negative", "[cli][watch]") {
  const auto now = two_nodes();
  CHECK(contains(drawn(now, now), "main           3       17          –          –"));
  auto again = now; // a node that was started again counts from 0
  again.live.nodes[0].books->sent = 10;
  CHECK(contains(drawn(again), "main           3       17          0        5.0"));
}

TEST_CASE("colour changes no text", "[cli][watch]") {
  const auto plain = drawn(two_nodes());
  auto coloured = joined(drawn(two_nodes(), before_that(), {80, 24}, true));
  CHECK(coloured.find("\x1b[1mdeepest mailboxes") != std::string::npos);
  for (auto at = coloured.find('\x1b'); at != std::string::npos; at = coloured.find('\x1b'))
    coloured.erase(at, coloured.find('m', at) - at + 1);
  CHECK(coloured == joined(plain));
}

TEST_CASE("a bar is as long as its share", "[cli][watch]") {
  CHECK(bar_text(0, 10).empty());
  CHECK(bar_text(0.5, 4) == "██");
  CHECK(bar_text(0.28125, 4) == "█▏");
  CHECK(bar_text(7, 3) == "███");
}
