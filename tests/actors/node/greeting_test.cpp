#include "actors/node/greeting.hpp"
#include "tests/support/catch.hpp"

using namespace troupe;

TEST_CASE("a greeting comes back as it was", "[actors][greeting]") {
  const greeting mine{
      .agent = 7, .pid = 42, .types = {"a", "b"}, .codecs = {0, 1}, .run = {{"scenario", "x"}}};
  std::string why;
  auto theirs = decode_greeting(encode(mine), why);
  INFO(why);
  REQUIRE(theirs);
  CHECK(theirs->agent == 7);
  CHECK(theirs->pid == 42);
  CHECK(theirs->types == mine.types);
  CHECK(theirs->codecs == mine.codecs);
  CHECK(theirs->run == mine.run);
}

TEST_CASE("bytes that are no greeting are refused with a reason", "[actors][greeting]") {
  std::string why;
  auto bytes = encode({.agent = 7, .pid = 1, .types = {}, .codecs = {0}, .run = {}});
  for (std::size_t cut = 0; cut < bytes.size(); ++cut)
    CHECK_FALSE(decode_greeting(std::span{bytes}.first(cut), why));
  std::vector<char> deep(100'000, '\x91'); // arrays in arrays
  CHECK_FALSE(decode_greeting(deep, why));
  std::vector<char> huge{'\xdf', '\x7f', '\x7f', '\x7f', '\x7f'}; // a map of two billion entries
  CHECK_FALSE(decode_greeting(huge, why));
  CHECK_FALSE(why.empty());
}
