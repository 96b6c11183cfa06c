#include "base/table.hpp"

#include "tests/support/catch.hpp"

#include <algorithm>

using troupe::say;
using troupe::table;
using troupe::text_style;

TEST_CASE("texts stand on the left, numbers on the right, and no line ends in blanks", "[base][table]") {
  table t(table::by_content({"name", "n", "remark"}));
  t.row({"a", "1", ""});
  t.row({"b\u00e4\u00e4\u00e4\u00e4\u00e4", "1000", "x"});
  CHECK(t.render().plain()
        == "name       n  remark\n"
           "a          1\n"
           "b\u00e4\u00e4\u00e4\u00e4\u00e4  1000  x\n");
}

TEST_CASE("a column of which one cell is no number stands on the left", "[base][table]") {
  table t(table::by_content({"share", "took"}));
  t.row({"-", "10"});
  t.row({"10.5%", "1e-05"});
  CHECK(t.render().plain()
        == "share   took\n"
           "-         10\n"
           "10.5%  1e-05\n");
}

TEST_CASE("a column stands where it was told to, at least as wide as it was told to be", "[base][table]") {
  table t({{"node", table::align::left, 6}, {"note", table::align::right, 6}});
  t.row({"w1", "ok"});
  CHECK(t.render().plain()
        == "node      note\n"
           "w1          ok\n");
}

TEST_CASE("cells cannot break a table", "[base][table]") {
  table t(table::by_content({"a", "b"}));
  t.row({"line\nbreak\x1b[2J", "x"});
  t.row({std::string(200, 'y'), "z"});
  t.row({"fewer"});
  t.row({"more", "than", "columns"});
  const auto text = t.render().plain();
  CHECK(text.find('\x1b') == std::string::npos);
  CHECK(std::count(text.begin(), text.end(), '\n') == 5);
  CHECK(text.find(std::string(table::value_width_max, 'y')) == std::string::npos);
  CHECK(text.find(std::string(table::value_width_max - 1, 'y') + "…") != std::string::npos);
  CHECK(text.find("columns") == std::string::npos);
}

TEST_CASE("lines are cut to the width of the terminal, that of the head within its style", "[base][table]") {
  table t({{"head"}, {"another"}});
  t.row({"one", "two"});
  CHECK(t.render(8).text(true)
        == "\x1b[2mhead  a…\x1b[0m\n"
           "one   t…\n");
}

TEST_CASE("a table without heads has rows alone", "[base][table]") {
  table t(std::vector<table::column>(2));
  CHECK(t.render().empty());
  t.row({"a", "1"});
  t.row({"bcd", ""});
  CHECK(t.render().plain()
        == "a    1\n"
           "bcd\n");
}

TEST_CASE("cells with looks line up as those without", "[base][table]") {
  table t({{"state"}, {"n", table::align::right}});
  t.styled_row({say("gone").in(text_style::red), say("7")});
  t.row({"up", "12"});
  const auto lines = t.lines(text_style::plain);
  REQUIRE(lines.size() == 3);
  CHECK(lines[1].text(true) == "\x1b[31mgone\x1b[0m    7");
  CHECK(lines[2].text(true) == "up     12");
  CHECK(lines[0].text(true) == "state   n");
}
