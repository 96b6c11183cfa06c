#include "tests/support/catch.hpp"
#include "tests/support/page.hpp"
#include "tests/trace/builder.hpp"
#include "tests/trace/commands.hpp"
#include "tests/trace/exports.hpp"
#include "tests/trace/support.hpp"
#include "trace/export/database.hpp"
#include "trace/export/export.hpp"
#include "trace/query/graph.hpp"
#include "trace/record/recorder.hpp"

#include <map>
#include <nlohmann/json.hpp>
#include <regex>
#include <set>
#include <sqlite3.h>

using namespace troupe;
using nlohmann::json;
using tests::awkward_run;
using tests::exported;
using tests::id;
using tests::merged;
using tests::node_builder;

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
  CHECK(std::ranges::any_of(messages, [](auto& r) { return r[1] == "from, \"outside\"\\n"; }));
}

TEST_CASE("what was recorded of contents is exported", "[trace][export]") {
  node_builder main{"main", 1};
  auto a = main.actor(1, "a"), b = main.actor(2, "b");
  main.sent(1, id(1), a, b, "question").handled(2, 3, id(1), b, "question");
  main.sent(4, id(2), a, b, "question").handled(5, 6, id(2), b, "question");
  main.sent(7, id(3), a, b, "question").handled(8, 9, id(3), b, "question");
  const std::string text = "(question(\"why?\"))", bytes("\0\xff", 2);
  main.payload(1, id(1), text).payload(4, id(2), bytes);
  auto m = merged(main);

  std::vector<json> found;
  const auto slices = json::parse(exported(trace::export_perfetto, m));
  for (auto& e : slices["traceEvents"])
    if (e["ph"] == "X" && e.value("cat", "") == "handler")
      found.push_back(e["args"].value("payload", json{}));
  CHECK(found == std::vector<json>{text, std::string("\0\xef\xbf\xbd", 4), nullptr});

  const json attribute{{"key", "troupe.payload"}, {"value", {{"stringValue", text}}}};
  CHECK(exported(trace::export_otlp, m).find(attribute.dump()) != std::string::npos);

  testing::temporary_directory dir;
  std::vector<std::string> notes;
  trace::export_csv(m, trace::selection(m.messages.size(), true), dir.path() / "csv", notes);
  const auto rows = tests::lines(testing::content_of(dir.path() / "csv" / "messages.csv"));
  REQUIRE(rows.size() == 4);
  CHECK(rows[1].find(",\"(question(\"\"why?\"\"))\"") != std::string::npos);
  CHECK(rows[2].find(",\\x00\\xff") != std::string::npos);

  trace::database db{m};
  tests::captured_stream out;
  db.query("SELECT content FROM payloads WHERE content LIKE '%why%'", true, 0, out.to());
  CHECK(json::parse(tests::lines(out.text()).at(0))["content"] == text);
}

TEST_CASE("the SQLite export holds everything, and SQL answers questions", "[trace][export]") {
  testing::temporary_directory dir;
  auto m = awkward_run();
  auto path = dir.path() / "trace.db";
  for (int again = 0; again < 2; ++again)
    trace::database{m, path}.keep(); // a second export replaces the first
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
  CHECK(number("SELECT count(*) FROM invariants") == 2);
  sqlite3_close(db);
}

TEST_CASE("SQL tells what the scenario promised", "[trace][query]") {
  trace::database db{awkward_run()};
  tests::captured_stream out;
  db.query("SELECT text FROM invariants ORDER BY text", false, 0, out.to());
  CHECK(out.text() == "text\neach ping: one pong\nnever kind=dropped\n");
  trace::database none{tests::ping_pong{}.merge()};
  tests::captured_stream empty;
  none.query("SELECT count(*) AS promises FROM invariants", true, 0, empty.to());
  CHECK(json::parse(tests::lines(empty.text()).at(0))["promises"] == 0);
}

TEST_CASE("the trace page has every table and view, and the columns that it names", "[trace][query]") {
  trace::database db{awkward_run()};
  const auto names = [&](const std::string& sql) {
    tests::captured_stream out;
    db.query(sql, true, 0, out.to());
    std::set<std::string> found;
    for (const auto& line : tests::lines(out.text()))
      found.insert(json::parse(line).at("name").get<std::string>());
    return found;
  };
  std::set<std::string> stated;
  for (const auto& row : testing::page(TROUPE_TRACE_PAGE).table("| table or view | row |")) {
    const auto parts = testing::page::split(row.at(0), '`'); // `one`, `two(column, column)`
    for (std::size_t i = 1; i < parts.size(); i += 2) {
      const auto name = parts[i].substr(0, parts[i].find('('));
      stated.insert(name);
      auto columns = testing::page::split(parts[i].substr(std::min(parts[i].size(), name.size() + 1)), ',');
      if (!columns.empty()) columns.back().pop_back(); // the parenthesis
      const auto named = testing::page::split(row.at(1), '`');
      if (named.size() > 1 && named[0].empty() && parts.size() == 2) // begins with the columns
        for (const auto& column : testing::page::split(named[1], ' '))
          if (name != "trace") columns.push_back(column);
      const auto there = names("SELECT name FROM pragma_table_info('" + name + "')");
      CAPTURE(name, there);
      for (const auto& column : columns)
        CHECK(there.contains(column));
    }
  }
  CHECK(stated == names("SELECT name FROM sqlite_master WHERE type IN ('table', 'view')"));
}

TEST_CASE("query prints rows as a table or as JSON, and points at mistakes", "[trace][query]") {
  trace::database db{awkward_run()};
  auto run = [&](const char* sql, bool as_json) {
    tests::captured_stream out;
    db.query(sql, as_json, 0, out.to());
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
    } catch (const trace::sql_error& e) {
      return e.render().plain();
    } catch (const trace::database_error& e) {
      return std::string{e.what()};
    }
    return std::string{"accepted"};
  };
  CHECK(mistake("SELECT nam FROM messages") == "  SELECT nam FROM messages\n         ^ no such column: nam");
  // Of several lines the one that is meant; a tab is one column, as it is written.
  CHECK(mistake("SELECT name,\n\tnam\nFROM messages") == "   nam\n   ^ no such column: nam");
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
      auto next = r.send(cause, a, b, type).id;
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
  CHECK(bad.err == "cannot write " + q.output.string() + ": No such file or directory\n");
  q.sql = "SELECT foo FROM events";
  bad = tests::run_command(trace::query, q);
  CHECK(bad.code == 2);
  CHECK(bad.err
        == "there is a mistake in the SQL:\n  SELECT foo FROM events\n         ^ no such column: foo\n");
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
