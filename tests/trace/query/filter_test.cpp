#include "base/text.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/page.hpp"
#include "tests/trace/builder.hpp"
#include "trace/query/filter.hpp"
#include "trace/query/filter_fields.hpp"

#include <set>

using namespace troupe;
using trace::event_kind;
using trace::filter;
using trace::filter_error;
using trace::row;

namespace {

std::size_t matches(const trace::model& m, const char* text) {
  filter f{text};
  f.bind(m);
  std::size_t n = 0;
  for (row i = 0; i < m.events.size(); ++i)
    n += f.matches(i);
  return n;
}

std::string mistake(const char* text) {
  try {
    filter f{text};
  } catch (const filter_error& e) {
    return e.render().plain();
  }
  return "accepted";
}

} // namespace

TEST_CASE("filters select what they say", "[trace][filter]") {
  tests::ping_pong p;
  p.main.payload(10, tests::id(1), "(ping(7))");
  auto m = p.merge();
  REQUIRE(m.events.size() == 8);
  auto count = [&](const char* text) { return matches(m, text); };
  CHECK(count("") == 8);
  CHECK(count("  ") == 8);
  CHECK(count("kind=sent") == 2);
  CHECK(count("kind = sent") == 2);
  CHECK(count("kind!=sent") == 6);
  CHECK(count("not kind=sent") == 6);
  CHECK(count("kind~*ed") == 6);
  CHECK(count("kind~s*") == 4);
  CHECK(count("actor=server-1") == 4);
  CHECK(count("actor=client-1 and type=ping") == 1);
  CHECK(count("peer=client-1") == 3); // two receipts of ping and the send of pong
  CHECK(count("sender=client-1") == 3);
  CHECK(count("receiver=client-1") == 3);
  CHECK(count("sender=client-1 or receiver=client-1") == 6);
  CHECK(count("role=server") == 4);
  CHECK(count("node=w1") == 4);
  CHECK(count("node~w?") == 4);
  CHECK(count("type=ping") == 3);
  CHECK(count("type!=ping") == 3); // a spawn has no type at all
  CHECK(count("not type=ping") == 5);
  CHECK(count("id=main:1") == 3);
  CHECK(count("id=5") == 3);
  CHECK(count("id=w1:1") == 0);
  CHECK(count("cause=main:1") == 3);
  CHECK(count("time<2.5us") == 2);
  CHECK(count("time>=10us and time<=30us") == 3);
  CHECK(count("wait=10us") == 3);
  CHECK(count("wait>5us and kind=handled") == 1);
  CHECK(count("network>=10us") == 6);
  CHECK(count("latency=20us and kind=handled") == 1);
  CHECK(count("handle<6us and kind=handled") == 1);
  CHECK(count("bytes>150 and kind=delivered") == 1);
  CHECK(count("bytes<1KiB") == 6);
  CHECK(count("delay>0ns") == 0);
  CHECK(count("payload='(ping(7))'") == 3);
  CHECK(count("payload~'*7*' and kind=handled") == 1);
  CHECK(count("payload!=x") == 3);                              // the others have none
  CHECK(count("kind=sent or kind=handled and type=pong") == 3); // and binds closer
  CHECK(count("(kind=sent or kind=handled) and type=pong") == 2);
  CHECK(count("not (kind=sent or kind=handled)") == 4);
  CHECK(count("not not kind=sent") == 2);
  CHECK(count("actor=\"server-1\"") == 4);
  CHECK(count("type='ping'") == 3);
}

TEST_CASE("filters find events by their reason, whatever has one, and notes by their text",
          "[trace][filter]") {
  using kind = tests::node_builder::kind;
  tests::node_builder main{"main", 1};
  const auto far = main.node("w1", 2);
  const auto who = main.actor(7, "client");
  main.sent(1, tests::id(1), 0, who, "m").dropped(2, tests::id(1), who, "m", "queue_full");
  main.sent(3, tests::id(2), 0, who, "m").dead_lettered(4, tests::id(2), who, "m", "receiver has ended");
  main.exited(5, who, "failed: queue_full");
  main.link(kind::link_down, 6, far, main.string("cut on request"));
  main.link(kind::node_down, 7, far, main.string("silent"));
  main.fault(8, "kill", "w1").told_to_end(9, "node_lost", "silent");
  main.noted(10, who, 0, "silent, but for this").noted(11, who, 0, "second");
  const auto m = tests::merged(main);
  const auto count = [&](const char* text) { return matches(m, text); };
  CHECK(count("reason=queue_full") == 1);
  CHECK(count("reason~*queue_full") == 2); // of a drop and of an exit
  CHECK(count("reason='receiver has ended' and kind=dead_lettered") == 1);
  CHECK(count("reason='cut on request' and kind=link_down") == 1);
  CHECK(count("reason=silent and kind=node_down") == 1);
  CHECK(count("reason=silent and kind=told_to_end") == 1);
  CHECK(count("reason=silent") == 2); // a note has none
  CHECK(count("reason=w1 and kind=fault") == 1);
  CHECK(count("reason~*") == 7);
  CHECK(count("reason!=silent") == 5); // of those that have one
  CHECK(count("note=second") == 1);
  CHECK(count("note~*silent*") == 1);
  CHECK(count("note~*") == 2);
  CHECK(count("note!=second") == 1);
  CHECK(count("not note=second") == m.events.size() - 1);
}

TEST_CASE("the trace page has all fields of a filter, and all kinds of events", "[trace][filter]") {
  // `one`, `two three`: the words in code.
  const auto words_of = [](const std::string& cell) {
    std::set<std::string> words;
    const auto parts = testing::page::split(cell, '`');
    for (std::size_t i = 1; i < parts.size(); i += 2)
      for (const auto& word : testing::page::split(parts[i], ' '))
        words.insert(word);
    return words;
  };
  std::set<std::string> stated, code, kinds;
  for (const auto& row : testing::page(TROUPE_TRACE_PAGE).table("| field | value | of |")) {
    stated.merge(words_of(row.at(0)));
    if (row[0] == "`kind`") kinds = words_of(row.at(1));
  }
  for (const auto name : trace::filters::field_names())
    code.emplace(name);
  CHECK(stated == code);
  std::set<std::string> known;
  for (std::size_t i = 0; i < trace::event_kind_count; ++i)
    known.emplace(to_string(static_cast<event_kind>(i)));
  CHECK(kinds == known);
}

TEST_CASE("a mistake in a filter is pointed at", "[trace][filter]") {
  CHECK(mistake("wait>2parsecs")
        == "  wait>2parsecs\n"
           "       ^~~~~~~~ \"2parsecs\" is no duration; write a number and a unit: 250us, 2ms, 1.5s");
  CHECK(mistake("actr=worker-3")
        == "  actr=worker-3\n"
           "  ^~~~ there is no field \"actr\"; did you mean \"actor\"?");
  CHECK(mistake("kind=handeld").find("did you mean \"handled\"?") != std::string::npos);
  CHECK(mistake("actor=a and").find("             ^ expected the name of a field here") != std::string::npos);
  CHECK(mistake("actor a").find("expected one of = != ~ !~ < <= > >= after \"actor\"") != std::string::npos);
  CHECK(mistake("actor=").find("expected what to compare \"actor\" with, a name") != std::string::npos);
  CHECK(mistake("actor<5").find("has no order; use = or !=, or ~ with a pattern") != std::string::npos);
  CHECK(mistake("wait~5ms").find("is not text and has no pattern") != std::string::npos);
  CHECK(mistake("actor=>a").find("compares nothing") != std::string::npos);
  CHECK(mistake("(actor=a").find("this parenthesis is never closed") != std::string::npos);
  CHECK(mistake("actor=a)").find("this parenthesis closes nothing") != std::string::npos);
  CHECK(mistake("actor=\"a").find("this quote is never closed") != std::string::npos);
  CHECK(mistake("actor=a actor=b").find("expected \"and\", \"or\" or the end here") != std::string::npos);
  CHECK(mistake("xyzzy=1").find("fields are actor, peer") != std::string::npos);
  CHECK(mistake("wait>5").find("is no duration") != std::string::npos);
  CHECK(mistake("wait>0") == "accepted");
  CHECK(mistake("id=abc").find("names no message") != std::string::npos);
  CHECK(mistake("bytes>1XB").find("is no size") != std::string::npos);
  auto deep = std::string(200, '(') + "kind=sent" + std::string(200, ')');
  CHECK(mistake(deep.c_str()).find("nested deeper than 100 levels") != std::string::npos);
}

TEST_CASE("durations and sizes are read and written as people do", "[trace][text]") {
  using trace::filters::size_of, trace::filters::time_of;
  CHECK(time_of("2ms") == 2'000'000);
  CHECK(time_of("1.5 s") == 1'500'000'000);
  CHECK(time_of("3us") == 3'000);
  CHECK(time_of("2m") == 120'000'000'000);
  CHECK(time_of("0") == 0);
  CHECK_FALSE(time_of("1 0ms"));
  CHECK_FALSE(time_of("5"));
  CHECK_FALSE(time_of(""));
  CHECK_FALSE(time_of("ms"));
  CHECK_FALSE(time_of("1e300s"));
  CHECK(size_of("1.5KiB") == 1536);
  CHECK(bytes_text(1536) == "1.50 KiB");
  CHECK(grouped(1234567) == "1,234,567");
  CHECK(grouped(999) == "999");
  CHECK(counted(1, "node") == "1 node");
}

TEST_CASE("globs match like globs and never explode", "[trace][text]") {
  CHECK(glob_match("worker-*", "worker-3"));
  CHECK(glob_match("*", ""));
  CHECK(glob_match("w?", "w1"));
  CHECK_FALSE(glob_match("w?", "w12"));
  CHECK(glob_match("*a*b", "xxaxxbxb"));
  CHECK_FALSE(glob_match("*a*b", "xxaxxbx"));
  CHECK_FALSE(glob_match("a*a*a*a*a*a*a*a*b", std::string(5'000, 'a')));
}
