// What both payload codecs promise, and what each does with bytes that nobody vouches for.
#include "actors/codec/payload_codec.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/codec_samples.hpp"

#include <random>

using namespace troupe;
using namespace troupe::testing;

namespace {

/// The rest of a test is the same for both.
struct binary {
  using writer = wire_writer;
  using reader = wire_reader;
};
struct msgpacked {
  using writer = msgpack_writer;
  using reader = msgpack_reader;
};

} // namespace

TEMPLATE_TEST_CASE("what a codec has written it reads back", "[actors][codec]", binary, msgpacked) {
  codec_bench bench;
  for (const auto& message : bench.samples()) {
    INFO(caf::deep_to_string(message));
    caf::error err;
    const auto bytes = bench.encode<typename TestType::writer>(message, err);
    REQUIRE_FALSE(err);
    const auto again = bench.decode<typename TestType::reader>(bytes, bench.signature_of(message), err);
    INFO(caf::to_string(err));
    REQUIRE_FALSE(err);
    // The compact form has every bit of a value and nothing else.
    CHECK(bench.encode<wire_writer>(again, err) == bench.encode<wire_writer>(message, err));
  }
}

TEMPLATE_TEST_CASE("a payload that is cut short is an error, wherever the cut", "[actors][codec]", binary,
                   msgpacked) {
  codec_bench bench;
  for (const auto& message : bench.samples()) {
    caf::error err;
    const auto bytes = bench.encode<typename TestType::writer>(message, err);
    REQUIRE_FALSE(err);
    for (std::size_t size = 0; size < bytes.size(); ++size) {
      err = caf::none;
      // A copy of exactly this size, so that reading beyond it is seen by a sanitizer.
      const transport::byte_buffer part(bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(size));
      bench.decode<typename TestType::reader>(part, bench.signature_of(message), err);
      CHECK(err);
    }
    err = caf::none;
    auto longer = bytes;
    longer.push_back('\0');
    bench.decode<typename TestType::reader>(longer, bench.signature_of(message), err);
    CHECK(err);
  }
}

TEMPLATE_TEST_CASE("payloads with flipped bits are read or refused, never more", "[actors][codec]", binary,
                   msgpacked) {
  codec_bench bench;
  const auto seed = std::random_device{}();
  INFO("seed " << seed);
  std::mt19937 random{seed};
  std::size_t read = 0;
  for (const auto& message : bench.samples()) {
    caf::error err;
    const auto& signature = bench.signature_of(message);
    const auto bytes = bench.encode<typename TestType::writer>(message, err);
    REQUIRE_FALSE(err);
    const auto check = [&](const transport::byte_buffer& changed) {
      err = caf::none;
      const auto result = bench.decode<typename TestType::reader>(changed, signature, err);
      if (err) return;
      ++read; // what was taken can be written again
      bench.encode<typename TestType::writer>(result, err);
    };
    for (std::size_t at = 0; at < bytes.size(); ++at) {
      for (unsigned bit = 0; bit < 8; ++bit) {
        auto changed = bytes;
        changed[at] = static_cast<char>(static_cast<unsigned char>(changed[at]) ^ 1U << bit);
        check(changed);
      }
    }
    for (int round = 0; round < 500; ++round) {
      auto changed = bytes;
      for (int flips = 0; flips < 4; ++flips)
        changed[random() % changed.size()] = static_cast<char>(random());
      changed.resize(changed.size() - random() % 3 % changed.size());
      check(changed);
    }
  }
  CHECK(read > 0);
}

TEMPLATE_TEST_CASE("nesting is bounded in both directions", "[actors][codec]", binary, msgpacked) {
  codec_bench bench;
  tree deep;
  for (int level = 0; level < 28; ++level)
    deep = tree{"", {deep}};
  caf::error err;
  const auto fits = caf::make_message(deep);
  const auto bytes = bench.encode<typename TestType::writer>(fits, err);
  CHECK_FALSE(err);
  bench.decode<typename TestType::reader>(bytes, bench.signature_of(fits), err);
  CHECK_FALSE(err);
  for (int level = 0; level < 10; ++level)
    deep = tree{"", {deep}};
  bench.encode<typename TestType::writer>(caf::make_message(deep), err);
  CHECK(err);

  parcel inner;
  for (int level = 0; level < 100; ++level)
    inner = parcel{caf::make_message(inner)};
  err = caf::none;
  bench.encode<typename TestType::writer>(caf::make_message(inner), err);
  CHECK(err);
}

TEST_CASE("trees without end are refused before the stack is", "[actors][codec]") {
  codec_bench bench;
  const auto& signature = bench.signature_of(caf::make_message(tree{}));
  caf::error err;
  transport::byte_buffer bytes;
  for (int level = 0; level < 1'000'000; ++level) { // an empty name, one branch
    bytes.push_back('\0');
    bytes.push_back('\1');
  }
  bench.decode<wire_reader>(bytes, signature, err);
  CHECK(err == caf::sec::invalid_argument);
  bytes.assign(1, '\x91');
  for (int level = 0; level < 1'000'000; ++level) { // [name, [branch]]
    bytes.push_back('\x92');
    bytes.push_back('\xa0');
    bytes.push_back('\x91');
  }
  err = caf::none;
  bench.decode<msgpack_reader>(bytes, signature, err);
  CHECK(err == caf::sec::invalid_argument);
}

TEST_CASE("a few bytes cannot make gigabytes", "[actors][codec]") {
  codec_bench bench;
  caf::error err;
  const auto& sparse_list = bench.signature_of(caf::make_message(std::vector<sparse>{}));
  const auto& nothing_list = bench.signature_of(caf::make_message(std::vector<nothing>{}));
  constexpr std::size_t elements = 200'000; // of four kilobytes each

  SECTION("elements that are large in memory, codec 0") {
    transport::byte_buffer bytes{'\xc0', '\x9a', '\x0c'}; // 200,000
    bytes.resize(bytes.size() + elements);
    bench.decode<wire_reader>(bytes, sparse_list, err);
    CHECK(err == caf::sec::invalid_argument);
  }
  SECTION("elements that are large in memory, codec 1") {
    transport::byte_buffer bytes{'\x91', '\xdd', '\x00', '\x03', '\x0d', '\x40'};
    for (std::size_t i = 0; i < elements; ++i) {
      bytes.push_back('\x91');
      bytes.push_back('\xc0');
    }
    bench.decode<msgpack_reader>(bytes, sparse_list, err);
    CHECK(err == caf::sec::invalid_argument);
  }
  SECTION("elements without a byte of their own") {
    const transport::byte_buffer bytes{'\xff', '\xff', '\xff', '\xff', '\x0f'}; // four billion
    bench.decode<wire_reader>(bytes, nothing_list, err);
    CHECK(err);
  }
  SECTION("counts that the bytes do not back") {
    for (const char lead : {'\xdb', '\xc6', '\xdd', '\xdf', '\xc9'}) {
      const transport::byte_buffer bytes{'\x91', lead, '\x7f', '\xff', '\xff', '\xff', '\x01'};
      for (const auto& message : {caf::make_message(std::string{}), caf::make_message(std::vector<char>{}),
                                  caf::make_message(std::vector<std::string>{}),
                                  caf::make_message(std::map<std::string, std::string>{})}) {
        err = caf::none;
        bench.decode<msgpack_reader>(bytes, bench.signature_of(message), err);
        CHECK(err);
      }
    }
  }
}

TEST_CASE("a link takes the best codec that both sides know", "[actors][codec]") {
  using codecs = std::vector<int>;
  CHECK(best_codec(codecs{0, 1}) == payload_codec::binary);
  CHECK(best_codec(codecs{1}) == payload_codec::msgpack);
  CHECK(best_codec(codecs{1, 0}) == payload_codec::msgpack);
  CHECK(best_codec(codecs{7, 1}) == payload_codec::msgpack);
  CHECK(best_codec(codecs{7}) == payload_codec::none);
  CHECK(best_codec(codecs{}) == payload_codec::none);
}
