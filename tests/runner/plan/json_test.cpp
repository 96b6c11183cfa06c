// Texts from elsewhere that are said to be JSON.
#include "runner/plan/json_text.hpp"
#include "tests/support/catch.hpp"

using namespace troupe::scenarios;

namespace {
std::string nested(int levels, const std::string& inside = {}) {
  const auto n = static_cast<std::size_t>(levels);
  return std::string(n, '[') + inside + std::string(n, ']');
}
} // namespace

TEST_CASE("a text from elsewhere is taken for the value it is, as long as that is not too deep", "[json]") {
  for (const std::string& text :
       {std::string{"7"}, std::string{R"({"a": [1, "]]]"], "b": null})"}, nested(json_depth_max),
        '"' + std::string(5000, '[') + '"', R"(["\\", "\"[", {}])" + std::string{" "}}) {
    CAPTURE(text);
    CHECK(why_not_json(text).empty());
    CHECK(parse_foreign(text) == nlohmann::json::parse(text));
  }
  // Side by side is not deep.
  std::string wide = "[0";
  for (int i = 0; i < 2 * json_depth_max; ++i)
    wide += ",[]";
  CHECK(why_not_json(wide + ']').empty());
}

TEST_CASE("what is no JSON, or nested too deeply to work with, is refused", "[json]") {
  for (const std::string& text :
       {std::string{}, std::string{"maybe"}, std::string{"1 2"}, std::string{"{\"a\""},
        std::string{"\"\xff\""}, std::string{"\"\\"}, nested(json_depth_max + 1),
        nested(json_depth_max + 1, "\"a\""), std::string(1'000'000, '['),
        // Closing more than was opened, in a text that is no JSON, opens no way around.
        std::string(1000, ']') + nested(2 * json_depth_max)}) {
    CAPTURE(text.substr(0, 50));
    CHECK_FALSE(why_not_json(text).empty());
    CHECK(parse_foreign(text).is_discarded());
  }
}
