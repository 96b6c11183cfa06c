#include "tests/support/catch.hpp"

#include "cli/terminal/lines.hpp"

#include <vector>

using troupe::cli::line_splitter;

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

TEST_CASE("what could harm a terminal is made visible, and tabs stay", "[cli]") {
  CHECK(split({"a\tb\x1b[31m\xc2\x9b\xff"}) == std::vector<std::string>{"a\tb\\x1b[31m\\u009b\\xff"});
}
