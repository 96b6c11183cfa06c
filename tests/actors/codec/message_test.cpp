// Messages declared by their fields: as text, as JSON, copied and moved, with fields that CAF does not know.
#include "actors/codec/message.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/codec_samples.hpp"

#include <caf/deep_to_string.hpp>
#include <nlohmann/json.hpp>

using namespace troupe;
using nlohmann::json;

namespace {

struct row {
  std::string name;
  std::optional<std::uint64_t> count;
};
TROUPE_FIELDS(row, name, count)

enum class mood : std::int8_t { low = -1, high = 1 };

struct report {
  bool done = false;
  std::int32_t balance = 0;
  std::uint8_t small = 0;
  double share = 0;
  std::string text;
  mood now = mood::high;
  std::chrono::milliseconds took{0};
  std::vector<row> rows;
  std::vector<bool> bits;
  std::map<std::string, std::vector<std::int64_t>> lists;
  std::array<std::uint16_t, 2> two{};
  std::optional<row> last;
};
TROUPE_MESSAGE_AS("test.report", report, done, balance, small, share, text, now, took, rows, bits, lists, two,
                  last)

struct none_at_all {};
TROUPE_MESSAGE(none_at_all)

/// Larger than every content.
struct large {
  std::array<std::uint64_t, 64> numbers{};
};
TROUPE_MESSAGE(large, numbers)

report sample() {
  return {.done = true,
          .balance = -7,
          .small = 255,
          .share = 0.5,
          .text = "a \"text\"",
          .now = mood::low,
          .took = std::chrono::milliseconds{1500},
          .rows = {{"one", 1}, {"none", std::nullopt}},
          .bits = {true, false},
          .lists = {{"x", {1, -2}}, {"y", {}}},
          .two = {3, 4},
          .last = row{"last", 9}};
}

json as_json(const report& x) { return json::parse(to_json_text(functions_of<report>(), &x)); }

std::string why_not(const json& from) {
  report x;
  const auto& of = functions_of<report>();
  return caf::to_string(of.from_json(json_reader{from}, &x));
}

} // namespace

TEST_CASE("a message is an object of its fields in JSON, and is read from one", "[message]") {
  const auto text = as_json(sample());
  CHECK(text == json::parse(R"({
    "done": true, "balance": -7, "small": 255, "share": 0.5, "text": "a \"text\"", "now": -1, "took": 1.5,
    "rows": [{"name": "one", "count": 1}, {"name": "none"}], "bits": [true, false],
    "lists": {"x": [1, -2], "y": []}, "two": [3, 4], "last": {"name": "last", "count": 9}
  })"));
  report read;
  const auto& of = functions_of<report>();
  CHECK_FALSE(of.from_json(json_reader{text}, &read));
  CHECK(as_json(read) == text);
  CHECK_FALSE(as_json(report{}).contains("last"));
  const none_at_all empty;
  CHECK(to_json_text(functions_of<none_at_all>(), &empty) == "{}");
}

TEST_CASE("what is no such message in JSON is told with the field", "[message]") {
  const auto [field, value, wanted] = GENERATE(table<std::string, json, std::string>({
      {"done", 1, "true or false"},
      {"balance", 3'000'000'000, "a whole number in its range"},
      {"balance", 0.5, "a whole number in its range"},
      {"small", 256, "a whole number in its range"},
      {"small", -1, "a whole number in its range"},
      {"share", "half", "a number"},
      {"text", nullptr, "a text"},
      {"rows", json::object(), "a list"},
      {"rows", json::array({{{"count", 1}}}), "a text"},
      {"lists", json::array(), "an object"},
      {"two", json::array({1}), "a list of that length"},
  }));
  auto from = as_json(sample());
  from[field] = value;
  CAPTURE(field, value);
  const auto why = why_not(from);
  CHECK_THAT(why, Catch::Matchers::Contains(field));
  CHECK_THAT(why, Catch::Matchers::Contains(wanted));
  CHECK_FALSE(why_not(json::array()).empty());
  CHECK(why_not(as_json(sample())) == "none");
}

TEST_CASE("octets that are no UTF-8 are marked in JSON", "[message]") {
  const row x{"\xff", 1};
  CHECK(json::parse(to_json_text(functions_of<row>(), &x))["name"] == "\uFFFD");
}

TEST_CASE("a message is told as CAF tells one", "[message]") {
  const auto told = [](const caf::message& x) { return caf::to_string(x); };
  CHECK(told(message_with(none_at_all{})) == "(none_at_all())");
  CHECK(told(message_with(testing::numbers{})) == told(caf::make_message(testing::numbers{})));
  CHECK(told(message_with(testing::tree{"root", {{"left", {}}, {"right", {}}}}))
        == told(caf::make_message(testing::tree{"root", {{"left", {}}, {"right", {}}}})));
  CHECK(told(message_with(std::uint64_t{1}, std::string{"two"}))
        == told(caf::make_message(std::uint64_t{1}, std::string{"two"})));
}

TEST_CASE("CAF's serialisers read of a message what they wrote", "[message]") {
  testing::codec_bench bench;
  caf::binary_serializer::container_type bytes;
  caf::binary_serializer sink{bench.unit(), bytes};
  const testing::tree oak{"root", {{"left", {{"leaf", {}}}}, {"right", {}}}};
  REQUIRE_FALSE(sink(message_with(oak)));
  caf::message read;
  caf::binary_deserializer source{bench.unit(), bytes};
  REQUIRE_FALSE(source(read));
  CHECK(caf::to_string(read) == caf::to_string(message_with(oak)));
}

TEST_CASE("messages are copied when one of their holders changes them, of every size", "[message]") {
  const auto copied = [](auto value, auto change, auto look) {
    using type = decltype(value);
    auto one = message_with(value), other = one;
    REQUIRE(one.template match_elements<type>());
    change(other.template get_mutable_as<type>(0));
    CHECK(look(one.template get_as<type>(0)) != look(other.template get_as<type>(0)));
  };
  copied(
      std::uint64_t{1}, [](auto& x) { ++x; }, [](auto& x) { return x; });
  copied(
      std::string{"a"}, [](auto& x) { x += 'b'; }, [](auto& x) { return x; });
  copied(
      sample(), [](auto& x) { x.text = "b"; }, [](auto& x) { return x.text; });
  copied(
      large{}, [](auto& x) { x.numbers[63] = 1; }, [](auto& x) { return x.numbers[63]; });
}

TEST_CASE("what is returned by a handler, or delivered by a promise, takes the same way", "[message]") {
  // Found by CAF in the namespace of the type.
  STATIC_REQUIRE(std::is_same_v<decltype(make_message(std::declval<report>())), caf::message>);
  auto whole = make_message(sample());
  CHECK(whole.get_as<report>(0).text == "a \"text\"");
  CHECK(name_of_message(static_cast<const report*>(nullptr)) == "test.report");
}
