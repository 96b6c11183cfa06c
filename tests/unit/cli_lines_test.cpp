#include "support/catch.hpp"

#include "cli/lines.hpp"

#include <vector>

using troupe::cli::line_splitter;
using troupe::cli::printable;

namespace {

std::vector<std::string> split(const std::vector<std::string_view>& pieces) {
  std::vector<std::string> lines;
  line_splitter splitter;
  const auto sink = [&](std::string_view line) { lines.emplace_back(line); };
  for (const auto piece : pieces)
    splitter.feed(piece, sink);
  splitter.finish(sink);
  return lines;
}

} // namespace

TEST_CASE("lines are put together from pieces that are cut anywhere", "[cli]") {
  CHECK(split({"a", "b\nc", "\n", "\n", "d"}) == std::vector<std::string>{"ab", "c", "", "d"});
  CHECK(split({"a\r", "\nb\r\nc\rd\r"}) == std::vector<std::string>{"a", "b", "c", "d"});
  CHECK(split({}).empty());
  CHECK(split({"gr", "\xc3", "\xbc\xc3\x9f", "e\n"}) == std::vector<std::string>{"gr\u00fc\u00dfe"});
}

TEST_CASE("a line without end comes in bounded pieces that cut no character", "[cli]") {
  std::string text;
  for (int i = 0; i < 10000; ++i)
    text += "x\u00e4\u20ac\U0001f600"; // 1, 2, 3 and 4 bytes
  std::string joined;
  const auto pieces = split({text});
  REQUIRE(pieces.size() > 10);
  for (const auto& piece : pieces) {
    CHECK(piece.size() <= line_splitter::line_bytes_max + 6);
    std::string_view inner = piece;
    if (&piece != &pieces.front()) inner.remove_prefix(3);
    if (&piece != &pieces.back()) inner.remove_suffix(3);
    joined += inner;
  }
  CHECK(joined == text);
  CHECK(split({std::string(line_splitter::line_bytes_max, 'x')}).size() == 1);
  CHECK(split({std::string(100000, '\x80')}).size() == 13);
}

TEST_CASE("what could harm a terminal is made visible", "[cli]") {
  CHECK(printable("plain\ttext") == "plain\ttext");
  CHECK(printable("\x1b[31mred\x07\x7f") == "\\x1b[31mred\\x07\\x7f");
  CHECK(printable(std::string_view("\0", 1)) == "\\x00");
  CHECK(printable("\xc2\x9b") == "\\x9b");
  CHECK(printable("\xff\xfe") == "\xef\xbf\xbd\xef\xbf\xbd");
  CHECK(printable("\xc0\xaf") == "\xef\xbf\xbd\xef\xbf\xbd");                 // overlong
  CHECK(printable("\xed\xa0\x80") == "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd"); // a surrogate
  CHECK(printable("\xe2\x82") == "\xef\xbf\xbd\xef\xbf\xbd");                 // cut
  CHECK(printable("\u20ac\U0001f600") == "\u20ac\U0001f600");
}
