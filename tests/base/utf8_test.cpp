#include "base/json_writer.hpp"
#include "base/utf8.hpp"
#include "tests/support/catch.hpp"

#include <array>
#include <nlohmann/json.hpp>

using namespace troupe;
using namespace std::string_literals;

TEST_CASE("UTF-8 is what RFC 3629 says", "[trace][utf8]") {
  for (const auto* good :
       {"", "plain", "\x7f", "\xc2\x80", "\xdf\xbf", "\xe0\xa0\x80", "\xed\x9f\xbf", "\xee\x80\x80",
        "\xef\xbf\xbf", "\xf0\x90\x80\x80", "\xf4\x8f\xbf\xbf", "a long text before \xe2\x82\xac"})
    CHECK(is_utf8(good));
  CHECK(is_utf8("a\0b"s));
  const std::pair<std::string, std::size_t> bad[] = {{"\x80", 0},
                                                     {"\xc0\xaf", 0},
                                                     {"\xc1\xbf", 0},
                                                     {"\xc3", 0},
                                                     {"ab\xe2\x82", 2},
                                                     {"\xe0\x9f\xbf", 0},
                                                     {"a\xed\xa0\x80", 1},
                                                     {"\xf0\x8f\xbf\xbf", 0},
                                                     {"\xf4\x90\x80\x80", 0},
                                                     {"\xf5\x80\x80\x80", 0},
                                                     {"\xff\xfe", 0},
                                                     {"\xe2\x82\xac\xe2\x82x", 3}};
  for (const auto& [text, at] : bad) {
    CAPTURE(text);
    CHECK(find_invalid_utf8(text) == at);
    CHECK(!is_utf8(text));
    CHECK(code_point_length(text.substr(at)) == 0);
    CHECK(has_unprintable(text));
  }
  CHECK(code_point_length("\xf0\x9f\x98\x80x") == 4);
  CHECK(code_point_of("\xf0\x9f\x98\x80x") == U'\U0001f600');
  CHECK(code_point_length("\xc3\xbc\xc3\xbc") == 2);
  CHECK(code_points("a\xc3\xbc\xff\xe2\x82") == 5);
}

TEST_CASE("what could steer a terminal, turn a text or hide in it becomes visible", "[trace][utf8]") {
  const std::pair<std::string, std::string> cases[] = {
      {"\x1b[2J", "\\x1b[2J"},
      {"\a\x7f", "\\x07\\x7f"},
      {"\0"s, "\\x00"},
      {"a\r\n\tb", "a\\r\\n\\tb"},
      {"\u0085\u009b31m", "\\u0085\\u009b31m"},
      {"a\xff"
       "b",
       "a\\xffb"},
      {"\xc0\xaf", "\\xc0\\xaf"},
      {"\xed\xa0\x80", "\\xed\\xa0\\x80"},
      {"\xe2\x82", "\\xe2\\x82"},
      {"\u061c", "\\u061c"},
      {"\u200b\u200d\u200f", "\\u200b\\u200d\\u200f"},
      {"\u2028\u2029", "\\u2028\\u2029"},
      {"\u202agnp\u202e.exe", "\\u202agnp\\u202e.exe"},
      {"\u2066\u2069\u2060\ufeff", "\\u2066\\u2069\\u2060\\ufeff"},
      {"\U000e0041", "\\U000e0041"}};
  for (const auto& [raw, shown] : cases) {
    CHECK(printable(raw) == shown);
    CHECK(has_unprintable(raw));
    CHECK(printable(shown) == shown);
    CHECK(!has_unprintable(shown));
  }
  for (const auto* plain :
       {"", "plain µs", "\u20ac\U0001f600\u4e2d", "שלום", "e\u0301", "\u2764\ufe0f", "a\\nb"}) {
    CHECK(printable(plain) == plain);
    CHECK(!has_unprintable(plain));
  }
  CHECK(printable("a\tb\nc\r", "\n\t") == "a\tb\nc\\r");
}

TEST_CASE("what is cut to bytes does not end within a character", "[trace][utf8]") {
  CHECK(cut_to_bytes("abc", 3) == "abc");
  CHECK(cut_to_bytes("abc", 2) == "ab");
  CHECK(cut_to_bytes("abc", 0).empty());
  const std::string mixed = "aµ€\U0001f600"; // of 1, 2, 3 and 4 bytes
  const std::array<std::size_t, 12> kept{0, 1, 1, 3, 3, 3, 6, 6, 6, 6, 10, 10};
  for (std::size_t bytes = 0; bytes < kept.size(); ++bytes) {
    CAPTURE(bytes);
    CHECK(cut_to_bytes(mixed, bytes) == mixed.substr(0, kept[bytes]));
    CHECK(whole_code_points(mixed.substr(0, bytes)) == kept[bytes]);
  }
  // What is no UTF-8 has no characters to keep whole.
  CHECK(cut_to_bytes(std::string(9, '\x80'), 5).size() == 5);
  CHECK(cut_to_bytes("a\xff\xff", 2) == "a");
}

TEST_CASE("JSON says the same with escapes for what must not reach a terminal", "[trace][utf8]") {
  const auto text = "a\x7f\u009b\u202e\U000e0041 \u20ac\x1b\n\"\\"s;
  const auto quoted = json_quoted(text);
  CHECK(quoted == "\"a\\u007f\\u009b\\u202e\\udb40\\udc41 \u20ac\\u001b\\n\\\"\\\\\"");
  CHECK(nlohmann::json::parse(quoted) == text);

  const nlohmann::json value{{"k\u202e", {text, 1}}};
  const auto dumped = json_printable(value.dump(2));
  CHECK(printable(dumped, "\n") == dumped);
  CHECK(dumped.find('\n') != std::string::npos);
  CHECK(dumped.find("\\u202e") != std::string::npos);
  CHECK(dumped.find("\\udb40\\udc41") != std::string::npos);
  CHECK(nlohmann::json::parse(dumped) == value);
  CHECK(json_printable("{\"plain\": [1,\n\t\"\u20ac\"]}") == "{\"plain\": [1,\n\t\"\u20ac\"]}");
}
