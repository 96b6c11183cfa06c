// Whether the books of a run balance, and what is told where they do not.
#include "runner/run/balance.hpp"

#include "tests/support/catch.hpp"

using namespace troupe;
using namespace troupe::scenarios;

namespace {

/// Everything sent here was handled here.
trace::ledger_counts local(std::uint64_t messages) {
  trace::ledger_counts counts;
  counts.sent = counts.handled = messages;
  return counts;
}

/// Of those that `node` left in order.
node_report left(const std::string& node, std::uint64_t incarnation) {
  return {node, 1, incarnation, "left"};
}

const node_report main_report{"main", 1, 99, "left"};

} // namespace

TEST_CASE("books that balance are told with their sum", "[run][books]") {
  auto w1 = local(5);
  w1.sent += 3;
  w1.dropped[0] = 1;
  w1.dead_lettered = 2;
  const auto got = balance_books(local(10), {{1, w1}, {7, local(100)}}, {main_report, left("w1", 1)});
  CHECK(got.check.name == "the books balance");
  CHECK(got.check.passed);
  // Incarnation 7 is no node of this run.
  CHECK(got.check.detail == "sent 18 = handled 15 + dropped 1 + dead-lettered 2 + lost in crashes 0");
  CHECK(got.total.sent == 18);
  CHECK(got.lost == 0);
}

TEST_CASE("every start of a node has books of its own", "[run][books]") {
  const auto got = balance_books(local(1), {{1, local(2)}, {2, local(4)}},
                                 {main_report, left("b", 1), left("b", 2), {"c", 0, 0, "never joined"}});
  CHECK(got.check.passed);
  CHECK(got.total.handled == 7);
}

TEST_CASE("a node that left in order without books fails the check", "[run][books]") {
  const auto got = balance_books(local(1), {}, {main_report, left("w1", 1), left("w2", 2)});
  CHECK_FALSE(got.check.passed);
  CHECK(got.check.detail
        == "sent 1 = handled 1 + dropped 0 + dead-lettered 0 + lost in crashes 0; there are no books of w1, "
           "w2: no file in the run directory, and not told before it left");
}

TEST_CASE("a node whose own books do not balance is named", "[run][books]") {
  auto open = local(5);
  ++open.sent;
  auto surplus = local(5);
  ++surplus.handled;
  const auto got = balance_books(open, {{1, surplus}}, {main_report, left("w1", 1)});
  CHECK_FALSE(got.check.passed);
  CHECK(got.check.detail
        == "sent 11 = handled 11 + dropped 0 + dead-lettered 0 + lost in crashes 0; the books of main, w1 do "
           "not balance");
}

TEST_CASE("messages between nodes without an entry are only forgiven where one crashed", "[run][books]") {
  auto main = local(5);
  main.sent += 2;
  main.remote_sent += 2;
  const std::string ended = GENERATE("left", "killed by SIGKILL");
  const auto got = balance_books(main, {{1, local(3)}}, {main_report, {"w1", 1, 1, ended}});
  CHECK(got.lost == 2);
  const std::string sum = "sent 10 = handled 8 + dropped 0 + dead-lettered 0 + lost in crashes 2";
  CHECK(got.check.passed == (ended != "left"));
  CHECK(got.check.detail == (ended == "left" ? sum + "; 2 messages without an entry" : sum));
}

TEST_CASE("of a node that crashed without books only the difference is known", "[run][books]") {
  auto main = local(5);
  main.remote_received += 2;
  main.handled += 2;
  const auto got = balance_books(main, {}, {main_report, {"w1", 1, 1, "lost: silent"}});
  CHECK(got.check.passed);
  CHECK(got.total.sent == 7); // what came from it was sent
  CHECK(got.check.detail
        == "sent 7 = handled 7 + dropped 0 + dead-lettered 0 + lost in crashes 0; w1 crashed and left no "
           "books: of what it sent and got, only the difference is known");
}

TEST_CASE("more handled than sent is no loss", "[run][books]") {
  auto main = local(5);
  main.remote_received += 2;
  main.handled += 2;
  const auto got = balance_books(main, {{1, local(1)}}, {main_report, {"w1", 1, 1, "exit code 1"}});
  CHECK_FALSE(got.check.passed);
  CHECK(got.lost == 0);
  CHECK(got.check.detail
        == "sent 6 = handled 8 + dropped 0 + dead-lettered 0 + lost in crashes 0; -2 messages without an "
           "entry");
}
