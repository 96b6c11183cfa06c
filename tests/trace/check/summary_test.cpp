#include "cli/trace/commands.hpp"
#include "tests/support/catch.hpp"
#include "tests/trace/builder.hpp"
#include "tests/trace/commands.hpp"
#include "tests/trace/support.hpp"
#include "trace/check/summary.hpp"
#include "trace/query/show.hpp"
#include "trace/record/recorder.hpp"

#include <nlohmann/json.hpp>

using namespace troupe;
using tests::run_command;
using trace::row;

TEST_CASE("a summary counts what happened", "[trace][summary]") {
  auto m = tests::ping_pong{}.merge();
  auto s = trace::summarize(m);
  CHECK(s.events == 8);
  CHECK(s.ledger.sent == 2);
  CHECK(s.ledger.count(trace::fate::handled) == 2);
  REQUIRE(s.roles.size() == 2);
  CHECK(s.roles[0].role == "client");
  CHECK(s.roles[0].node == "main");
  CHECK(s.roles[1].busy_ns == 20'000);
  REQUIRE(s.types.size() == 2);
  CHECK(s.types[0].type == "ping");
  CHECK(s.types[0].between_nodes == 1);
  CHECK(s.types[0].bytes == 100);
  CHECK(s.types[0].wait_ns == 10'000);
  auto text = render_text(s, 0).plain();
  CHECK(text.find("the trace is complete") != std::string::npos);
  CHECK(text.find("sent 2 = handled 2 + dropped 0 + dead-lettered 0 + lost 0") != std::string::npos);
  CHECK(text.find("\x1b[") == std::string::npos);
  auto j = nlohmann::json::parse(render_json(s));
  CHECK(j["complete"] == true);
  CHECK(j["ledger"]["sent"] == 2);
  CHECK(j["ledger"]["balanced"] == true);
  CHECK(j["nodes"][1]["name"] == "w1");
  CHECK(j["types"][1]["mean_handling_ns"] == 5'000);
}

TEST_CASE("a summary says why the launcher ended the run", "[trace][summary]") {
  tests::ping_pong p;
  p.main.told_to_end(80, "deadline", "the deadline of 1ms passed");
  auto m = p.merge();
  auto s = trace::summarize(m);
  CHECK(render_text(s, 0).plain().find("told to: deadline, the deadline of 1ms passed\n")
        != std::string::npos);
  auto j = nlohmann::json::parse(render_json(s));
  CHECK(j["told_to_end"]["verdict"] == "deadline");
  CHECK(j["told_to_end"]["reason"] == "the deadline of 1ms passed");
  CHECK(j["told_to_end"]["at_ns"] == 80'000);

  auto calm = tests::ping_pong{}.merge();
  CHECK(nlohmann::json::parse(render_json(trace::summarize(calm)))["told_to_end"].is_null());
}

TEST_CASE("a summary says which nodes stood still, and for how long", "[trace][summary]") {
  tests::ping_pong p;
  p.main.stood_still(40, 8'000'000).stood_still(80, 19'600'000);
  auto m = p.merge();
  auto s = trace::summarize(m);
  CHECK(render_text(s, 0).plain().find(
            "paused     main did not run for 19.6 s until 0.000080 s, the longest of 2 times\n")
        != std::string::npos);
  auto j = nlohmann::json::parse(render_json(s));
  REQUIRE(j["stood_still"].size() == 1);
  CHECK(j["stood_still"][0]["node"] == "main");
  CHECK(j["stood_still"][0]["longest_ns"] == 19'600'000'000);
}

TEST_CASE("every kind of event reads as a sentence and as JSON", "[trace][show]") {
  tests::ping_pong p;
  using kind = tests::node_builder::kind;
  auto ping = tests::id(1);
  p.main.link(kind::link_up, 3, p.w1_at_main).link(kind::node_up, 4, p.w1_at_main);
  p.main.timer_set(66, ping, p.client, 2'000).redelivered(67, tests::id(9), ping, p.client);
  p.main.link(kind::link_resumed, 68, p.w1_at_main, 3).clock_offset(69, p.w1_at_main, 5, 1);
  p.main.fault(70, "kill", "w1").link(kind::link_down, 71, p.w1_at_main, p.main.string("silent"));
  p.main.link(kind::node_down, 72, p.w1_at_main, p.main.string("silent"));
  p.main.noted(73, p.client, ping, "all \x1b[2Jwell").exited(74, p.client, "normal");
  p.main.sent(75, tests::id(10), p.client, p.server_there, "late");
  p.main.dropped(76, tests::id(10), p.server_there, "late", "peer_down");
  p.main.sent(77, tests::id(11), p.client, p.client, "later");
  p.main.dead_lettered(78, tests::id(11), p.client, "later", "gone");
  p.main.payload(10, ping, "(ping(\"\x1b\"))");
  auto m = p.merge();
  std::string all;
  for (row i = 0; i < m.events.size(); ++i) {
    all += event_line(m, i, 0).plain() + "\n";
    auto j = nlohmann::json::parse(event_json(m, i));
    CHECK(j["kind"] == std::string{to_string(m.events.kind[i])});
    CHECK(j["time_ns"] == m.events.time[i]);
  }
  for (auto sentence : {
           "0.000010 s  main      client-1 requested ping main:1 to server-1; content (ping(\"\\x1b\"))\n",
           "0.000020 s  w1        ping main:1 from client-1 arrived for server-1, 100 B, 10.0 µs on the way",
           "server-1 handled ping main:1 from client-1 in 20.0 µs, waited 10.0 µs",
           "server-1 answered pong w1:5 to client-1, because of main:1",
           "the link to w1 is up",
           "the link to w1 is down: silent",
           "the link to w1 resumed, 3 frames sent again",
           "the clock of w1 is 5.00 µs ahead of ours",
           "fault kill: w1",
           "w1 is down: silent",
           "client-1 noted: all \\x1b[2Jwell",
           "client-1 exited: normal",
           "late main:10 for server-1 was dropped: peer_down",
           "later main:11 for client-1 became a dead letter: gone",
           "client-1 set a timer of 2.00 ms: main:1",
           "client-1 delivered main:1 again as main:9",
           "outside spawned client-1",
       }) {
    INFO(sentence);
    CHECK(all.find(sentence) != std::string::npos);
  }
  CHECK(nlohmann::json::parse(event_json(m, m.messages.sent[0]))["payload"] == "(ping(\"\x1b\"))");
  auto sent = nlohmann::json::parse(event_json(m, m.messages.sent[1]));
  CHECK_FALSE(sent.contains("payload"));
  CHECK(sent["causes"][0] == "main:1");
  CHECK(sent["role"] == "response");
}

TEST_CASE("commands work on a run directory and tell mistakes apart from data", "[trace][commands]") {
  testing::temporary_directory dir;
  {
    trace::recorder_options o;
    o.directory = dir.path();
    o.node = "main";
    trace::recorder r{o};
    auto a = r.add_actor(0, 1, "client"), b = r.add_actor(0, 2, "server");
    auto type = r.intern("ping");
    for (int i = 0; i < 10; ++i) {
      auto id = r.send({}, a, b, type).id;
      r.handled(id, b, type, r.now());
    }
  }
  trace::trace_query q;
  q.inputs = {dir.path()};
  auto summary = run_command(trace::summary, q);
  CHECK(summary.code == 0);
  CHECK(summary.out.find("sent 10 = handled 10") != std::string::npos);
  CHECK(summary.err.empty());

  q.limit = 3;
  q.actor = "serv*";
  auto show = run_command(trace::show, q);
  CHECK(show.code == 0);
  CHECK(std::count(show.out.begin(), show.out.end(), '\n') == 3);
  CHECK(show.err.find("17 events more; --limit 3 was reached") != std::string::npos);

  q.json = true;
  q.where = "kind=handled";
  show = run_command(trace::show, q);
  CHECK(std::count(show.out.begin(), show.out.end(), '\n') == 3);
  for (auto& line : tests::lines(show.out))
    CHECK(nlohmann::json::parse(line)["kind"] == "handled");
  CHECK(show.err.empty());

  q.where = "kind=handeld";
  show = run_command(trace::show, q);
  CHECK(show.code == 2);
  CHECK(show.out.empty());
  CHECK(show.err.find("^~~~~~~ there is no kind \"handeld\"; did you mean \"handled\"?")
        != std::string::npos);

  q.where = "";
  q.from = "yesterday";
  show = run_command(trace::show, q);
  CHECK(show.code == 2);
  CHECK(show.err.find("--from: \"yesterday\" is no time") != std::string::npos);

  q.from = "";
  q.inputs = {dir.path() / "absent"};
  show = run_command(trace::show, q);
  CHECK(show.code == 2);
  CHECK(show.err.find("does not exist") != std::string::npos);
}
