// docs/wire.md and the code state the same numbers.
#include "tests/support/catch.hpp"
#include "tests/support/hex.hpp"
#include "tests/support/page.hpp"
#include "transport/frames/envelope.hpp"
#include "transport/frames/frames.hpp"
#include "transport/frames/limits.hpp"
#include "transport/frames/node_name.hpp"

#include <fstream>
#include <map>
#include <sstream>

using namespace troupe::transport;

namespace {

const troupe::testing::page& page() {
  static const troupe::testing::page wire{TROUPE_WIRE_PAGE};
  return wire;
}

std::string octet(unsigned value) {
  std::ostringstream out;
  out << "%x" << std::uppercase << std::hex << (value < 16 ? "0" : "") << value;
  return out.str();
}

} // namespace

TEST_CASE("the wire page's limits are the code's", "[transport][wire]") {
  using namespace limits;
  const std::map<std::string, std::uint64_t> code{
      {"version_min", version_min},
      {"version_max", version_max},
      {"name_bytes_max", name_bytes_max},
      {"endpoint_bytes_max", endpoint_bytes_max},
      {"greeting_bytes_max", greeting_bytes_max},
      {"detail_bytes_max", detail_bytes_max},
      {"varint_bytes_max", varint_bytes_max},
      {"data_header_bytes", data_header_bytes},
      {"envelope_length_bytes", envelope_length_bytes},
      {"envelope_header_bytes_max", envelope_header_bytes_max},
      {"control_payload_bytes_max", control_payload_bytes_max},
      {"frame_bytes_min", frame_bytes_min},
      {"frame_bytes_ceiling", frame_bytes_ceiling},
      {"handshake_bytes_max", handshake_bytes_max},
      {"type_index_max", type_index_max},
      {"peers_ceiling", peers_ceiling},
      {"pending_connections_max", pending_connections_max},
      {"visitors_max", visitors_max},
      {"visit_silence_max_ms", static_cast<std::uint64_t>(visit_silence_max.count())},
      {"ended_sessions_max", ended_sessions_max},
      {"upload_part_bytes_max", upload_part_bytes_max},
      {"upload_window_bytes", upload_window_bytes},
      {"upload_receipt_bytes", upload_receipt_bytes},
      {"upload_files_max", upload_files_max},
      {"ack_frames", ack_frames},
      {"ack_bytes", ack_bytes},
      {"ack_delay_ms", static_cast<std::uint64_t>(ack_delay.count())},
      {"heartbeat_min_ms", static_cast<std::uint64_t>(heartbeat_min.count())},
      {"handshake_timeout_ms", static_cast<std::uint64_t>(handshake_timeout.count())},
      {"redial_delay_min_ms", static_cast<std::uint64_t>(redial_delay_min.count())},
      {"redial_delay_max_ms", static_cast<std::uint64_t>(redial_delay_max.count())},
  };
  std::map<std::string, std::uint64_t> stated;
  for (const auto& row : page().table("| limit | value | unit |"))
    stated[row.at(0)] = std::stoull(row.at(1));
  CHECK(stated == code);
}

TEST_CASE("every limit that the code names is on the wire page or is not of the wire", "[transport][wire]") {
  std::ifstream in(TROUPE_LIMITS_HEADER);
  std::string line;
  int count = 0;
  while (std::getline(in, line)) {
    const auto begin = line.find("inline constexpr");
    const auto equals = line.find_first_of("={");
    if (begin == std::string::npos || equals == std::string::npos) continue;
    auto name = line.substr(0, line.find_last_not_of(' ', equals - 1) + 1);
    name = name.substr(name.rfind(' ') + 1);
    ++count;
    if (name == "magic" || name.starts_with("local_")) continue;
    CAPTURE(name);
    CHECK((page().text().find("| " + name + " |") != std::string::npos
           || page().text().find("| " + name + "_ms |") != std::string::npos));
  }
  CHECK(count > 20);
}

TEST_CASE("the wire page's frames, kinds and refusals are the code's", "[transport][wire]") {
  const std::pair<const char*, frame_kind> frames[] = {
      {"hello       = ", frame_kind::hello},   {"welcome     = ", frame_kind::welcome},
      {"confirm     = ", frame_kind::confirm}, {"refuse      = ", frame_kind::refuse},
      {"data        = ", frame_kind::data},    {"goodbye     = ", frame_kind::goodbye},
      {"ack         = ", frame_kind::ack},     {"heartbeat   = ", frame_kind::heartbeat}};
  for (const auto& [text, kind] : frames)
    CHECK(page().text().find(text + octet(static_cast<unsigned>(kind))) != std::string::npos);

  const auto kinds = page().table("| kind | name | fields | meaning |");
  REQUIRE(kinds.size() == 12);
  for (unsigned value = 0; value < 256; ++value)
    CHECK(is_known_kind(static_cast<std::uint8_t>(value)) == (value >= 1 && value <= kinds.size()));
  const char* names[] = {"message", "signature", "watch", "ended",  "link",   "unlink",
                         "node",    "bounce",    "probe", "report", "upload", "receipt"};
  for (std::size_t i = 0; i < kinds.size(); ++i) {
    CHECK(kinds[i][0] == std::to_string(i + 1));
    CHECK(kinds[i][1] == names[i]);
  }

  const auto refusals = page().table("| reason | name | again |");
  REQUIRE(refusals.size() == static_cast<std::size_t>(refusal::over_limit));
  for (const auto& row : refusals) {
    const auto code = static_cast<refusal>(std::stoi(row[0]));
    CAPTURE(row[1]);
    CHECK(is_retried(code) == (row[2] == "yes"));
    CHECK(to_string(code) != "unknown reason");
  }

  byte_buffer magic;
  for (std::size_t i = 0; i < 4; ++i)
    magic.push_back(static_cast<char>(limits::magic >> (8 * i)));
  CHECK(std::string(magic.begin(), magic.end()) == "TRUP");
}

TEST_CASE("frames lie on the wire as the page says, octet by octet", "[transport][wire]") {
  const auto text = [](const frame_ptr& f) { return troupe::testing::hex(f->bytes); };
  hello_frame hello;
  hello.version_min = 1;
  hello.version_max = 2;
  hello.frame_bytes_max = 0x10000;
  hello.self = {{"ab", 0x0102}, 0, 3, "c", {'d'}};
  hello.wanted = {"e", 4};
  CHECK(text(encode(hello))
        == "01"
           "54525550"
           "0100"
           "0200"
           "00000100"
           "026162"
           "0201000000000000"
           "0300000000000000"
           "0163"
           "0164"
           "0165"
           "0400000000000000");
  welcome_frame welcome;
  welcome.version = 1;
  welcome.frame_bytes_max = 0x10000;
  welcome.self = hello.self;
  welcome.position = {1, 2, 3, 4, 5};
  CHECK(text(encode(welcome))
        == "02"
           "54525550"
           "0100"
           "00000100"
           "026162"
           "0201000000000000"
           "0300000000000000"
           "0163"
           "0164"
           "01000000"
           "02000000"
           "03000000"
           "0400000000000000"
           "0500000000000000");
  CHECK(text(encode(confirm_frame{{1, 2, 3, 4, 5}}))
        == "03"
           "01000000"
           "02000000"
           "03000000"
           "0400000000000000"
           "0500000000000000");
  CHECK(text(encode(refuse_frame{refusal::crossed, "x"}))
        == "04"
           "0a"
           "0178");
  CHECK(text(encode(ack_frame{1, 2}))
        == "12"
           "0100000000000000"
           "0200000000000000");
  CHECK(text(encode(heartbeat_frame{1, 2, 3, 4, 5, 6}))
        == "13"
           "0100000000000000"
           "0200000000000000"
           "0300000000000000"
           "0400000000000000"
           "0500000000000000"
           "0600000000000000");
  auto bye = frame_ptr::make();
  begin_numbered(bye->bytes, frame_kind::goodbye);
  set_number(bye->bytes, 7);
  set_ack(bye->bytes, 6);
  CHECK(text(bye)
        == "11"
           "0700000000000000"
           "0600000000000000");
}

TEST_CASE("a data frame lies on the wire as the page says, octet by octet", "[transport][wire]") {
  const auto text = [](const frame_ptr& f) { return troupe::testing::hex(f->bytes); };
  auto f = frame_ptr::make();
  begin_numbered(f->bytes, frame_kind::data);
  set_number(f->bytes, 7);
  set_ack(f->bytes, 6);
  envelope_context context;
  const auto begin = begin_envelope(f->bytes, {envelope_kind::message, 1, 2, 3, 4, 5, 6, 7}, context);
  f->bytes.push_back('p');
  finish_envelope(f->bytes, begin);
  CHECK(text(f)
        == "10"
           "0700000000000000"
           "0600000000000000"
           "09000000"
           "f1"
           "01"
           "02"
           "03"
           "04"
           "05"
           "0c"
           "0e"
           "70");
}

TEST_CASE("a node's name has one rule, which a hello must keep", "[transport][wire]") {
  using namespace std::string_literals;
  for (const auto* good : {"a", "w1", "gpu-1.rack_2", "0", "_", "main", "visitor-17"})
    CHECK(wrong_with_node_name(good) == nullptr);
  const std::string longest(64, 'n');
  CHECK(wrong_with_node_name(longest) == nullptr);
  const std::string bad[] = {"",
                             std::string(65, 'n'),
                             std::string(300, 'n'),
                             "../../x",
                             "/x",
                             ".hidden",
                             "-x",
                             "a b",
                             "a\nb",
                             "a\0b"s,
                             "a\x1b[31mb",
                             "a\x7f",
                             "a\u009b31m",
                             "\u202egnp.exe",
                             "a\u200bb",
                             "\u00e4",
                             "a\xff",
                             "<img src=x>",
                             "=1+1"};
  for (const auto& name : bad) {
    CAPTURE(name);
    CHECK(wrong_with_node_name(name) != nullptr);
    hello_frame hello;
    hello.version_min = hello.version_max = 1;
    hello.self.identity = {name, 7};
    const auto bytes = encode(hello);
    CHECK(std::holds_alternative<malformed_frame>(decode_frame(bytes->bytes)));
  }
}
