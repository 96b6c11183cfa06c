// Whatever comes from outside, nothing of it steers the terminal that it is shown on.
#include "base/output.hpp"
#include "base/text.hpp"
#include "tests/support/catch.hpp"
#include "tests/trace/commands.hpp"
#include "tests/trace/support.hpp"
#include "trace/record/recorder.hpp"

#include <nlohmann/json.hpp>

using namespace troupe;
using nlohmann::json;

namespace {

/// An escape, C1, a direction, no UTF-8, and a line that is not the program's.
constexpr std::string_view hostile = "\x1b\xc2\x9b\xe2\x80\xae\xff\nFORGED";
constexpr std::string_view stand_in = "a_text_to_tell"; // as long, and harmless
static_assert(hostile.size() == stand_in.size());

/// Puts the hostile text in the place of the other, as an editor of bytes would.
void make_hostile(const std::filesystem::path& file) {
  auto bytes = testing::content_of(file);
  std::size_t replaced = 0;
  for (auto at = bytes.find(stand_in); at != std::string::npos; at = bytes.find(stand_in, at), ++replaced)
    bytes.replace(at, stand_in.size(), hostile);
  REQUIRE(replaced > 0);
  tests::write_file(file, bytes);
}

/// Everything in it that can have a text has the hostile one.
void record_hostile_run(const std::filesystem::path& directory) {
  const std::string text{stand_in};
  {
    auto options = tests::options_in(directory, "main");
    options.what = trace::level::payloads;
    trace::recorder r{options};
    const auto other = r.add_node(text, 7);
    const auto a = r.add_actor(0, 1, text), b = r.add_actor(0, 2, text + "2"),
               far = r.add_actor(other, 9, text);
    const auto type = r.intern(text), why = r.intern(text + "3");
    r.spawned(a, trace::actor_index{}, {});
    r.node_up(other);
    r.link_up(other);
    const auto first = r.send({}, a, b, type, trace::message_role::request).id;
    r.payload(first, std::as_bytes(std::span{text}));
    r.handled(first, b, type, r.now());
    const auto second = r.send(first, b, a, type).id;
    r.dropped(second, a, type, why);
    r.dead_lettered(r.send(first, b, far, type).id, far, type, why);
    r.noted(a, first, text);
    r.fault(type, why);
    r.invariant(text);
    r.invariant("never type=" + text);
    r.link_down(other, why);
    r.node_down(other, why);
    r.exited(b, why);
    r.told_to_end(type, why);
  }
  make_hostile(directory / "main.trace");
}

/// Whether nothing is in it but text, lines and tabs, and no line that somebody else began.
bool is_clean(const std::string& text, std::string_view kept = "\n\t") {
  return printable(text, kept) == text && text.find("\nFORGED") == std::string::npos;
}

} // namespace

TEST_CASE("what is said has looks where there is colour, and others' texts in it are printable",
          "[trace][output]") {
  const std::string theirs{hostile};
  const auto text = say("{} of {}: {}\n", 3, say("all").in(text_style::red), theirs);
  CHECK(text.plain() == "3 of all: \\x1b\\u009b\\u202e\\xff\\nFORGED\n");
  CHECK(text.text(true) == "3 of \x1b[31mall\x1b[0m: \\x1b\\u009b\\u202e\\xff\\nFORGED\n");
  CHECK((shown_text{theirs} + "\n" + say("{}", std::filesystem::path{theirs})).plain()
        == "\\x1b\\u009b\\u202e\\xff\\nFORGED\n\\x1b\\u009b\\u202e\\xff\\nFORGED");
  CHECK(shown_text::with_tabs("a\tb\n").plain() == "a\tb\\n");
  CHECK(say("{:>5}|{:<4}|", "ab", std::string{"\u00e4"}).plain() == "   ab|\u00e4   |");
}

TEST_CASE("what has looks is cut at its columns", "[trace][output]") {
  const auto text = say("ab{}ef", say("cd").in(text_style::bold));
  CHECK(text.columns() == 6);
  CHECK(text.cut(0).plain() == "abcdef");
  CHECK(text.cut(6).plain() == "abcdef");
  CHECK(text.cut(4).plain() == "abc…");
  CHECK(text.cut(4).text(true) == "ab\x1b[1mc…\x1b[0m");
  CHECK(text.cut(5).text(true) == "ab\x1b[1mcd\x1b[0m…");
  const auto wide = say("\u4e2d\u6587x");
  CHECK(wide.columns() == 5);
  CHECK(wide.cut(4).plain() == "\u4e2d…");
  CHECK(say("µµµµµ").cut(3).plain() == "µµ…");
}

TEST_CASE("JSON and texts for other programs are harmless too, and mean the same", "[trace][output]") {
  tests::captured_stream out;
  const json value{{"text", "\u202e\u009b"}, {"list", {1, 2}}};
  CHECK(out.to().json(value.dump(1)));
  CHECK(is_clean(out.text()));
  CHECK(json::parse(out.text()) == value);
  tests::captured_stream lines;
  CHECK(lines.to().text("a\tb\n\x1b[2J\n"));
  CHECK(lines.text() == "a\tb\n\\x1b[2J\n");
}

TEST_CASE("who cannot be written to is told why, once", "[trace][output]") {
  auto* full = std::fopen("/dev/full", "w");
  if (full == nullptr) return; // not here
  output out{full};
  out.show(say("text\n"));
  CHECK(!out.flush());
  CHECK(out.error() == ENOSPC);
  CHECK(!out.show(say("more\n")));
  std::fclose(full);
}

TEST_CASE("no command shows what is in a trace as it is", "[trace][output]") {
  testing::temporary_directory dir;
  record_hostile_run(dir.path());
  trace::trace_query q;
  q.inputs = q.against = {dir.path()};
  q.message = "1";
  q.sql = "SELECT * FROM events JOIN payloads";
  using command = int (*)(const trace::trace_query&, output&, output&);
  const std::pair<const char*, command> commands[] = {
      {"summary", trace::summary},    {"show", trace::show},   {"follow", trace::follow},
      {"path", trace::critical_path}, {"stats", trace::stats}, {"graph", trace::graph},
      {"check", trace::check},        {"diff", trace::diff},   {"query", trace::query},
      {"collect", trace::collect}};
  for (const bool as_json : {false, true})
    for (const auto& [name, run] : commands) {
      CAPTURE(name, as_json);
      q.json = as_json;
      const auto r = tests::run_command(run, q);
      CAPTURE(r.out, r.err);
      CHECK(r.code != 2);
      CHECK(!r.out.empty());
      CHECK(is_clean(r.out));
      CHECK(is_clean(r.err));
      if (!as_json) continue;
      for (auto& line : tests::lines(r.out))
        CHECK(json::accept(line));
    }
}

TEST_CASE("no export has in it what a trace has, as it is", "[trace][output]") {
  testing::temporary_directory dir;
  record_hostile_run(dir.path());
  trace::trace_query q;
  q.inputs = {dir.path()};
  for (const auto* format : {"perfetto", "otlp", "shiviz", "mermaid", "dot"}) {
    CAPTURE(format);
    q.format = format;
    const auto r = tests::run_command(trace::export_trace, q);
    CAPTURE(r.out);
    CHECK(r.code == 0);
    CHECK(is_clean(r.out));
    CHECK(is_clean(r.err));
  }
  q.format = "csv";
  q.output = dir.path() / "csv";
  CHECK(tests::run_command(trace::export_trace, q).code == 0);
  for (const auto& file : std::filesystem::directory_iterator(q.output))
    CHECK(is_clean(testing::content_of(file.path()), "\r\n"));
  q.output = dir.path() / "page.html";
  const auto page = tests::run_command(trace::view, q);
  CHECK(page.code == 0);
  CHECK(is_clean(page.out + page.err));
  CHECK(is_clean(testing::content_of(q.output)));
}

TEST_CASE("no mistake shows what was asked for as it is", "[trace][output]") {
  testing::temporary_directory dir;
  record_hostile_run(dir.path());
  const std::string text{hostile};
  const auto complaint = [&](auto command, auto change) {
    trace::trace_query q;
    q.inputs = {dir.path()};
    change(q);
    const auto r = tests::run_command(command, q);
    CHECK(r.code == 2);
    CAPTURE(r.err);
    CHECK(r.err.find("\\x1b") != std::string::npos);
    CHECK(is_clean(r.out + r.err));
  };
  using query = trace::trace_query;
  complaint(trace::show, [&](query& q) { q.inputs = {dir.path() / text}; });
  complaint(trace::show, [&](query& q) { q.where = text; });
  complaint(trace::show, [&](query& q) { q.where = "kind=" + text; });
  complaint(trace::show, [&](query& q) { q.where = "wait>1 and '" + text + "'=2"; });
  complaint(trace::show, [&](query& q) { q.from = text; });
  complaint(trace::follow, [&](query& q) { q.message = text; });
  complaint(trace::query, [&](query& q) { q.sql = "SELECT '" + text + "' FROM"; });
  complaint(trace::query, [&](query& q) { q.sql = "SELECT 1; " + text; });
  complaint(trace::graph, [&](query& q) { q.format = text; });
  complaint(trace::graph, [&](query& q) { q.by = text; });
  complaint(trace::graph, [&](query& q) { q.output = "/nowhere/" + text; });
  complaint(trace::export_trace, [&](query& q) { q.format = text; });
  complaint(trace::collect, [&](query& q) { q.sources = {dir.path() / text}; });
}

TEST_CASE("a cell that a spreadsheet would run is a text", "[trace][output]") {
  CHECK(csv_cell("plain") == "plain");
  CHECK(csv_cell("=HYPERLINK(\"http://x\",\"y\")") == "\"'=HYPERLINK(\"\"http://x\"\",\"\"y\"\")\"");
  CHECK(csv_cell("@SUM(A1)") == "'@SUM(A1)");
  CHECK(csv_cell("+1+cmd|' /C calc'!A0") == "'+1+cmd|' /C calc'!A0");
  CHECK(csv_cell("-2+3") == "'-2+3");
  CHECK(csv_cell("\uff1d1+1") == "'\uff1d1+1");
  CHECK(csv_cell("\t=1") == "\\t=1");
  CHECK(csv_cell("\r=1") == "\\r=1");
  for (const auto* number : {"-2", "-2.5e-3", "7", ""})
    CHECK(csv_cell(number) == number);
  CHECK(csv_cell("a,b") == "\"a,b\"");
}

TEST_CASE("a word is quoted for a shell where it needs to be", "[trace][output]") {
  CHECK(shell_quoted("tcp://192.0.2.1:40153") == "tcp://192.0.2.1:40153");
  CHECK(shell_quoted("tcp://192.0.2.1:40153|KEY") == "'tcp://192.0.2.1:40153|KEY'");
  CHECK(shell_quoted("it's") == "'it'\\''s'");
  CHECK(shell_quoted("") == "''");
}
