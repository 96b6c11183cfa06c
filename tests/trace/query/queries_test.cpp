#include "tests/support/catch.hpp"
#include "tests/trace/builder.hpp"
#include "tests/trace/commands.hpp"
#include "trace/query/critical_path.hpp"
#include "trace/query/diff.hpp"
#include "trace/query/follow.hpp"
#include "trace/query/graph.hpp"
#include "trace/query/stats.hpp"

#include <nlohmann/json.hpp>

using namespace troupe;
using nlohmann::json;
using tests::id;
using tests::merged;
using tests::node_builder;
using trace::filter;
using trace::no_row;
using trace::row;

namespace {

/// A boss splits a job in two parts for two workers and joins their results.
///   job 0..10 | part 1: worker-1 12..40 | part 2: worker-2 14..20 | results at 45, 50 | done 52
node_builder split_and_join() {
  node_builder main{"main", 1};
  auto boss = main.actor(1, "boss"), w1 = main.actor(2, "worker"), w2 = main.actor(3, "worker");
  main.spawned(0, boss).spawned(0, w1).spawned(0, w2);
  main.sent(1, id(1), 0, boss, "job").handled(2, 10, id(1), boss, "job");
  main.sent(5, id(2), boss, w1, "part", id(1)).sent(8, id(3), boss, w2, "part", id(1));
  main.handled(12, 40, id(2), w1, "part").handled(14, 20, id(3), w2, "part");
  main.sent(40, id(4), w1, boss, "result", id(2)).sent(19, id(5), w2, boss, "result", id(3));
  main.handled(22, 44, id(5), boss, "result").handled(45, 50, id(4), boss, "result");
  main.sent(48, id(6), boss, 0, "done", id(4)).also_caused_by(48, id(6), id(5));
  main.dropped(49, id(6), 0, "done", "shutdown");
  return main;
}

row message(const trace::model& m, const char* name) {
  std::string why;
  auto found = m.find_message(name, why);
  REQUIRE(found != no_row);
  return found;
}

filter bound(const trace::model& m, const char* text) {
  filter f{text};
  f.bind(m);
  return f;
}

} // namespace

TEST_CASE("following a message shows its causes to the root and all its effects", "[trace][follow]") {
  auto main = split_and_join();
  auto m = merged(main);
  auto f = trace::follow_message(m, message(m, "2"), 0);
  std::vector<std::string> order;
  for (auto& h : f.hops)
    order.push_back(m.message_name(h.message));
  CHECK(order == std::vector<std::string>{"main:1", "main:2", "main:4", "main:6"});
  CHECK(f.hops[1].asked);
  CHECK(f.hops[3].depth == 3);
  CHECK(f.hops[3].other_causes == std::vector<row>{message(m, "5")});
  CHECK(f.effects == 2);
  CHECK(f.from == 1'000);
  auto text = render_text(f, 0).plain();
  CHECK(text.find("▶ main:2 part  boss-1 → worker-1  waited 7.00 µs, handled in 28.0 µs")
        != std::string::npos);
  CHECK(text.find("dropped: shutdown  also because of main:5") != std::string::npos);
  auto j = json::parse(render_json(f));
  CHECK(j["hops"][1]["asked"] == true);
  CHECK(j["hops"][3]["causes"] == json::array({"main:4", "main:5"}));
  CHECK(j["hops"][3]["fate"] == "dropped");
  // From the root, the join is reached twice and shown in full once.
  auto all = trace::follow_message(m, message(m, "1"), 0);
  CHECK(all.effects == 5);
  CHECK(all.hops.size() == 7);
  CHECK(std::ranges::count(all.hops, true, &trace::hop::seen) == 1);
  auto some = trace::follow_message(m, message(m, "1"), 2);
  CHECK(some.hops.size() == 3);
  CHECK(some.left_out == 3);
}

TEST_CASE("following a message shows all that a join waited for, with their times", "[trace][follow]") {
  auto main = split_and_join();
  const auto m = merged(main);
  const auto f = trace::follow_message(m, message(m, "6"), 0);
  CHECK(f.effects == 0);
  CHECK(f.causes_left_out == 0);
  CHECK(
      render_text(f, 0).plain()
      == "    0.000001 s  · main:1 job  outside → boss-1  waited 1.00 µs, handled in 8.00 µs\n"
         "    0.000008 s    + main:3 part  boss-1 → worker-2  waited 6.00 µs, handled in 6.00 µs\n"
         "    0.000019 s      + main:5 result  worker-2 → boss-1  waited 3.00 µs, handled in 22.0 µs\n"
         "    0.000005 s    · main:2 part  boss-1 → worker-1  waited 7.00 µs, handled in 28.0 µs\n"
         "    0.000040 s      · main:4 result  worker-1 → boss-1  waited 5.00 µs, handled in 5.00 µs\n"
         "    0.000048 s        ▶ main:6 done  boss-1 → outside  dropped: shutdown  also because of main:5\n"
         "\n0 effects after main:6; 48.0 µs from the first send to the last handler's end\n");
  // Of more than may be shown, the nearest stay, and the chain.
  const auto some = trace::follow_message(m, message(m, "6"), 1);
  CHECK(some.causes_left_out == 1);
  std::vector<std::string> order;
  for (auto& h : some.hops)
    order.push_back(m.message_name(h.message));
  CHECK(order == std::vector<std::string>{"main:1", "main:5", "main:2", "main:4", "main:6"});
  CHECK(render_text(some, 0).plain().find("1 cause more\n") != std::string::npos);
  const auto j = json::parse(render_json(f));
  CHECK(j["hops"][1]["joined"] == true);
  CHECK(j["hops"][3]["joined"] == false);
  CHECK(j["hops"][5]["asked"] == true);
  CHECK(j["hops"][5]["depth"] == 3);
}

TEST_CASE("what joins of joins waited for has several roots; a message stands there once",
          "[trace][follow]") {
  node_builder main{"main", 1};
  auto leaf = main.actor(1, "leaf"), node = main.actor(2, "node"), root = main.actor(3, "root");
  main.sent(1, id(1), leaf, node, "part")
      .sent(2, id(2), leaf, node, "part")
      .sent(3, id(3), leaf, node, "part");
  main.sent(10, id(4), node, node, "half", id(2)).also_caused_by(10, id(4), id(1));
  main.sent(11, id(5), node, node, "half", id(3)).also_caused_by(11, id(5), id(1));
  main.sent(20, id(6), node, root, "whole", id(5)).also_caused_by(20, id(6), id(4));
  main.sent(30, id(7), root, 0, "told", id(6));
  const auto m = merged(main);
  const auto f = trace::follow_message(m, message(m, "6"), 0);
  std::vector<std::pair<std::string, std::uint32_t>> order;
  std::vector<bool> joined;
  for (auto& h : f.hops) {
    order.emplace_back(m.message_name(h.message), h.depth);
    joined.push_back(h.joined);
  }
  CHECK(order
        == std::vector<std::pair<std::string, std::uint32_t>>{{"main:1", 0},
                                                              {"main:2", 0},
                                                              {"main:4", 1},
                                                              {"main:3", 0},
                                                              {"main:5", 1},
                                                              {"main:6", 2},
                                                              {"main:7", 3}});
  CHECK(joined == std::vector<bool>{true, true, true, false, false, false, false});
  CHECK(f.hops[2].other_causes == std::vector<row>{message(m, "1")});
  CHECK(f.hops[4].other_causes == std::vector<row>{message(m, "1")});
  CHECK(f.from == 1'000);
  CHECK(f.effects == 1);
}

TEST_CASE("the critical path goes through whatever was waited for", "[trace][path]") {
  auto main = split_and_join();
  auto m = merged(main);
  auto p = trace::find_critical_path(m, bound(m, ""));
  std::vector<std::string> order;
  for (auto& h : p.hops)
    order.push_back(m.message_name(h.message));
  // The last result waited for the boss, who was busy with the other one until 44.
  CHECK(order == std::vector<std::string>{"main:1", "main:3", "main:5", "main:4"});
  CHECK(p.hops[3].behind);
  CHECK(p.hops[3].wait_ns == 1'000);
  CHECK(p.from == 1'000);
  CHECK(p.to == 50'000);
  CHECK(p.network_ns + p.delay_ns + p.wait_ns + p.handling_ns == p.to - p.from);
  auto to_part = trace::find_critical_path(m, bound(m, "type=part"));
  CHECK(to_part.hops.size() == 2);
  CHECK(m.message_name(to_part.hops[1].message) == "main:2");
  CHECK(to_part.to == 40'000);
  CHECK(json::parse(render_json(p))["hops"][3]["waited_for"] == "actor");
  CHECK(render_text(p, 0).plain().find("critical path: 49.0 µs of 50.0 µs, 4 handlers") != std::string::npos);
  CHECK(render_text(trace::find_critical_path(m, bound(m, "type=none")), 0).plain().find("no handler") == 0);
}

TEST_CASE("over two nodes the path splits into network, mailbox and handling", "[trace][path]") {
  auto m = tests::ping_pong{}.merge();
  auto p = trace::find_critical_path(m, bound(m, ""));
  REQUIRE(p.hops.size() == 2);
  CHECK(p.hops[0].network_ns == 10'000);
  CHECK(p.hops[0].wait_ns == 10'000);
  CHECK(p.hops[0].handling_ns == 15'000); // until it sent the answer
  CHECK(p.hops[1].network_ns == 10'000);
  CHECK(p.hops[1].wait_ns == 5'000);
  CHECK(p.hops[1].handling_ns == 5'000);
  CHECK(p.to - p.from == 55'000);
}

TEST_CASE("what was sent from outside of actors follows the last handler of its node", "[trace][path]") {
  node_builder main{"main", 1}, w1{"w1", 2};
  auto w1_there = main.node("w1", 2), main_there = w1.node("main", 1);
  auto worker = w1.actor(8, "worker"), worker_at_main = main.actor(8, "", w1_there),
       boss = main.actor(3, "boss");
  // The wiring spawns, waits for the answer, and starts the work; elsewhere something goes on.
  main.sent(5, id(1), 0, worker_at_main, "spawn");
  w1.handled(10, 20, id(1, main_there), worker, "spawn");
  w1.sent(15, id(9), worker, 0, "spawned", id(1, main_there));
  main.handled(30, 31, id(9, w1_there), boss, "spawned");
  main.sent(40, id(2), 0, boss, "go").handled(50, 60, id(2), boss, "go");
  w1.sent(32, id(10), worker, worker, "other").handled(35, 38, id(10), worker, "other");
  auto m = merged(main, w1);
  auto p = trace::find_critical_path(m, bound(m, ""));
  REQUIRE(p.hops.size() == 3);
  CHECK(m.text(m.messages.type[p.hops[0].message]) == "spawn");
  CHECK_FALSE(p.hops[0].bridged);
  CHECK(p.hops[2].bridged);
  CHECK(p.hops[2].outside_ns == 9'000);
  CHECK(p.network_ns + p.delay_ns + p.wait_ns + p.handling_ns + p.outside_ns == p.to - p.from);
  CHECK(render_text(p, 0).plain().find("sent from outside, 9.00 µs after that") != std::string::npos);
  CHECK(json::parse(render_json(p))["hops"][2]["waited_for"] == "outside");
}

TEST_CASE("a new actor's first message follows from the message that made it", "[trace][path]") {
  node_builder main{"main", 1};
  auto boss = main.actor(1, "boss"), fresh = main.actor(2, "fresh");
  main.sent(1, id(1), 0, boss, "hire").handled(2, 10, id(1), boss, "hire");
  main.spawned(5, fresh, boss, id(1)).sent(25, id(2), fresh, boss, "ready", id(1));
  main.handled(30, 31, id(2), boss, "ready");
  auto m = merged(main);
  auto p = trace::find_critical_path(m, bound(m, ""));
  REQUIRE(p.hops.size() == 2);
  CHECK(p.hops[0].handling_ns == 8'000);
  CHECK(p.hops[1].outside_ns == 15'000);
  CHECK(p.handling_ns + p.wait_ns + p.outside_ns == p.to - p.from);
}

TEST_CASE("a timer's delay is neither network nor mailbox", "[trace][path]") {
  node_builder main{"main", 1};
  auto a = main.actor(1, "clock");
  main.timer_set(10, id(1), a, 1'000).sent(10, id(1), a, a, "tick").handled(1'015, 1'020, id(1), a, "tick");
  auto m = merged(main);
  CHECK(m.wait_ns(0) == 5'000);
  auto p = trace::find_critical_path(m, bound(m, ""));
  REQUIRE(p.hops.size() == 1);
  CHECK(p.hops[0].delay_ns == 1'000'000);
  CHECK(p.hops[0].wait_ns == 5'000);
}

TEST_CASE("percentiles are those of the nearest rank", "[trace][stats]") {
  std::vector<std::int64_t> values;
  for (int i = 100; i >= 1; --i)
    values.push_back(i);
  auto d = trace::distribution_of(values);
  CHECK(d.p50 == 50);
  CHECK(d.p95 == 95);
  CHECK(d.p99 == 99);
  CHECK(d.max == 100);
  std::vector<std::int64_t> one{7};
  CHECK(trace::distribution_of(one).p50 == 7);
  std::vector<std::int64_t> none;
  CHECK(trace::distribution_of(none).count == 0);
}

TEST_CASE("stats count by type, role, node and actor, and watch the mailboxes", "[trace][stats]") {
  auto main = split_and_join();
  auto m = merged(main);
  auto s = trace::compute_stats(m, bound(m, ""));
  REQUIRE(s.types.size() == 3);
  CHECK(s.types[0].name == "part"); // the busiest
  CHECK(s.types[0].messages == 2);
  CHECK(s.types[0].busy_ns == 34'000);
  CHECK(s.types[0].handling.max == 28'000);
  CHECK(s.roles.size() == 2);
  CHECK(s.nodes.size() == 1);
  CHECK(s.nodes[0].messages == 5);
  CHECK(s.actors.size() == 3);
  CHECK(s.actors[0].name == "boss-1");
  CHECK(s.mailboxes.empty()); // never two at once
  auto only = trace::compute_stats(m, bound(m, "actor=worker-1"));
  CHECK(only.actors.size() == 1);
  CHECK(json::parse(render_json(s))["types"][0]["handling"]["p50_ns"] == 6'000);
  CHECK(render_text(s, 0, 0).plain().find("no mailbox ever held more than one") != std::string::npos);

  node_builder busy{"main", 1};
  auto a = busy.actor(1, "a"), b = busy.actor(2, "b");
  for (std::uint64_t i = 1; i <= 10; ++i)
    busy.sent(static_cast<std::int64_t>(i), id(i), a, b, "m");
  for (std::uint64_t i = 1; i <= 10; ++i)
    busy.handled(static_cast<std::int64_t>(10 + i * 9), static_cast<std::int64_t>(15 + i * 9), id(i), b, "m");
  auto n = merged(busy);
  auto deep = trace::compute_stats(n, bound(n, ""));
  REQUIRE(deep.mailboxes.size() == 1);
  CHECK(deep.mailboxes[0].deepest == 10);
  CHECK(deep.mailboxes[0].deepest_at == 10'000);
  CHECK(deep.mailboxes[0].depth[4] == 10);
  CHECK(deep.mailboxes[0].depth.back() <= 1);
  CHECK(deep.mailboxes[0].mean == Approx(4.9).margin(0.3));
  CHECK(render_text(deep, 0, 0).plain().find("█") != std::string::npos);
}

TEST_CASE("the graph says who talks to whom with counts and bytes", "[trace][graph]") {
  auto m = tests::ping_pong{}.merge();
  auto g = trace::who_talks_to_whom(m, bound(m, ""), "");
  REQUIRE(g.edges.size() == 2);
  CHECK(g.vertices[g.edges[0].from].name == "client-1");
  CHECK(g.edges[0].bytes == 100);
  CHECK(render_text(g, 0).plain().find("client-1  server-1") != std::string::npos);
  auto dot = render_dot(g);
  CHECK(dot.find("subgraph cluster_1") != std::string::npos);
  CHECK(dot.find("v0 -> v1 [label=\"1 message, 100 B\"") != std::string::npos);
  CHECK(json::parse(render_json(g))["edges"][1]["types"]["pong"] == 1);
  CHECK(trace::who_talks_to_whom(m, bound(m, ""), "node").vertices[0].name == "main");
  CHECK(trace::who_talks_to_whom(m, bound(m, ""), "role").vertices[0].name == "client");
  CHECK(trace::who_talks_to_whom(m, bound(m, "type=pong"), "").edges.size() == 1);
  CHECK_THROWS_WITH(trace::who_talks_to_whom(m, bound(m, ""), "colour"),
                    "a graph can be by actor, role or node, not by \"colour\"");
}

TEST_CASE("names from outside cannot break out of a DOT string", "[trace][graph]") {
  node_builder main{"main", 1};
  auto a = main.actor(1, "x\"]; evil [label=\"\\");
  main.sent(1, id(1), a, a, "t\"\n").handled(2, 3, id(1), a, "t\"\n");
  auto m = merged(main);
  auto dot = render_dot(trace::who_talks_to_whom(m, bound(m, ""), ""));
  CHECK(dot.find("label=\"x\\\"]; evil [label=\\\"\\\\-1\"") != std::string::npos);
}

TEST_CASE("two runs of the same structure do not differ, whatever their times", "[trace][diff]") {
  auto one = split_and_join(), two = split_and_join();
  for (auto& r : two.raw().records)
    r.time_kind += (r.time_kind >> 8) << 8; // everything takes twice as long
  auto left = merged(one), right = merged(two);
  auto d = trace::compare(left, right);
  CHECK(d.same());
  CHECK(render_text(d, left, right, 0, 0).plain() == "the runs have the same structure\n");
}

TEST_CASE("a diff names what is more, what is missing, and where they part first", "[trace][diff]") {
  auto one = split_and_join(), two = split_and_join();
  two.sent(60, id(7), 2, 3, "extra").handled(61, 62, id(7), 3, "extra");
  auto lone = two.actor(9, "observer");
  two.spawned(63, lone);
  auto left = merged(one), right = merged(two);
  auto d = trace::compare(left, right);
  CHECK_FALSE(d.same());
  REQUIRE(d.actors.size() == 1);
  CHECK(d.actors[0].what == "observer on main");
  REQUIRE(d.messages.size() == 1);
  CHECK(d.messages[0].what == "worker-1 → worker-2: extra");
  CHECK(d.messages[0].right == 1);
  REQUIRE(d.partings.size() == 1);
  CHECK(d.partings[0].actor == "worker-2");
  CHECK(d.partings[0].nth == 2);
  CHECK(d.partings[0].left == no_row);
  auto text = render_text(d, left, right, 0, 0).plain();
  CHECK(text.find(
            "worker-2, message 2: left handled nothing more; right handled extra from worker-1 at 0.000061 s")
        != std::string::npos);
  CHECK(json::parse(render_json(d, left, right))["partings"][0]["right"]["message"] == "main:7");
}
