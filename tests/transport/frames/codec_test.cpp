#include "tests/support/catch.hpp"
#include "transport/frames/bytes.hpp"
#include "transport/frames/envelope.hpp"
#include "transport/frames/frames.hpp"

#include <limits>
#include <random>

using namespace troupe::transport;

namespace {

byte_buffer text(std::string_view s) { return {s.begin(), s.end()}; }

bool is_malformed(const decoded_frame& f) { return std::holds_alternative<malformed_frame>(f); }

hello_frame some_hello() {
  hello_frame hello;
  hello.version_min = limits::version_min;
  hello.version_max = limits::version_max;
  hello.frame_bytes_max = 1 << 24;
  hello.self = {{"north", 0x1122334455667788}, 0, 5, "tcp://127.0.0.1:5000", text("types")};
  hello.wanted = {"south", 99};
  return hello;
}

} // namespace

TEST_CASE("varints come back as they went, in their shortest form only", "[transport][codec]") {
  std::vector<std::uint64_t> values{0, 1, 127, 128, 300, std::numeric_limits<std::uint64_t>::max()};
  for (int shift = 0; shift < 64; ++shift)
    values.push_back(std::uint64_t{1} << shift);
  for (const auto value : values) {
    byte_buffer out;
    put_varint(out, value);
    byte_reader in(out);
    CHECK(in.varint() == value);
    CHECK(in.ok());
    CHECK(in.left() == 0);
    byte_reader cut(std::span<const char>{out.data(), out.size() - 1});
    cut.varint();
    CHECK_FALSE(cut.ok());
    CHECK(unzigzag(zigzag(value)) == value);
  }
  for (const auto& wrong :
       {byte_buffer{'\x80', 0}, byte_buffer(10, '\xff'), byte_buffer(11, '\x80'), byte_buffer{}}) {
    byte_reader in(wrong);
    in.varint();
    CHECK_FALSE(in.ok());
  }
}

TEST_CASE("envelopes come back as they went", "[transport][codec]") {
  std::mt19937_64 random(GENERATE(1U, 2U, 3U));
  const auto number = [&] { return random() >> (random() % 64); };
  std::vector<envelope_header> headers;
  std::vector<byte_buffer> payloads;
  byte_buffer out;
  envelope_context context;
  for (int i = 0; i < 200; ++i) {
    envelope_header h;
    h.kind = static_cast<envelope_kind>(1 + random() % 10);
    h.flags = static_cast<std::uint8_t>(random() % 3);
    h.sender = random() % 2 == 0 ? 0 : number();
    h.receiver = number();
    h.request = random() % 2 == 0 ? 0 : number();
    h.type = static_cast<std::uint32_t>(random() % (limits::type_index_max + 1));
    if (random() % 2 == 0) h.number = number(), h.sent_at = number();
    headers.push_back(h);
    payloads.emplace_back(random() % 100, 'p');
    const auto begin = begin_envelope(out, h, context);
    out.insert(out.end(), payloads.back().begin(), payloads.back().end());
    finish_envelope(out, begin);
  }
  REQUIRE(check_envelopes(out) == nullptr);
  std::span<const char> left(out);
  envelope_context reading;
  for (std::size_t i = 0; i < headers.size(); ++i) {
    envelope_view view;
    REQUIRE(read_envelope(left, view, reading) == nullptr);
    const auto& h = headers[i];
    CHECK(std::tie(view.header.kind, view.header.flags, view.header.sender, view.header.receiver,
                   view.header.request, view.header.type, view.header.number, view.header.sent_at)
          == std::tie(h.kind, h.flags, h.sender, h.receiver, h.request, h.type, h.number, h.sent_at));
    CHECK(byte_buffer(view.payload.begin(), view.payload.end()) == payloads[i]);
  }
  CHECK(left.empty());
}

TEST_CASE("a message between known actors has a short header", "[transport][codec]") {
  byte_buffer out;
  envelope_context context;
  for (std::uint64_t i = 1; i <= 2; ++i) {
    const auto begin = begin_envelope(
        out, {envelope_kind::message, 0, 12, 34, 0, 3, 1'000'000 + i, 1'000'000'000'000 + i * 200}, context);
    finish_envelope(out, begin);
  }
  const auto first = 4 + 4 + 10; // length; kind, sender, receiver, type; number and time in full
  CHECK(out.size() - first <= 12);
}

TEST_CASE("envelopes that lie about themselves are refused", "[transport][codec]") {
  envelope_context context;
  byte_buffer good;
  finish_envelope(good, begin_envelope(good, {envelope_kind::message, 1, 2, 3, 4, 5, 6, 7}, context));
  REQUIRE(check_envelopes(good) == nullptr);
  CHECK(check_envelopes({}) != nullptr);
  for (std::size_t size = 1; size < good.size(); ++size)
    CHECK(check_envelopes(std::span<const char>{good.data(), size}) != nullptr);
  auto kind = good;
  kind[4] = static_cast<char>((kind[4] & 0xf0) | 15);
  CHECK(check_envelopes(kind) != nullptr);
  auto length = good;
  length[3] = '\x7f';
  CHECK(check_envelopes(length) != nullptr);
  byte_buffer type;
  context = {};
  finish_envelope(
      type,
      begin_envelope(type, {envelope_kind::message, 0, 0, 0, 0, limits::type_index_max + 1, 0, 0}, context));
  CHECK(check_envelopes(type) != nullptr);
  byte_buffer control;
  context = {};
  const auto begin = begin_envelope(control, {envelope_kind::watch, 0, 0, 1, 0, 0, 0, 0}, context);
  control.resize(control.size() + limits::control_payload_bytes_max + 1);
  finish_envelope(control, begin);
  CHECK(check_envelopes(control) != nullptr);
}

TEST_CASE("handshake frames come back as they went, and not when cut anywhere", "[transport][codec]") {
  const auto hello = some_hello();
  const auto bytes = encode(hello)->bytes;
  const auto back = std::get<hello_frame>(decode_frame(bytes));
  CHECK(back.self.identity == hello.self.identity);
  CHECK(back.self.capabilities == 5);
  CHECK(back.self.endpoint == hello.self.endpoint);
  CHECK(back.self.greeting == hello.self.greeting);
  CHECK(back.wanted == hello.wanted);
  CHECK(back.frame_bytes_max == hello.frame_bytes_max);
  for (std::size_t size = 0; size < bytes.size(); ++size)
    CHECK(is_malformed(decode_frame(std::span<const char>{bytes.data(), size})));
  auto longer = bytes;
  longer.push_back('x');
  CHECK(is_malformed(decode_frame(longer)));

  welcome_frame welcome;
  welcome.version = 1;
  welcome.self = hello.self;
  welcome.position = {1, 2, 3, 4, 5};
  const auto welcome_back = std::get<welcome_frame>(decode_frame(encode(welcome)->bytes));
  CHECK(welcome_back.position.credit == 5);
  CHECK(welcome_back.position.generation == 3);
  CHECK(welcome_back.self.version == 1);
  CHECK(std::get<confirm_frame>(decode_frame(encode(confirm_frame{{9, 8, 7, 6, 5}})->bytes)).position.epoch
        == 9);
  const auto refuse =
      std::get<refuse_frame>(decode_frame(encode(refuse_frame{refusal::version, "no\n"})->bytes));
  CHECK(refuse.code == refusal::version);
  CHECK(refuse.detail == "no\n"); // as it was said; who shows it makes it printable
}

TEST_CASE("a hello of a later version is understood far enough to be refused", "[transport][codec]") {
  byte_buffer out{static_cast<char>(frame_kind::hello)};
  put_fixed(out, limits::magic);
  put_fixed(out, std::uint16_t{7});
  put_fixed(out, std::uint16_t{9});
  out.insert(out.end(), 40, '\xee');
  const auto hello = std::get<hello_frame>(decode_frame(out));
  CHECK(hello.version_min == 7);
  CHECK(hello.version_max == 9);
}

TEST_CASE("names with control characters, empty ones and incarnation 0 are malformed", "[transport][codec]") {
  auto hello = some_hello();
  hello.self.identity.name = "a\nb";
  CHECK(is_malformed(decode_frame(encode(hello)->bytes)));
  hello.self.identity.name = "";
  CHECK(is_malformed(decode_frame(encode(hello)->bytes)));
  hello = some_hello();
  hello.self.identity.incarnation = 0;
  CHECK(is_malformed(decode_frame(encode(hello)->bytes)));
}
