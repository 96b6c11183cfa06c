#include "tests/support/catch.hpp"
#include "tests/support/text.hpp"
#include "tests/trace/builder.hpp"
#include "trace/check/check.hpp"
#include "trace/check/invariant.hpp"
#include "trace/merge/ledger_view.hpp"
#include "trace/record/format.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>

using namespace troupe;
using tests::id;
using tests::merged;
using tests::node_builder;
using trace::finding;
using trace::message_role;
using trace::rule;
using trace::severity;

namespace {

/// One node with two actors, in which all is well until a test adds its one fault.
struct sound_run {
  node_builder main{"main", 1};
  std::uint32_t a = main.actor(1, "asker"), b = main.actor(2, "giver");
  sound_run() {
    main.spawned(1, a).spawned(2, b);
    main.sent(10, id(1), a, b, "ask", 0, message_role::request).handled(11, 15, id(1), b, "ask");
    main.sent(12, id(2), b, a, "answer", id(1), message_role::response).handled(16, 18, id(2), a, "answer");
    main.sent(20, id(3), a, b, "go").handled(21, 22, id(3), b, "go");
  }
};

std::vector<finding> faults(const trace::model& m) {
  auto all = trace::check_trace(m);
  std::erase_if(all, [](auto& f) { return f.how != severity::fault; });
  return all;
}

/// The run has this one fault and no other; returns its sentence.
std::string only_fault(const trace::model& m, rule expected) {
  auto all = faults(m);
  REQUIRE(all.size() == 1);
  CHECK(to_string(all[0].what) == to_string(expected));
  CHECK_FALSE(all[0].events.empty());
  auto j = nlohmann::json::parse(render_json(m, all));
  CHECK(j["ok"] == false);
  CHECK(j["findings"][0]["rule"] == std::string{to_string(expected)});
  CHECK(render_text(m, all, 0).plain().find(all[0].sentence) != std::string::npos);
  return all[0].sentence;
}

void check_contains(const std::string& text, std::string_view part) {
  INFO(text);
  CHECK(testing::contains(text, part));
}

} // namespace

TEST_CASE("nothing is wrong with a sound run", "[trace][check]") {
  auto m = merged(sound_run{}.main);
  CHECK(trace::check_trace(m).empty());
  CHECK(render_text(m, {}, 0).plain().find("nothing is wrong") != std::string::npos);
  CHECK(trace::check_trace(tests::ping_pong{}.merge()).empty());
}

TEST_CASE("an actor that failed is a fault, unless the run was to end", "[trace][check]") {
  sound_run r;
  r.main.exited(30, r.b, "failed: cannot stand it");
  check_contains(only_fault(merged(r.main), rule::actor_failed), "giver-1 on main failed: cannot stand it");
  sound_run leaving;
  const auto agent = leaving.main.actor(3, "agent");
  leaving.main.spawned(3, agent);
  leaving.main.sent(30, id(4), leaving.a, agent, "troupe.leave_node")
      .handled(31, 32, id(4), agent, "troupe.leave_node")
      .exited(33, leaving.b, "failed: nobody is there any more");
  CHECK(faults(merged(leaving.main)).empty());
}

TEST_CASE("a message that vanished is a fault", "[trace][check]") {
  sound_run r;
  r.main.sent(30, id(4), r.a, r.b, "gone").exited(40, r.b, "normal");
  check_contains(only_fault(merged(r.main), rule::not_handled), "1 message of type gone vanished");
}

TEST_CASE("a message without a handler is a fault with its reason", "[trace][check]") {
  sound_run r;
  r.main.sent(30, id(4), r.a, r.b, "odd").dropped(31, id(4), r.b, "odd", "no_handler");
  r.main.sent(32, id(5), r.a, r.b, "odd").dropped(33, id(5), r.b, "odd", "no_handler");
  check_contains(only_fault(merged(r.main), rule::not_handled), "2 messages of type odd dropped: no_handler");
}

TEST_CASE("what an orderly end discards is noted and no fault", "[trace][check]") {
  sound_run r;
  r.main.sent(30, id(4), r.a, r.b, "late").dropped(31, id(4), r.b, "late", "shutdown");
  r.main.sent(32, id(5), r.a, r.b, "later").dead_lettered(33, id(5), r.b, "later", "receiver has ended");
  auto all = trace::check_trace(merged(r.main));
  REQUIRE(all.size() == 2);
  CHECK_FALSE(trace::any_fault(all));
  CHECK(all[0].how == severity::note);
}

TEST_CASE("messages lost with a killed node are noted", "[trace][check]") {
  tests::ping_pong p;
  p.main.sent(70, id(2), p.client, p.server_there, "ping");
  p.w1.killed();
  auto all = trace::check_trace(p.merge());
  REQUIRE(all.size() == 1);
  check_contains(all[0].sentence, "1 message of type ping lost with a node that was killed or not heard of");
}

TEST_CASE("a message that is handled twice is a fault", "[trace][check]") {
  sound_run r;
  r.main.handled(40, 41, id(3), r.b, "go");
  auto m = merged(r.main);
  check_contains(only_fault(m, rule::handled_twice), "1 message handled more than once");
  CHECK(faults(m)[0].events.size() == 3); // the send and both handlings
}

TEST_CASE("messages of one pair that are handled out of order are a fault", "[trace][check]") {
  sound_run r;
  r.main.sent(30, id(4), r.a, r.b, "first").sent(31, id(5), r.a, r.b, "second");
  r.main.handled(32, 33, id(5), r.b, "second").handled(34, 35, id(4), r.b, "first");
  check_contains(only_fault(merged(r.main), rule::out_of_order),
                 "main:4 of asker-1 to giver-1 was handled after main:5, which was sent later");
}

TEST_CASE("timers and answers may overtake", "[trace][check]") {
  sound_run r;
  r.main.timer_set(30, id(4), r.a, 100).sent(30, id(4), r.a, r.b, "tick").sent(31, id(5), r.a, r.b, "go");
  r.main.handled(32, 33, id(5), r.b, "go").handled(131, 132, id(4), r.b, "tick");
  CHECK(trace::check_trace(merged(r.main)).empty());
}

TEST_CASE("an answer that a trace may have ended before is not called missing", "[trace][check]") {
  sound_run r;
  r.main.sent(30, id(4), r.a, r.b, "ask", 0, message_role::request).handled(31, 32, id(4), r.b, "ask");
  r.main.raw().info.ended = static_cast<std::uint32_t>(trace::format::end_reason::size_limit);
  const auto all = trace::check_trace(merged(r.main));
  CHECK_FALSE(trace::any_fault(all));
  const auto found = std::ranges::find(all, rule::no_answer, &finding::what);
  REQUIRE(found != all.end());
  CHECK(found->sentence.ends_with("; but the trace is not complete"));
}

TEST_CASE("a request that is handled and never answered is a fault", "[trace][check]") {
  sound_run r;
  r.main.sent(30, id(4), r.a, r.b, "ask", 0, message_role::request).handled(31, 32, id(4), r.b, "ask");
  auto m = merged(r.main);
  check_contains(only_fault(m, rule::no_answer),
                 "1 request of type ask handled but never answered, the first main:4 from "
                 "asker-1 to giver-1");
  // Who waits at the end is told as well, as a note.
  auto all = trace::check_trace(m);
  REQUIRE(all.size() == 2);
  CHECK(all[1].what == rule::waits);
  check_contains(all[1].sentence, "at the end asker-1 waits for giver-1 (ask main:4)");
}

TEST_CASE("an answer that another message brought about still answers", "[trace][check]") {
  sound_run r;
  r.main.sent(30, id(4), r.a, r.b, "ask", 0, message_role::request).handled(31, 32, id(4), r.b, "ask");
  r.main.sent(33, id(5), r.a, r.b, "go").handled(34, 36, id(5), r.b, "go");
  r.main.sent(35, id(6), r.b, r.a, "answer", id(5), message_role::response).also_caused_by(35, id(6), id(4));
  r.main.handled(37, 38, id(6), r.a, "answer");
  CHECK(trace::check_trace(merged(r.main)).empty());
}

TEST_CASE("two that wait for each other are a deadlock", "[trace][check]") {
  node_builder main{"main", 1};
  auto a = main.actor(1, "left"), b = main.actor(2, "right");
  main.spawned(1, a).spawned(2, b);
  main.sent(10, id(1), a, b, "ask", 0, message_role::request).handled(12, 13, id(1), b, "ask");
  main.sent(11, id(2), b, a, "ask", 0, message_role::request).handled(14, 15, id(2), a, "ask");
  auto all = faults(merged(main));
  REQUIRE(all.size() == 2); // unanswered, and in a circle
  auto circle = std::ranges::find(all, rule::waits_in_circle, &finding::what);
  REQUIRE(circle != all.end());
  check_contains(circle->sentence,
                 "deadlock: left-1 waits for right-1 (ask main:1), right-1 waits for left-1 (ask main:2)");
  CHECK(circle->events.size() == 2);
}

TEST_CASE("philosophers who hold one fork each are named in their circle", "[trace][check]") {
  node_builder main{"main", 1};
  constexpr std::uint32_t n = 3;
  std::vector<std::uint32_t> philosophers, forks;
  for (std::uint32_t i = 0; i < n; ++i)
    philosophers.push_back(main.actor(i + 1, "philosopher"));
  for (std::uint32_t i = 0; i < n; ++i)
    forks.push_back(main.actor(i + 100, "fork"));
  main.invariant("exclusive fork: fork_granted until put_down");
  std::uint64_t next = 1;
  auto take = [&](std::int64_t at, std::uint32_t p, std::uint32_t f, bool granted) {
    auto ask = next++;
    main.sent(at, id(ask), philosophers[p], forks[f], "take", 0, message_role::request);
    main.handled(at + 1, at + 3, id(ask), forks[f], "take");
    if (!granted) return;
    auto grant = next++;
    main.sent(at + 2, id(grant), forks[f], philosophers[p], "fork_granted", id(ask), message_role::response);
    main.handled(at + 4, at + 5, id(grant), philosophers[p], "fork_granted");
  };
  for (std::uint32_t i = 0; i < n; ++i)
    take(10 + 10 * i, i, i, true);
  for (std::uint32_t i = 0; i < n; ++i)
    take(100 + 10 * i, i, (i + 1) % n, false);
  auto all = faults(merged(main));
  auto circle = std::ranges::find(all, rule::waits_in_circle, &finding::what);
  REQUIRE(circle != all.end());
  check_contains(circle->sentence,
                 "philosopher-1 waits for fork-2 (take main:7), fork-2 is held by philosopher-2, "
                 "philosopher-2 waits for fork-3");
  CHECK(std::ranges::count(all, rule::waits_in_circle, &finding::what) == 1);
  CHECK(std::ranges::count(all, rule::invariant, &finding::what) == 0);
}

TEST_CASE("a fork in two hands breaks its invariant", "[trace][check]") {
  node_builder main{"main", 1};
  auto x = main.actor(1, "philosopher"), y = main.actor(2, "philosopher"), fork = main.actor(3, "fork");
  main.invariant("exclusive fork: granted until put_down");
  main.sent(10, id(1), fork, x, "granted").handled(11, 12, id(1), x, "granted");
  auto given_back = GENERATE(true, false);
  if (given_back) main.sent(13, id(2), x, fork, "put_down").handled(14, 15, id(2), fork, "put_down");
  main.sent(16, id(3), fork, y, "granted").handled(17, 18, id(3), y, "granted");
  auto m = merged(main);
  if (given_back) {
    CHECK(trace::check_trace(m).empty());
    return;
  }
  check_contains(only_fault(m, rule::invariant),
                 "fork-1 was given to philosopher-2 while philosopher-1 still held it");
}

TEST_CASE("invariants forbid and count", "[trace][check]") {
  auto breach = [](const std::string& text) {
    sound_run r;
    r.main.invariant(text);
    auto all = faults(merged(r.main));
    return all.empty() ? std::string{} : all[0].sentence;
  };
  CHECK(breach("never kind=dropped").empty());
  CHECK(breach("exactly 1: type=go and kind=handled").empty());
  CHECK(breach("at most 3: kind=sent").empty());
  CHECK(breach("at least 3: kind=sent").empty());
  check_contains(breach("never type=go"), "it happened although \"never type=go\"");
  check_contains(breach("exactly 2: type=go and kind=handled"), "it happened 1 time although");
  check_contains(breach("at most 2: kind=sent"), "it happened 3 times although");
  check_contains(breach("at least 4: kind=sent"), "it happened 3 times although");
  check_contains(breach("always sunny"), "cannot be evaluated: an invariant begins with never");
  check_contains(breach("never kind=droped"), "did you mean \"dropped\"?");
  check_contains(breach("exactly many: kind=sent"), "a number and a colon are missing");
  check_contains(breach("exclusive fork granted until put_down"),
                 "it should read: exclusive ROLE: GRANTED until RELEASED");
  check_contains(breach("never "), "cannot be evaluated");
  check_contains(breach("order giver ask before go"), "it should read: order ROLE: FIRST before LAST");
  check_contains(breach("each ask: two answers"), "it should read: each TYPE: one RESULT");
  CHECK(breach("order giver: ask before go").empty());
  check_contains(breach("order giver: go before ask"), "giver-1 handled go main:3 after main:1, although");
  CHECK(breach("each ask: one answer").empty());
  CHECK(breach("each ask: at most one answer").empty());
  CHECK(breach("each go: at most one answer").empty());
  check_contains(breach("each go: one answer"), "go main:3 gave no message of type answer, although");
}

TEST_CASE("each asks for one result, and forgives those who were ended before", "[trace][check]") {
  sound_run r;
  r.main.invariant("each go: one done");
  SECTION("two are too many") {
    r.main.sent(30, id(4), r.b, r.a, "done", id(3)).handled(31, 32, id(4), r.a, "done");
    r.main.sent(33, id(5), r.b, r.a, "done", id(3)).handled(34, 35, id(5), r.a, "done");
    check_contains(only_fault(merged(r.main), rule::invariant), "go main:3 gave 2 messages of type done");
  }
  SECTION("one by a further cause is enough") {
    r.main.sent(30, id(4), r.b, r.a, "done", id(1)).also_caused_by(30, id(4), id(3));
    r.main.handled(31, 32, id(4), r.a, "done");
    CHECK(trace::check_trace(merged(r.main)).empty());
  }
  SECTION("none is too few of an actor that ended by itself") {
    r.main.exited(50, r.b, "normal");
    check_contains(only_fault(merged(r.main), rule::invariant), "go main:3 gave no message of type done");
  }
  SECTION("none is all right of an actor that was killed") {
    r.main.exited(50, r.b, "killed");
    CHECK(trace::check_trace(merged(r.main)).empty());
  }
  SECTION("none is all right once the run was told to end") {
    r.main.told_to_end(23, "interrupted", "interrupted");
    CHECK(trace::check_trace(merged(r.main)).empty());
  }
}

TEST_CASE("a circle is found as it was when the run was told to end", "[trace][check]") {
  node_builder main{"main", 1};
  auto a = main.actor(1, "left"), b = main.actor(2, "right");
  main.spawned(1, a).spawned(2, b);
  main.sent(10, id(1), a, b, "ask", 0, message_role::request).handled(12, 13, id(1), b, "ask");
  main.sent(11, id(2), b, a, "ask", 0, message_role::request).handled(14, 15, id(2), a, "ask");
  auto told = GENERATE(true, false);
  if (told) main.told_to_end(20, "deadlock", "they wait for each other");
  // Both are let go.
  main.sent(30, id(3), b, a, "error", id(1), message_role::response).handled(31, 32, id(3), a, "error");
  main.sent(33, id(4), a, b, "error", id(2), message_role::response).handled(34, 35, id(4), b, "error");
  auto m = merged(main);
  if (!told) {
    CHECK(trace::check_trace(m).empty());
    return;
  }
  check_contains(only_fault(m, rule::waits_in_circle), "deadlock: left-1 waits for right-1 (ask main:1)");
}

TEST_CASE("what is on its way back is not held when the run is told to end", "[trace][check]") {
  node_builder main{"main", 1};
  auto x = main.actor(1, "philosopher"), fork = main.actor(3, "fork");
  main.invariant("exclusive fork: granted until put_down");
  main.sent(10, id(1), fork, x, "granted").handled(11, 12, id(1), x, "granted");
  main.sent(13, id(2), x, fork, "ask", 0, message_role::request).handled(16, 17, id(2), fork, "ask");
  auto put = GENERATE(true, false);
  if (put) main.sent(14, id(3), x, fork, "put_down").handled(19, 20, id(3), fork, "put_down");
  main.told_to_end(18, "deadline", "the deadline passed");
  main.sent(20, id(4), fork, x, "no", id(2), message_role::response).handled(21, 22, id(4), x, "no");
  CHECK(faults(merged(main)).size() == (put ? 0 : 1));
}

TEST_CASE("nobody is stuck who has a message to handle or is gone with its node", "[trace][check]") {
  node_builder main{"main", 1};
  auto w1 = main.node("w1", 2);
  auto a = main.actor(1, "left"), b = main.actor(2, "right"), there = main.actor(3, "far", w1);
  main.spawned(1, a).spawned(2, b);
  main.sent(10, id(1), a, b, "ask", 0, message_role::request).handled(12, 13, id(1), b, "ask");
  main.sent(11, id(2), b, a, "ask", 0, message_role::request).handled(14, 15, id(2), a, "ask");
  main.sent(11, id(3), b, there, "hello");
  std::int64_t b_ends = 41;
  SECTION("a timer") {
    main.sent(16, id(4), a, a, "tick").timer_set(16, id(4), a, 1000);
    main.told_to_end(20, "interrupted", "interrupted");
    main.dead_lettered(25, id(4), a, "tick", "receiver has ended");
  }
  SECTION("its handler is running") {
    main.sent(16, id(4), b, a, "go").handled(17, 30, id(4), a, "go");
    main.told_to_end(20, "node_lost", "node w1 was lost");
  }
  SECTION("it ended before") {
    b_ends = 17;
    main.told_to_end(20, "node_lost", "node w1 was lost");
  }
  main.exited(40, a, "exit_reason(user_shutdown)").exited(b_ends, b, "normal");
  const auto all = trace::check_trace(merged(main));
  CHECK_FALSE(trace::any_fault(all));
  CHECK(std::ranges::count(all, rule::waits, &finding::what) == 1);
}

TEST_CASE("a request whose answer nobody handled any more is answered", "[trace][check]") {
  node_builder main{"main", 1};
  auto x = main.actor(1, "philosopher"), fork = main.actor(3, "fork"), other = main.actor(4, "philosopher");
  main.spawned(1, x).spawned(1, fork).spawned(1, other);
  main.invariant("exclusive fork: granted until put_down");
  main.sent(10, id(1), x, fork, "take", 0, message_role::request).handled(11, 12, id(1), fork, "take");
  // The fork answers when it is put back; whom, only the one who gets the answer can tell.
  main.sent(12, id(2), other, fork, "put_down").handled(13, 16, id(2), fork, "put_down");
  main.sent(15, id(3), fork, x, "granted", id(2), message_role::response);
  const bool told = GENERATE(true, false);
  if (told) main.told_to_end(20, "node_lost", "node w1 was lost");
  main.dead_lettered(30, id(3), x, "granted", "receiver has ended");
  main.exited(29, x, "normal").exited(31, fork, "normal");
  const auto all = trace::check_trace(merged(main));
  CHECK_FALSE(trace::any_fault(all));
  CHECK(std::ranges::count(all, rule::waits, &finding::what) == 0);
}

TEST_CASE("a request that the end of the run cut short is waited for, and no fault", "[trace][check]") {
  sound_run r;
  r.main.sent(30, id(4), r.a, r.b, "ask", 0, message_role::request).handled(31, 32, id(4), r.b, "ask");
  SECTION("who asked was told to end") { r.main.exited(40, r.a, "exit_reason(user_shutdown)"); }
  SECTION("who was asked was told to end") { r.main.exited(40, r.b, "exit_reason(user_shutdown)"); }
  SECTION("the run was") {
    r.main.told_to_end(33, "interrupted", "interrupted").exited(40, r.a, "normal").exited(40, r.b, "normal");
  }
  const auto all = trace::check_trace(merged(r.main));
  REQUIRE(all.size() == 1);
  CHECK(all[0].what == rule::waits);
  CHECK(all[0].how == severity::note);
}

TEST_CASE("what was on its way when a link did not end in order is lost, else it vanished",
          "[trace][check]") {
  tests::ping_pong p;
  const std::string how = GENERATE("left", "silent", "stopped", "replaced", "protocol");
  const bool seen_there = GENERATE(true, false);
  auto& witness = seen_there ? p.w1 : p.main;
  witness.link(node_builder::kind::node_down, 80, seen_there ? p.main_at_w1 : p.w1_at_main,
               witness.string(how));
  p.main.sent(70, id(2), p.client, p.server_there, "go");
  p.w1.exited(90, p.server, "exit_reason(user_shutdown)");
  const auto m = p.merge();
  const auto ledger = trace::balance(m);
  CHECK(ledger.count(trace::fate::lost) == (how == "left" ? 0 : 1));
  CHECK(ledger.balanced() == (how != "left"));
  CHECK(trace::any_fault(trace::check_trace(m)) == (how == "left"));
}

TEST_CASE("what a node kept when it stopped, for actors that did not end, is dropped", "[trace][check]") {
  sound_run r;
  r.main.sent(30, id(4), r.a, r.b, "go").exited(40, r.a, "exit_reason(user_shutdown)");
  const auto m = merged(r.main);
  const auto ledger = trace::balance(m);
  CHECK(ledger.dropped == std::map<std::string, std::uint64_t>{{"shutdown", 1}});
  const auto all = trace::check_trace(m);
  REQUIRE(all.size() == 1);
  CHECK(all[0].how == severity::note);
  check_contains(all[0].sentence, "1 message of type go dropped: shutdown");
}

TEST_CASE("of a sampled trace only what it can tell is judged", "[trace][check]") {
  sound_run r;
  r.main.raw().info.sample_one_in = 10;
  r.main.invariant("at least 100: type=go");
  r.main.invariant("at most 0: type=go");
  r.main.sent(30, id(4), r.a, r.b, "ask", 0, message_role::request).handled(31, 32, id(4), r.b, "ask");
  auto all = trace::check_trace(merged(r.main));
  REQUIRE(all.size() == 2);
  check_contains(all[0].sentence, "it happened 2 times although \"at most 0: type=go\"");
  check_contains(all[1].sentence, "\"at least 100: type=go\" was not judged: only a part");
  CHECK(all[1].how == severity::note);
}

TEST_CASE("what an incomplete trace lacks breaks no promise for sure", "[trace][check]") {
  sound_run r;
  r.main.invariant("at least 100: type=go");
  r.main.killed();
  auto all = trace::check_trace(merged(r.main));
  REQUIRE(all.size() == 1);
  CHECK(all[0].how == severity::note);
  check_contains(all[0].sentence, "but the trace is not complete");
}
