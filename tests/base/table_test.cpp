#include "tests/support/catch.hpp"

#include "base/table.hpp"

#include <algorithm>

using troupe::cli::table;

TEST_CASE("texts stand on the left, numbers on the right, and no line ends in blanks", "[cli]") {
  table t({"name", "n", "remark"});
  t.row({"a", "1", ""});
  t.row({"b\u00e4\u00e4\u00e4\u00e4\u00e4", "1000", "x"});
  CHECK(t.text().plain()
        == "name       n  remark\n"
           "a          1\n"
           "b\u00e4\u00e4\u00e4\u00e4\u00e4  1000  x\n");
}

TEST_CASE("cells cannot break a table", "[cli]") {
  table t({"a", "b"});
  t.row({"line\nbreak\x1b[2J", "x"});
  t.row({std::string(200, 'y'), "z"});
  t.row({"fewer"});
  const auto text = t.text().plain();
  CHECK(text.find('\x1b') == std::string::npos);
  CHECK(std::count(text.begin(), text.end(), '\n') == 4);
  CHECK(text.find(std::string(table::cell_width_max, 'y')) == std::string::npos);
}
