#include "base/random.hpp"
#include "tests/support/catch.hpp"
#include "tests/trace/builder.hpp"
#include "tests/trace/support.hpp"
#include "trace/check/check.hpp"
#include "trace/check/summary.hpp"
#include "trace/merge/ledger_view.hpp"
#include "trace/merge/merge.hpp"

#include <algorithm>
#include <random>

using namespace troupe;
using tests::id;
using tests::merged;
using tests::node_builder;
using trace::event_kind;
using trace::fate;
using trace::no_row;
using trace::row;

namespace {

row find_event(const trace::model& m, event_kind kind, std::string_view type) {
  for (row i = 0; i < m.events.size(); ++i)
    if (m.events.kind[i] == kind && m.text(m.events.type[i]) == type) return i;
  return no_row;
}

/// No effect before its cause, times that never fall.
void check_causal(const trace::model& m) {
  auto& e = m.events;
  for (row i = 1; i < e.size(); ++i)
    REQUIRE(e.time[i - 1] <= e.time[i]);
  for (row i = 0; i < m.messages.size(); ++i) {
    auto sent = m.messages.sent[i];
    if (sent == no_row) continue;
    for (auto effect : {m.messages.delivered[i], m.messages.handled[i], m.messages.discarded[i]})
      if (effect != no_row) REQUIRE(sent < effect);
    if (auto cause = m.messages.cause[i]; cause != no_row && m.messages.handled[cause] != no_row)
      REQUIRE(m.messages.handled[cause] < sent);
  }
}

} // namespace

TEST_CASE("two nodes merge into one sequence with global messages and times", "[trace][merge]") {
  auto m = tests::ping_pong{}.merge();
  CHECK(m.complete());
  REQUIRE(m.nodes.size() == 2);
  REQUIRE(m.messages.size() == 2);
  check_causal(m);
  std::vector<std::string_view> kinds;
  for (auto k : m.events.kind)
    kinds.push_back(to_string(k));
  CHECK(kinds
        == std::vector<std::string_view>{"spawned", "spawned", "sent", "delivered", "handled", "sent",
                                         "delivered", "handled"});
  std::string why;
  auto ping = m.find_message("main:1", why), pong = m.find_message("5", why);
  REQUIRE(ping != no_row);
  REQUIRE(pong != no_row);
  CHECK(m.network_ns(ping) == 10'000);
  CHECK(m.wait_ns(ping) == 10'000);
  CHECK(m.handling_ns(ping) == 20'000);
  CHECK(m.bytes(pong) == 200);
  CHECK(m.causes(pong) == std::vector<row>{ping});
  CHECK(m.actor_name(m.messages.sender[ping]) == "client-1");
  CHECK(m.actor_name(m.messages.receiver[ping]) == "server-1"); // its role is known to its own node only
  CHECK(m.end_of_run() == 65'000);
  trace::effects_index effects{m};
  REQUIRE(effects.of(ping).size() == 1);
  CHECK(effects.of(ping)[0] == pong);
  CHECK(m.find_message("w9:5", why) == no_row);
  CHECK(why == "the trace has no message w9:5");
  CHECK(m.find_message("five", why) == no_row);
  CHECK(why.find("NODE:NUMBER") != std::string::npos);
}

TEST_CASE("a message number that two nodes gave must be told apart by the node", "[trace][merge]") {
  node_builder a{"a", 1}, b{"b", 2};
  auto x = a.actor(1, "x"), y = b.actor(1, "y");
  a.sent(1, id(3), x, x, "m").handled(2, 3, id(3), x, "m");
  b.sent(1, id(3), y, y, "m").handled(2, 3, id(3), y, "m");
  auto m = merged(a, b);
  std::string why;
  CHECK(m.find_message("3", why) == no_row);
  CHECK(why.find("several nodes sent a message 3: a:3 and b:3") != std::string::npos);
  CHECK(m.find_message("b:3", why) != no_row);
  CHECK(m.messages.size() == 2);
}

TEST_CASE("actors of a role are numbered in order of spawning over all nodes", "[trace][merge]") {
  node_builder a{"a", 1}, b{"b", 2};
  auto late = a.actor(10, "worker"), early = b.actor(11, "worker"), never = b.actor(12, "worker");
  auto nameless = b.actor(13, "");
  a.spawned(50, late);
  b.spawned(20, early).spawned(60, nameless).sent(70, id(1), never, nameless, "m");
  auto m = merged(a, b);
  auto name_of = [&](std::uint64_t actor_id) {
    for (std::uint32_t i = 1; i < m.actors.size(); ++i)
      if (m.actors[i].id == actor_id) return m.actor_name(i);
    return std::string{};
  };
  CHECK(name_of(11) == "worker-1");
  CHECK(name_of(10) == "worker-2");
  CHECK(name_of(12) == "worker-3");
  CHECK(name_of(13) == "actor-1");
  CHECK(m.actor_name(0) == "outside");
}

TEST_CASE("the clock of another host is mapped by the measured offset", "[trace][merge]") {
  tests::ping_pong p;
  // w1 lives on another host whose monotonic clock is 500 s ahead; nobody raised a clock.
  p.w1.raw().info.clock_id = "boot-b";
  p.w1.raw().base_mono_ns += 500'000'000'000;
  p.main.clock_offset(5, p.w1_at_main, 500'000'000, 3);
  auto m = p.merge();
  check_causal(m);
  CHECK(m.events.time[find_event(m, event_kind::handled, "ping")] == 30'000);
  CHECK(m.nodes[1].clock_offset_ns == 500'000'000'000);
  CHECK(m.nodes[1].clock_uncertainty_ns == 3'000);
  CHECK(tests::has_remark(m, "the clock of w1 on host host-boot-a is 8 m 20 s off that of main, ±3.00 µs"));
  CHECK(m.complete());
}

TEST_CASE("an offset that was measured after a clock was pushed is the same", "[trace][merge]") {
  // b's host is 500 s ahead, and its message at 30 µs pushes the clock of a by that.
  constexpr std::int64_t ahead_us = 500'000'000;
  node_builder a{"a", 1}, b{"b", 2, "boot-b"};
  b.raw().base_mono_ns += ahead_us * 1'000;
  auto at_a = a.actor(1, "x"), b_at_a = std::uint32_t{a.node("b", 2)};
  auto at_b = b.actor(1, "y"), a_at_b = std::uint32_t{b.node("a", 1)};
  b.sent(20, id(1), at_b, b.actor(1, "x", static_cast<std::uint16_t>(a_at_b)), "m");
  a.skewed(30 + ahead_us, ahead_us);
  a.handled(30 + ahead_us, 35 + ahead_us, id(1, static_cast<std::uint16_t>(b_at_a)), at_a, "m");
  a.clock_offset(40 + ahead_us, static_cast<std::uint16_t>(b_at_a), ahead_us, 3);
  b.clock_offset(50, static_cast<std::uint16_t>(a_at_b), -ahead_us, 4);
  auto m = merged(a, b);
  check_causal(m);
  CHECK(m.nodes[1].clock_offset_ns == ahead_us * 1'000);
  CHECK(m.events.time[find_event(m, event_kind::handled, "m")] == 30'000);
  CHECK_FALSE(tests::has_remark(m, "moved behind it"));
}

TEST_CASE("what the hybrid clock was pushed forward is taken back", "[trace][merge]") {
  node_builder a{"a", 1};
  auto x = a.actor(1, "x");
  // At 20 µs a peer made the clock jump by a second.
  a.sent(10, id(1), x, x, "m").skewed(1'000'020, 1'000'000);
  a.handled(15, 1'000'030, id(1), x, "m"); // 15 µs of work across the jump
  a.sent(1'000'025, id(2), x, x, "n", id(1));
  auto m = merged(a);
  auto handled = find_event(m, event_kind::handled, "m");
  CHECK(m.events.time[handled] == 15'000);
  CHECK(m.events.value[handled] == 15'000);
  CHECK(m.events.time[find_event(m, event_kind::sent, "n")] == 25'000);
}

TEST_CASE("without any measurement the order of causes still holds", "[trace][merge]") {
  tests::ping_pong p;
  p.w1.raw().info.clock_id = "boot-b";
  p.w1.raw().base_mono_ns -= 40'000; // its clock says that it received before it was sent
  auto m = p.merge();
  check_causal(m);
  CHECK(tests::has_remark(m, "never compared"));
  CHECK(tests::has_remark(m, "moved behind it"));
  CHECK(m.nodes[1].clock_uncertainty_ns < 0);
}

TEST_CASE("whatever the clocks say, no cause sorts after its effect", "[trace][merge]") {
  auto seed = GENERATE(range(1U, 41U));
  INFO("seed " << seed);
  std::mt19937_64 random{seed};
  auto pick = [&](std::size_t n) { return draw_below(random, n); };
  // A random conversation of 4 nodes in true time, written down with clocks that are off.
  constexpr std::size_t count = 4;
  std::vector<node_builder> nodes;
  std::vector<std::int64_t> error;
  for (std::size_t n = 0; n < count; ++n) {
    nodes.emplace_back("n" + std::to_string(n), n + 1, "boot-" + std::to_string(n));
    error.push_back(static_cast<std::int64_t>(pick(400)));
    for (std::size_t o = 0; o < count; ++o)
      if (o != n) nodes[n].node("n" + std::to_string(o), o + 1);
    nodes[n].actor(1, "a");
    for (std::size_t o = 0; o < count; ++o)
      if (o != n) nodes[n].actor(1, "a", static_cast<std::uint16_t>(o < n ? o + 1 : o));
  }
  auto index_at = [](std::size_t here, std::size_t there) {
    return static_cast<std::uint16_t>(here == there ? 0 : there < here ? there + 1 : there);
  };
  struct flying {
    std::size_t from, to;
    std::uint64_t number;
  };
  std::vector<std::uint64_t> numbers(count, 0);
  std::vector<flying> air{{0, 0, ++numbers[0]}};
  std::int64_t now = 10;
  nodes[0].sent(now + error[0], id(1), 1, 1, "m");
  for (int step = 0; step < 200 && !air.empty(); ++step) {
    auto at = pick(air.size());
    auto f = air[at];
    air.erase(air.begin() + static_cast<std::ptrdiff_t>(at));
    auto here = f.to;
    auto message = id(f.number, index_at(here, f.from));
    auto begin = ++now;
    for (std::size_t k = pick(3); k-- > 0 && air.size() < 20;) {
      flying next{here, pick(count), ++numbers[here]};
      auto receiver = static_cast<std::uint32_t>(1 + index_at(here, next.to));
      nodes[here].sent(++now + error[here], id(next.number), 1, receiver, "m", message);
      air.push_back(next);
    }
    nodes[here].handled(begin + error[here], ++now + error[here], message, 1, "m");
  }
  check_causal(merged(nodes[0], nodes[1], nodes[2], nodes[3]));
}

TEST_CASE("a handler that takes its begin as the time of its sends stays before them", "[trace][merge]") {
  node_builder a{"a", 1};
  auto x = a.actor(1, "x"), y = a.actor(2, "y");
  a.sent(1, id(1), x, y, "m");
  a.sent(5, id(2), y, x, "n", id(1)).handled(5, 9, id(1), y, "m").handled(12, 13, id(2), x, "n");
  auto m = merged(a);
  check_causal(m);
  CHECK_FALSE(tests::has_remark(m, "moved"));
}

TEST_CASE("further causes of a join are all known, once each", "[trace][merge]") {
  node_builder a{"a", 1};
  auto x = a.actor(1, "x"), y = a.actor(2, "y");
  for (std::uint64_t n : {1U, 2U, 3U})
    a.sent(static_cast<std::int64_t>(n), id(n), x, y, "part");
  for (std::uint64_t n : {1U, 2U, 3U})
    a.handled(10 + static_cast<std::int64_t>(n) * 2, 11 + static_cast<std::int64_t>(n) * 2, id(n), y, "part");
  a.sent(16, id(4), y, x, "whole", id(3)).also_caused_by(16, id(4), id(1)).also_caused_by(16, id(4), id(2));
  a.also_caused_by(16, id(4), id(2)).handled(20, 21, id(4), x, "whole");
  auto m = merged(a);
  std::string why;
  auto whole = m.find_message("4", why);
  CHECK(m.causes(whole).size() == 3);
  trace::effects_index effects{m};
  for (row i = 0; i < 3; ++i)
    CHECK(effects.of(i).size() == 1);
}

TEST_CASE("each message has exactly one fate, and the books say which", "[trace][ledger]") {
  node_builder a{"a", 1}, b{"b", 2};
  auto b_there = a.node("b", 2);
  auto x = a.actor(1, "x"), y = a.actor(2, "y"), z = b.actor(3, "z"), z_there = a.actor(3, "z", b_there);
  auto a_there = b.node("a", 1);
  a.sent(1, id(1), x, y, "ok").handled(2, 3, id(1), y, "ok");
  a.sent(4, id(2), x, y, "odd").dropped(5, id(2), y, "odd", "no_handler");
  a.sent(6, id(3), x, y, "late").dead_lettered(7, id(3), y, "late", "receiver has exited");
  a.sent(8, id(4), x, z_there, "far");
  a.sent(9, id(5), x, z_there, "gone");
  b.delivered(10, id(4, a_there), z, "far", 10).killed_in(11, id(4, a_there), z, "far");
  auto m = merged(a, b);
  CHECK_FALSE(m.complete());
  CHECK(tests::has_remark(m, "b did not close its trace"));
  CHECK(tests::has_remark(m, "z-1 was handling far (a:4)"));
  auto books = trace::balance(m);
  CHECK(books.sent == 5);
  CHECK(books.count(fate::handled) == 1);
  CHECK(books.count(fate::dropped) == 1);
  CHECK(books.dropped.at("no_handler") == 1);
  CHECK(books.count(fate::dead_lettered) == 1);
  CHECK(books.count(fate::in_handler) == 1);
  CHECK(books.count(fate::lost) == 1);
  CHECK(books.balanced());
  // The same with everyone alive is a message that vanished.
  b.raw().info.closed = true;
  b.raw().open.clear();
  auto books_closed = trace::balance(merged(a, b));
  CHECK(books_closed.count(fate::vanished) == 2);
  CHECK_FALSE(books_closed.balanced());
}

TEST_CASE("a node that others talked to but that left no trace is missed", "[trace][merge]") {
  tests::ping_pong p;
  auto m = merged(p.main);
  CHECK_FALSE(m.complete());
  CHECK(tests::has_remark(m, "the trace of w1 (incarnation 0000000000000002) is missing"));
  auto books = trace::balance(m);
  CHECK(books.count(fate::unrecorded) == 1);
  CHECK(books.unsent == 1);
}

TEST_CASE("a node that was met, and of which nothing ever came, is missed as well", "[trace][merge]") {
  node_builder main{"main", 1};
  auto x = main.actor(1, "x");
  auto w1 = main.node("w1", 2);
  auto y = main.actor(2, "y", w1);
  main.link(node_builder::kind::node_up, 1, w1);
  const auto missed = [&] {
    auto m = merged(main);
    CHECK_FALSE(m.complete());
    CHECK(m.nodes.at(1).is_missing());
    CHECK(tests::has_remark(m, "the trace of w1 (incarnation 0000000000000002) is missing"));
    auto summary = trace::summarize(m);
    CHECK(trace::render_text(summary, 0).plain().find("keeps n") == std::string::npos);
    CHECK(trace::render_json(summary).find(R"("recorded":false,"missing":true)") != std::string::npos);
  };
  missed();
  main.sent(5, id(1), x, y, "m"); // killed before it could do anything about it
  missed();
  main.link(node_builder::kind::node_down, 9, w1, main.string("silent"));
  missed();
}

TEST_CASE("a node that told that it keeps no trace is not missed, whatever it sent", "[trace][merge]") {
  node_builder main{"main", 1};
  auto x = main.actor(1, "x");
  auto py = main.node("py", 2);
  auto y = main.actor(2, "y", py);
  main.link(node_builder::kind::node_up, 1, py, 1);
  const auto not_missed = [&](const std::string& remark) {
    auto m = merged(main);
    CHECK(m.complete());
    CHECK_FALSE(m.nodes.at(1).is_missing());
    CHECK(tests::has_remark(m, remark));
    auto summary = trace::summarize(m);
    CHECK(trace::render_text(summary, 0).plain().find("the trace is complete") == 0);
    CHECK(trace::render_text(summary, 0).plain().find("keeps none") != std::string::npos);
    CHECK(trace::render_json(summary).find(R"("recorded":false,"missing":false)") != std::string::npos);
  };
  not_missed("py keeps no trace, and exchanged no message");
  main.sent(5, id(1), x, y, "m");
  main.delivered(7, id(1, py), x, "answer", 10).handled(8, 9, id(1, py), x, "answer"); // by its own number
  main.sent(10, id(2), y, x, "more").handled(11, 12, id(2), x, "more");                // begins here
  not_missed("py keeps no trace; of what it did, 1 message to it and 2 from it are known");
  // What it did with them may be what was promised.
  main.invariant("at least 2: type=m and kind=sent");
  const auto findings = trace::check_trace(merged(main));
  const auto found = std::ranges::find(findings, trace::rule::invariant, &trace::finding::what);
  REQUIRE(found != findings.end());
  CHECK(found->how == trace::severity::note);
  CHECK(found->sentence.ends_with("but not every node keeps a trace"));
}

TEST_CASE("a second start of a node is a node of its own", "[trace][merge]") {
  node_builder first{"w1", 1}, second{"w1", 2};
  first.sent(1, id(1), first.actor(1, "x"), 0, "m").killed();
  second.sent(5, id(1), second.actor(1, "x"), 0, "m");
  auto m = merged(first, second);
  CHECK(m.node_name(0) == "w1");
  CHECK(m.node_name(1) == "w1#2");
  CHECK(m.messages.size() == 2);
}
