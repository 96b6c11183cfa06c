#include "support/catch.hpp"
#include "trace/database.hpp"
#include "trace/export.hpp"
#include "trace/graph.hpp"
#include "trace/recorder.hpp"
#include "unit/trace_builder.hpp"
#include "unit/trace_commands.hpp"
#include "unit/trace_support.hpp"

#include <map>
#include <nlohmann/json.hpp>
#include <regex>
#include <set>
#include <sqlite3.h>

using namespace troupe;
using nlohmann::json;
using tests::merged;
using tests::node_builder;

namespace {

auto id(std::uint64_t number, std::uint16_t node = 0) { return node_builder::id(number, node); }

/// Everything that an export has to cope with: two nodes, a join, sends from outside, a
/// handler that never ended, drops, awkward names, times before the start.
trace::model awkward_run() {
  tests::ping_pong p;
  auto odd = p.main.actor(9, "odd; \"name\" #1 {x}");
  p.main.spawned(3, odd);
  p.main.sent(4, id(20), 0, odd, "from, \"outside\"\n").handled(6, 30, id(20), odd, "from, \"outside\"\n");
  p.main.sent(7, id(21), odd, p.client, "a").sent(8, id(22), odd, p.client, "b", id(20));
  p.main.handled(9, 10, id(21), p.client, "a").handled(11, 12, id(22), p.client, "b");
  p.main.sent(70, id(23), p.client, odd, "join", id(22)).also_caused_by(70, id(23), id(21));
  p.main.also_caused_by(70, id(23), id(5, p.w1_at_main)).handled(71, 72, id(23), odd, "join");
  p.main.sent(73, id(24), p.client, odd, "gone").dropped(74, id(24), odd, "gone", "queue_full");
  p.main.noted(75, odd, 0, "a note\nof two lines").exited(76, odd, "normal");
  p.main.sent(77, id(25), p.client, p.server_there, "ping");
  p.w1.delivered(80, id(25, p.main_at_w1), p.server, "ping", 10)
      .killed_in(81, id(25, p.main_at_w1), p.server, "ping");
  p.w1.sent(90, id(6), p.server, p.client_there, "last words", id(25, p.main_at_w1));
  p.main.payload(78, id(25), std::string("\0binary\xff", 8));
  return p.merge();
}

std::string
exported(void (*write)(const trace::model&, const trace::selection&, std::FILE*, std::vector<std::string>&),
         const trace::model& m, const char* where = "", std::vector<std::string>* notes = nullptr) {
  trace::filter f{where};
  f.bind(m);
  tests::captured_stream out;
  std::vector<std::string> ignored;
  write(m, trace::matching_messages(m, f), out.file(), notes ? *notes : ignored);
  return out.text();
}

struct slice {
  double from, to;
};

} // namespace

TEST_CASE("the Perfetto export keeps its readers' rules", "[trace][export]") {
  auto m = awkward_run();
  auto j = json::parse(exported(trace::export_perfetto, m));
  std::map<std::pair<int, int>, std::vector<slice>> threads;
  for (auto& e : j["traceEvents"]) {
    if (e["ph"] != "M") CHECK(e["ts"].get<double>() >= 0);
    if (e["ph"] == "X") {
      CHECK(e["dur"].get<double>() >= 0);
      threads[{e["pid"], e["tid"]}].push_back({e["ts"], e["ts"].get<double>() + e["dur"].get<double>()});
    }
  }
  // Slices of a thread nest: no two overlap in part.
  for (auto& [thread, slices] : threads)
    for (auto& a : slices)
      for (auto& b : slices) {
        bool apart = a.to <= b.from || b.to <= a.from;
        bool nested = (a.from <= b.from && b.to <= a.to) || (b.from <= a.from && a.to <= b.to);
        CHECK((apart || nested));
      }
  std::map<std::string, int> starts, ends;
  for (auto& e : j["traceEvents"]) {
    if (e["ph"] != "s" && e["ph"] != "f") continue;
    auto flow = e["id"].get<std::string>();
    CHECK(std::regex_match(flow, std::regex{"[0-9a-f]{1,16}"}));
    ++(e["ph"] == "s" ? starts : ends)[flow];
    if (e["ph"] == "f") CHECK(e["bp"] == "e");
    auto ts = e["ts"].get<double>();
    auto& slices = threads[{e["pid"], e["tid"]}];
    INFO(e.dump());
    CHECK(std::ranges::any_of(slices, [&](auto& s) { return s.from <= ts && ts <= s.to; }));
  }
  CHECK(starts.size() == 7);
  CHECK(starts == ends); // each flow has one begin and one end
  for (auto& [flow, n] : starts)
    CHECK(n == 1);
}

TEST_CASE("Perfetto reads every nanosecond of handlers that follow each other at once", "[trace][export]") {
  node_builder main{"main", 1};
  auto a = main.actor(1, "a"), b = main.actor(2, "b");
  for (std::int64_t i = 1; i <= 1'000; ++i)
    main.sent(i, id(static_cast<std::uint64_t>(i)), a, b, "message")
        .handled(2'000 + i, 2'000 + i, id(static_cast<std::uint64_t>(i)), b, "message");
  auto m = merged(main);
  constexpr std::int64_t first = 1'000'001, length = 1'009;
  std::vector<std::int64_t> begins;
  for (trace::row i = 0; i < m.events.size(); ++i) {
    if (m.events.kind[i] != trace::event_kind::handled) continue;
    m.events.value[i] = length;
    begins.push_back(m.events.time[i] = first + static_cast<std::int64_t>(begins.size()) * length);
  }
  // Its importer takes numbers for doubles, multiplies, and cuts.
  auto ns = [](const json& us) { return static_cast<std::int64_t>(us.get<double>() * 1000.0); };
  std::vector<std::int64_t> read;
  const auto j = json::parse(exported(trace::export_perfetto, m));
  for (auto& e : j["traceEvents"]) {
    if (e["ph"] != "X" || e["cat"] != "handler") continue;
    read.push_back(ns(e["ts"]));
    CHECK(ns(e["dur"]) == length);
  }
  CHECK((read.size() == 1'000 && read == begins));
}

TEST_CASE("the OTLP export follows the published mapping", "[trace][export]") {
  auto m = awkward_run();
  std::map<std::string, json> spans;
  std::size_t links = 0, errors = 0;
  for (auto& line : tests::lines(exported(trace::export_otlp, m))) {
    auto j = json::parse(line);
    REQUIRE(j.size() == 1);
    for (auto& resource : j["resourceSpans"]) {
      CHECK(resource["resource"]["attributes"][0]["key"] == "service.name");
      for (auto& scope : resource["scopeSpans"]) {
        CHECK(scope["scope"]["name"] == "troupe");
        for (auto& s : scope["spans"]) {
          CHECK(std::regex_match(s["traceId"].get<std::string>(), std::regex{"[0-9a-f]{32}"}));
          CHECK(std::regex_match(s["spanId"].get<std::string>(), std::regex{"[0-9a-f]{16}"}));
          CHECK(s["spanId"] != "0000000000000000");
          CHECK(s["startTimeUnixNano"].is_string());
          CHECK(s["startTimeUnixNano"].get<std::string>() <= s["endTimeUnixNano"].get<std::string>());
          std::map<std::string, json> attributes;
          for (auto& a : s["attributes"])
            attributes[a["key"]] = a["value"];
          auto operation = attributes["messaging.operation.type"]["stringValue"];
          CHECK((operation == "send" || operation == "process"));
          CHECK(s["kind"] == (operation == "send" ? 4 : 5));
          CHECK(attributes.count("messaging.destination.name") == 1);
          CHECK(attributes.count("messaging.message.id") == 1);
          if (s.contains("links")) links += s["links"].size();
          if (s.contains("status")) {
            CHECK(s["status"]["code"] == 2);
            ++errors;
          }
          CHECK(spans.emplace(s["spanId"], s).second);
        }
      }
    }
  }
  CHECK(spans.size() == 9 + 7); // 9 sends, of which 7 were handled, or begun
  CHECK(links == 2);            // the further causes of the join
  CHECK(errors == 2);           // the drop and the handler that never ended
  for (auto& [span, s] : spans) {
    if (s.contains("parentSpanId")) {
      auto parent = spans.find(s["parentSpanId"]);
      REQUIRE(parent != spans.end());
      CHECK(parent->second["traceId"] == s["traceId"]);
    }
    for (auto& link : s.value("links", json::array()))
      CHECK(spans.count(link["spanId"]) == 1);
  }
}

TEST_CASE("the ShiViz export keeps its vector clocks in order", "[trace][export]") {
  auto m = awkward_run();
  auto all = tests::lines(exported(trace::export_shiviz, m));
  REQUIRE(all.size() > 2);
  CHECK(all[0] == R"((?<host>\S+) (?<clock>\{[^}]*\}) (?<event>.*))");
  CHECK(all[1].empty()); // no delimiter of executions
  std::map<std::string, std::uint64_t> last;
  std::regex shape{R"(^(\S+) (\{[^}]*\}) (.*)$)"};
  for (std::size_t i = 2; i < all.size(); ++i) {
    std::smatch parts;
    REQUIRE(std::regex_match(all[i], parts, shape));
    auto clock = json::parse(parts[2].str());
    auto host = parts[1].str();
    CHECK(clock[host] == last[host] + 1);
    last[host] = clock[host];
    for (auto& [other, n] : clock.items())
      CHECK(n.get<std::uint64_t>() <= last[other]); // nobody knows the future
    CHECK_FALSE(parts[3].str().empty());
  }
  CHECK(last.size() == 4);
}

TEST_CASE("too many actors for ShiViz are refused with a way out", "[trace][export]") {
  node_builder main{"main", 1};
  for (std::uint64_t i = 1; i <= 201; ++i) {
    auto a = main.actor(i, "a");
    main.sent(static_cast<std::int64_t>(i), id(i), a, a, i < 3 ? "few" : "many")
        .handled(500, 501, id(i), a, "m");
  }
  auto m = merged(main);
  CHECK_THROWS_WITH(exported(trace::export_shiviz, m), "ShiViz draws a column an actor, and these are 201; "
                                                       "at most 200 are exported: choose some with --where");
  CHECK(tests::lines(exported(trace::export_shiviz, m, "type=few")).size() == 6);
}

TEST_CASE("the Mermaid export stays within what Mermaid takes", "[trace][export]") {
  auto text = exported(trace::export_mermaid, awkward_run());
  CHECK(text.rfind("sequenceDiagram\n", 0) == 0);
  CHECK(text.find("participant a1 as client-1\n") != std::string::npos);
  CHECK(text.find("odd#59; #quot;name#quot; #35;1 {x}-1") != std::string::npos);
  CHECK(text.find("a1 --x a3: gone (queue_full)") != std::string::npos);
  // The first word after "box" is taken for a colour where it is one, as a node's name may be.
  CHECK(text.find("  box transparent main\n") != std::string::npos);
  node_builder main{"main", 1};
  auto a = main.actor(1, "a"), b = main.actor(2, "b");
  for (std::uint64_t i = 1; i <= 5'000; ++i)
    main.sent(static_cast<std::int64_t>(2 * i), id(i), a, b, "message")
        .handled(static_cast<std::int64_t>(2 * i + 1), static_cast<std::int64_t>(2 * i + 1), id(i), b,
                 "message");
  std::vector<std::string> notes;
  auto cut = exported(trace::export_mermaid, merged(main), "", &notes);
  CHECK(cut.size() < trace::mermaid_characters_max);
  CHECK(cut.size() > trace::mermaid_characters_max * 9 / 10);
  REQUIRE(notes.size() == 1);
  CHECK(notes[0].find("left out: Mermaid refuses more than 50,000 characters") != std::string::npos);
}

TEST_CASE("the CSV export quotes what needs it", "[trace][export]") {
  testing::temporary_directory dir;
  auto m = awkward_run();
  std::vector<std::string> notes;
  trace::export_csv(m, trace::selection(m.messages.size(), true), dir.path() / "csv", notes);
  // A reader by RFC 4180.
  auto rows_of = [&](const char* name) {
    auto text = testing::content_of(dir.path() / "csv" / name);
    std::vector<std::vector<std::string>> rows{{""}};
    bool quoted = false;
    for (std::size_t i = 0; i < text.size(); ++i) {
      auto c = text[i];
      if (quoted && c == '"' && i + 1 < text.size() && text[i + 1] == '"')
        rows.back().back() += text[++i];
      else if (c == '"')
        quoted = !quoted;
      else if (!quoted && c == ',')
        rows.back().emplace_back();
      else if (!quoted && c == '\r')
        continue;
      else if (!quoted && c == '\n')
        rows.push_back({""});
      else
        rows.back().back() += c;
    }
    rows.pop_back();
    for (auto& r : rows)
      CHECK(r.size() == rows[0].size());
    return rows;
  };
  CHECK(rows_of("nodes.csv").size() == 3);
  CHECK(rows_of("actors.csv").size() == 4);
  CHECK(rows_of("messages.csv").size() == 10);
  CHECK(rows_of("events.csv").size() == m.events.size() + 1);
  CHECK(rows_of("causes.csv").size() == 7);
  auto messages = rows_of("messages.csv");
  CHECK(std::ranges::any_of(messages, [](auto& r) { return r[1] == "from, \"outside\"\n"; }));
}

TEST_CASE("the SQLite export holds everything, and SQL answers questions", "[trace][export]") {
  testing::temporary_directory dir;
  auto m = awkward_run();
  auto path = dir.path() / "trace.db";
  for (int again = 0; again < 2; ++again)
    trace::database{m, path}; // a second export replaces the first
  sqlite3* db = nullptr;
  REQUIRE(sqlite3_open_v2(path.c_str(), &db, SQLITE_OPEN_READONLY, nullptr) == SQLITE_OK);
  auto number = [&](const char* sql) {
    sqlite3_stmt* s = nullptr;
    REQUIRE(sqlite3_prepare_v2(db, sql, -1, &s, nullptr) == SQLITE_OK);
    REQUIRE(sqlite3_step(s) == SQLITE_ROW);
    auto out = sqlite3_column_int64(s, 0);
    sqlite3_finalize(s);
    return out;
  };
  CHECK(number("PRAGMA integrity_check") == 0); // it answers "ok"
  CHECK(number("SELECT count(*) FROM messages") == static_cast<std::int64_t>(m.messages.size()));
  CHECK(number("SELECT count(*) FROM events") == static_cast<std::int64_t>(m.events.size()));
  CHECK(number("SELECT count(*) FROM message_list") == number("SELECT count(*) FROM messages"));
  CHECK(number("SELECT count(*) FROM event_list") == number("SELECT count(*) FROM events"));
  CHECK(number("SELECT sum(messages) FROM ledger") == 9);
  CHECK(number("SELECT sum(messages) FROM traffic") == 9);
  CHECK(number("SELECT messages FROM ledger WHERE reason='queue_full'") == 1);
  CHECK(number("SELECT wait_ns FROM message_list WHERE name='main:1'") == 10'000);
  CHECK(number("SELECT length(content) FROM payloads") == 8);
  CHECK(number("SELECT count(*) FROM causes") == 6);
  sqlite3_close(db);
}

TEST_CASE("query prints rows as a table or as JSON, and points at mistakes", "[trace][query]") {
  trace::database db{awkward_run()};
  auto run = [&](const char* sql, bool as_json) {
    tests::captured_stream out;
    db.query(sql, as_json, false, 0, out.file());
    return out.text();
  };
  CHECK(run("SELECT name, wait_ns FROM message_list WHERE type='ping' ORDER BY sent_ns LIMIT 1", false)
        == "name    wait_ns\nmain:1    10000\n");
  auto rows = tests::lines(run("SELECT name, bytes, NULL AS unknown FROM messages WHERE bytes=200", true));
  REQUIRE(rows.size() == 1);
  auto j = json::parse(rows[0]);
  CHECK(j["name"] == "w1:5");
  CHECK(j["bytes"] == 200);
  CHECK(j["unknown"].is_null());
  auto mistake = [&](const char* sql) {
    try {
      run(sql, false);
    } catch (const trace::database_error& e) {
      return std::string{e.what()};
    }
    return std::string{"accepted"};
  };
  CHECK(mistake("SELECT nam FROM messages")
        == "there is a mistake in the SQL:\n  SELECT nam FROM messages\n         ^ no such column: nam");
  CHECK(mistake("DELETE FROM messages").find("only reading is allowed") != std::string::npos);
  CHECK(mistake("ATTACH '/tmp/x.db' AS x").find("not authorized") != std::string::npos);
  CHECK(mistake("SELECT 1; SELECT 2").find("one statement at a time") != std::string::npos);
  CHECK(mistake("  ").find("there is no SQL statement") != std::string::npos);
}

TEST_CASE("the commands of a run directory reach every query and format", "[trace][commands]") {
  testing::temporary_directory dir;
  {
    trace::recorder_options o;
    o.directory = dir.path();
    o.node = "main";
    trace::recorder r{o};
    auto a = r.add_actor(0, 1, "client"), b = r.add_actor(0, 2, "server");
    auto type = r.intern("ping");
    trace::message_id cause;
    for (int i = 0; i < 10; ++i) {
      auto next = r.next_message(cause);
      r.sent(next, cause, a, b, type, r.now());
      r.handled(next, b, type, r.now());
      cause = next;
    }
  }
  trace::trace_query q;
  q.inputs = {dir.path()};
  auto expect_ok = [&](auto command) {
    auto r = tests::run_command(command, q);
    INFO(r.err);
    CHECK(r.code == 0);
    return r;
  };
  for (bool as_json : {false, true}) {
    q.json = as_json;
    q.message = "5";
    CHECK(expect_ok(trace::follow).out.find("main:10") != std::string::npos);
    for (auto command : {trace::critical_path, trace::stats, trace::check, trace::graph}) {
      auto r = expect_ok(command);
      if (as_json) CHECK_NOTHROW(json::parse(r.out));
    }
    q.sql = "SELECT count(*) AS n FROM messages";
    CHECK(expect_ok(trace::query).out == (as_json ? "{\"n\":10}\n" : " n\n10\n"));
    q.against = q.inputs;
    expect_ok(trace::diff);
  }
  q.json = false;
  for (auto format : {"perfetto", "otlp", "shiviz", "mermaid", "dot"}) {
    q.format = format;
    CHECK_FALSE(expect_ok(trace::export_trace).out.empty());
  }
  q.output = dir.path() / "out.db";
  q.format = "sqlite";
  CHECK(expect_ok(trace::export_trace).err.find("wrote ") == 0);
  CHECK(std::filesystem::file_size(q.output) > 0);
  q.output = dir.path() / "out";
  q.format = "csv";
  expect_ok(trace::export_trace);
  q.output = dir.path() / "absent" / "x.json";
  q.format = "perfetto";
  auto bad = tests::run_command(trace::export_trace, q);
  CHECK(bad.code == 2);
  CHECK(bad.err.find("cannot write") == 0);
  q.output.clear();
  q.format = "perfeto";
  bad = tests::run_command(trace::export_trace, q);
  CHECK(bad.code == 2);
  CHECK(bad.err.find("did you mean \"perfetto\"?") != std::string::npos);
  q.format = "sqlite";
  CHECK(tests::run_command(trace::export_trace, q).err.find("-o is needed: the file to write") == 0);
  q.format = "";
  q.message = "99";
  bad = tests::run_command(trace::follow, q);
  CHECK(bad.code == 2);
  CHECK(bad.err == "the trace has no message 99\n");
}
