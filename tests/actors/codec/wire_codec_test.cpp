// Codec 0, octet by octet: what docs/wire-payloads.md says of it.
#include "actors/codec/wire_codec.hpp"

#include "actors/codec/msgpack_writer.hpp"
#include "actors/runtime/waiting.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/codec_samples.hpp"
#include "tests/support/hex.hpp"

using namespace troupe;
using troupe::testing::hex;

namespace {

struct octets_of_codec_0 {
  testing::codec_bench bench;
  template <class T>
  std::string operator()(T value) {
    transport::byte_buffer out;
    wire_writer writer{out, bench.handles, bench.system.catalog};
    CHECK_FALSE(writer.apply(value));
    return hex(out);
  }
};

} // namespace

TEST_CASE("values lie in codec 0 as the page says, octet by octet", "[actors][codec]") {
  octets_of_codec_0 octets;
  // Integers and floats in their width, little-endian.
  CHECK(octets(true) == "01");
  CHECK(octets(std::int8_t{-2}) == "fe");
  CHECK(octets(std::uint16_t{0x0102}) == "0201");
  CHECK(octets(std::int32_t{-2}) == "feffffff");
  CHECK(octets(std::uint64_t{0x0102030405060708}) == "0807060504030201");
  CHECK(octets(1.5F) == "0000c03f");
  CHECK(octets(-0.25) == "000000000000d0bf");
  CHECK(octets(testing::colour::green) == "c8");
  // Text, octets and sequences with a varint count.
  CHECK(octets(std::string{"ab"}) == "026162");
  CHECK(octets(std::string(300, 'x')).substr(0, 8) == "ac027878");
  CHECK(octets(std::vector<char>{'\0', '\xff'}) == "0200ff");
  CHECK(octets(std::vector<std::int32_t>{1, 2}) == "020100000002000000");
  CHECK(octets(std::vector<bool>{true, false}) == "020100");
  CHECK(octets(std::set<std::string>{"a", "b"}) == "0201610162");
  CHECK(octets(std::map<std::string, std::int16_t>{{"x", 7}}) == "0101780700");
  // What has a known length has no count.
  CHECK(octets(testing::point{1, -1}) == "01000000ffffffff");
  CHECK(octets(std::array<std::int16_t, 2>{1, 2}) == "01000200");
  CHECK(octets(std::pair<std::uint8_t, std::string>{7, "x"}) == "070178");
  CHECK(octets(caf::unit_t{}).empty());
  CHECK(octets(caf::optional<std::int16_t>{}) == "00");
  CHECK(octets(caf::optional<std::int16_t>{5}) == "010500");
  // Durations as the count of their own unit.
  CHECK(octets(std::chrono::milliseconds{1500}) == "dc05000000000000");
  CHECK(octets(caf::timespan{-1}) == "ffffffffffffffff");
  CHECK(octets(std::chrono::duration<double>{0.25}) == "000000000000d03f");
  CHECK(octets(caf::timestamp{std::chrono::nanoseconds{1}}) == "0100000000000000");
  CHECK(octets(caf::atom("a")) == "e603000000000000");
  CHECK(octets(node_id_of(0x1122334455667788)) == "8877665544332211");
}

TEST_CASE("handles, errors and messages lie in codec 0 as the page says", "[actors][codec]") {
  octets_of_codec_0 octets;
  CHECK(octets(caf::actor{}) == "00");
  const auto someone = octets.bench.system.system().spawn([] { return caf::behavior{[](int) {}}; });
  REQUIRE(someone.id() < 128);
  CHECK(octets(someone) == hex(std::string(1, static_cast<char>(someone.id()))) + "8877665544332211");
  caf::anon_send_exit(someone, caf::exit_reason::user_shutdown);

  const std::string category = "eaecca0f00000000"; // of an atom: six bits a character
  CHECK(octets(caf::error{}) == "00");
  CHECK(octets(caf::error{7, caf::atom("mine")}) == "07" + category + "00");
  CHECK(octets(caf::error{7, caf::atom("mine"), caf::make_message(std::string{"why"})})
        == "07" + category + "01" + "06737472696e67" + "03776879"); // one element, "string"
  CHECK(octets(caf::message{}) == "00");
  CHECK(octets(caf::make_message(testing::point{1, 2}, std::uint64_t{3}))
        == "02"
           "05706f696e74"
           "03753634"
           "0100000002000000"
           "0300000000000000");
}

TEST_CASE("a report lies in both codecs as the page says, field by field", "[actors][codec]") {
  activity_report report;
  report.books = {.sent = 1, .remote_sent = 2, .remote_received = 3, .handled = 4, .dead_lettered = 5};
  for (std::size_t i = 0; i < report.books.dropped.size(); ++i)
    report.books.dropped[i] = 10 + i;
  report.set_aside = 20;
  report.unborn = 21;
  report.timers = 22;
  report.outside = 23;
  report.arriving = 24;
  report.waiting = 25;
  report.blind = true;
  report.threads = 26;
  report.moves = 27;
  const std::vector<wait_edge> edges{{{1, 2}, {3, 4}, "a", "b", true, false, true, false}};
  const auto record = std::tie(report, edges);
  testing::codec_bench bench;
  transport::byte_buffer packed, plain;
  CHECK_FALSE(msgpack_writer(packed, bench.handles, bench.system.catalog).apply(record));
  CHECK(hex(packed)
        == "92"
           "9f"
           "0102030405"
           "9a0a0b0c0d0e0f10111213"
           "141516171819"
           "c3"
           "1a1b"
           "91"
           "98"
           "920102"
           "920304"
           "a161"
           "a162"
           "c3c2c3c2");
  const auto u64 = [](unsigned value) {
    return hex(std::string(1, static_cast<char>(value))) + "00000000000000";
  };
  std::string expected;
  for (const unsigned count :
       {1U, 2U, 3U, 4U, 5U, 10U, 11U, 12U, 13U, 14U, 15U, 16U, 17U, 18U, 19U, 20U, 21U, 22U, 23U, 24U, 25U})
    expected += u64(count);
  expected += "01" + u64(26) + u64(27);
  expected += "01" + u64(1) + u64(2) + u64(3) + u64(4)
              + "0161"
                "0162"
                "01000100";
  CHECK_FALSE(wire_writer(plain, bench.handles, bench.system.catalog).apply(record));
  CHECK(hex(plain) == expected);
}
