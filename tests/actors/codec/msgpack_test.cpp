// Codec 1 is MessagePack as others understand it.
#include "tests/support/catch.hpp"
#include "tests/support/codec_samples.hpp"

#include <msgpack.hpp>

#include <random>

using namespace troupe;
using namespace troupe::testing;

namespace {

/// Whether a count of nanoseconds that went through the type once stays what it is, however
/// often it goes through it again. (What the type cannot hold, or the count, is no counter-example.)
template <class Duration>
bool settles(std::int64_t given) {
  Duration x{};
  std::int64_t once = 0, again = 0;
  if (!detail::from_nanoseconds(given, x) || !detail::to_nanoseconds(x, once)) return true;
  return detail::from_nanoseconds(once, x) && detail::to_nanoseconds(x, again) && again == once;
}

/// The first of many counts, of every magnitude, that does not settle.
template <class Duration>
std::optional<std::int64_t> restless() {
  std::mt19937_64 random(4711);
  for (int i = 0; i < 20'000; ++i) {
    const auto size = static_cast<std::int64_t>(random() >> (1 + i % 63));
    if (!settles<Duration>(size)) return size;
    if (!settles<Duration>(-size)) return -size;
  }
  return std::nullopt;
}

struct fixture {
  codec_bench bench;
  caf::error err;
  msgpack::object_handle tree;

  /// The payload of a message as another implementation reads it.
  template <class... Ts>
  const msgpack::object& unpacked(Ts... xs) {
    const auto bytes = bench.encode<msgpack_writer>(caf::make_message(std::move(xs)...), err);
    REQUIRE_FALSE(err);
    std::size_t read = 0;
    tree = msgpack::unpack(bytes.data(), bytes.size(), read);
    REQUIRE(read == bytes.size());
    return tree.get();
  }
  template <class... Ts>
  std::string json(Ts... xs) {
    std::ostringstream out;
    out << unpacked(std::move(xs)...);
    return out.str();
  }
  /// A message with one element of type T from what a packer wrote.
  template <class T, class Fill>
  std::optional<T> read(Fill fill) {
    msgpack::sbuffer buffer;
    msgpack::packer<msgpack::sbuffer> packer{buffer};
    packer.pack_array(1);
    fill(packer);
    err = caf::none;
    const auto& signature = bench.signature_of(caf::make_message(T{}));
    auto message = bench.decode<msgpack_reader>({buffer.data(), buffer.size()}, signature, err);
    if (err) return std::nullopt;
    return message.template get_as<T>(0);
  }
  template <class T, class X>
  std::optional<T> read_value(const X& x) {
    return read<T>([&](auto& packer) { packer.pack(x); });
  }
};

} // namespace

TEST_CASE("every sample message is valid MessagePack", "[actors][msgpack]") {
  fixture f;
  for (const auto& message : f.bench.samples()) {
    const auto bytes = f.bench.encode<msgpack_writer>(message, f.err);
    REQUIRE_FALSE(f.err);
    std::size_t read = 0;
    const auto handle = msgpack::unpack(bytes.data(), bytes.size(), read);
    CHECK(read == bytes.size());
  }
}

TEST_CASE("messages are arrays of their elements, structures of their fields", "[actors][msgpack]") {
  fixture f;
  CHECK(f.json(std::string{"a"}, std::int32_t{-5}, true) == R"(["a",-5,true])");
  CHECK(f.json(point{1, 2}) == "[[1,2]]");
  CHECK(f.json(tree{"t", {{"b", {}}}}) == R"([["t",[["b",[]]]]])");
  CHECK(f.json(std::map<std::string, std::string>{{"k", "v"}}) == R"([{"k":"v"}])");
  CHECK(f.json(parcel{caf::make_message(point{1, 2}, std::string{"x"})})
        == R"([[[["point","string"],[[1,2],"x"]]]])");
  CHECK(f.json(parcel{}) == "[[[[],[]]]]");
  CHECK(f.json(caf::atom("get"), caf::unit) == R"(["get",null])");
  CHECK(f.json(caf::timespan{1'500}, caf::duration{caf::time_unit::seconds, 2}, caf::duration{caf::infinite})
        == "[1500,2000000000,null]");
}

TEST_CASE("integers take their shortest form, floats stay floats", "[actors][msgpack]") {
  fixture f;
  const auto bytes = f.bench.encode<msgpack_writer>(
      caf::make_message(std::uint64_t{127}, std::int64_t{-32}, std::int32_t{128}, 1.0, -0.0F), f.err);
  CHECK(std::string(bytes.begin(), bytes.end())
        == std::string("\x95\x7f\xe0\xcc\x80\xcb\x3f\xf0\0\0\0\0\0\0\xca\x80\0\0\0", 19));
}

TEST_CASE("fields beyond fifteen need a longer head", "[actors][msgpack]") {
  fixture f;
  const auto& object = f.unpacked(special{});
  REQUIRE(object.type == msgpack::type::ARRAY);
  CHECK(object.via.array.ptr[0].via.array.size == 16);
}

TEST_CASE("octets are bin, and so is a string that is no UTF-8", "[actors][msgpack]") {
  fixture f;
  CHECK(f.unpacked(std::vector<char>{'a'}).via.array.ptr[0].type == msgpack::type::BIN);
  CHECK(f.unpacked(std::string{"h\u00e9\u20ac\U0001F600"}).via.array.ptr[0].type == msgpack::type::STR);
  for (const std::string bad :
       {"\xff", "\xc0\x80", "\xe2\x82", "\xed\xa0\x80", "\xf4\x90\x80\x80", "\x80", "\xf0\x80\x80\x80"}) {
    CHECK(f.unpacked(bad).via.array.ptr[0].type == msgpack::type::BIN);
    CHECK(f.read<std::string>([&](auto& packer) {
      packer.pack_bin(static_cast<std::uint32_t>(bad.size()))
          .pack_bin_body(bad.data(), static_cast<std::uint32_t>(bad.size()));
    }) == bad);
  }
}

TEST_CASE("an actor's address is extension 1, and its owner knows it again", "[actors][msgpack]") {
  fixture f;
  auto someone = f.bench.system.system().spawn([] { return caf::behavior{[](int) {}}; });
  const auto& element = f.unpacked(someone).via.array.ptr[0];
  REQUIRE(element.type == msgpack::type::EXT);
  CHECK(element.via.ext.type() == msgpack_handle_type);
  REQUIRE(element.via.ext.size == 16);
  std::string body(element.via.ext.data(), 16);
  CHECK(body.substr(0, 8) == "\x88\x77\x66\x55\x44\x33\x22\x11");
  CHECK(static_cast<unsigned char>(body[8]) == (someone.id() & 0xff));
  const auto with = [&](std::size_t size, std::int8_t type) {
    return f.read<caf::actor>([&](auto& packer) {
      packer.pack_ext(size, type).pack_ext_body(body.data(), static_cast<std::uint32_t>(size));
    });
  };
  CHECK(with(16, 1) == someone);
  CHECK_FALSE(with(16, 2));
  CHECK_FALSE(with(15, 1));
  body[3] = '\0'; // an incarnation that nobody has
  CHECK(with(16, 1) == caf::actor{});
  CHECK(f.json(caf::actor{}) == "[null]");
  caf::anon_send_exit(someone, caf::exit_reason::user_shutdown);
}

TEST_CASE("an error is its code, its category and what it says", "[actors][msgpack]") {
  fixture f;
  CHECK(f.json(caf::error{}) == "[null]");
  const auto& object = f.unpacked(caf::make_error(caf::sec::invalid_argument, "negative")).via.array.ptr[0];
  REQUIRE(object.via.array.size == 3);
  CHECK(object.via.array.ptr[0].as<int>() == static_cast<int>(caf::sec::invalid_argument));
  CHECK(object.via.array.ptr[1].as<std::string>() == "system");
  CHECK(object.via.array.ptr[2].as<std::string>().find("negative") != std::string::npos);
  const auto back = f.read_value<caf::error>(std::make_tuple(7, "mine", "went wrong"));
  REQUIRE(back);
  CHECK(back->code() == 7);
  CHECK(back->category() == caf::atom("mine"));
  CHECK(back->context().get_as<std::string>(0) == "went wrong");
  CHECK_FALSE(f.read_value<caf::error>(std::make_tuple(256, "mine", "")));
  CHECK_FALSE(f.read_value<caf::error>(std::make_tuple(1, "longer than ten", "")));
  CHECK_FALSE(f.read_value<caf::error>(std::make_tuple(1, "mine")));
}

TEST_CASE("numbers are taken where they fit, however they were written", "[actors][msgpack]") {
  fixture f;
  CHECK(f.read_value<std::uint8_t>(255) == 255);
  CHECK_FALSE(f.read_value<std::uint8_t>(256));
  CHECK_FALSE(f.read_value<std::uint8_t>(-1));
  CHECK(f.read_value<std::int8_t>(-128) == -128);
  CHECK_FALSE(f.read_value<std::int8_t>(-129));
  CHECK_FALSE(f.read_value<std::int8_t>(128));
  CHECK(f.read_value<std::int64_t>(INT64_MIN) == INT64_MIN);
  CHECK_FALSE(f.read_value<std::int64_t>(UINT64_MAX));
  CHECK(f.read_value<std::uint64_t>(UINT64_MAX) == UINT64_MAX);
  CHECK(f.read<std::int32_t>([](auto& packer) { packer.pack_fix_int64(7); }) == 7); // not the shortest form
  CHECK(f.read<std::uint16_t>([](auto& packer) { packer.pack_fix_int64(7); }) == 7);
  CHECK_FALSE(f.read_value<std::int32_t>(1.5)); // a float is no integer
  CHECK(f.read_value<double>(3) == 3.0);        // but an integer is a number
  CHECK(f.read_value<double>(-3) == -3.0);
  CHECK(f.read_value<double>(0.5F) == 0.5);
  CHECK(f.read_value<float>(0.1) == 0.1F);
  CHECK_FALSE(f.read_value<float>(1e300));
  CHECK_FALSE(f.read_value<bool>(1));
  CHECK_FALSE(f.read_value<std::string>(1));
  CHECK_FALSE(f.read_value<std::vector<char>>("text"));
  CHECK(f.read_value<caf::timespan>(-5) == caf::timespan{-5});
  CHECK_FALSE(f.read_value<caf::duration>(-5));
  CHECK_FALSE(f.read_value<caf::atom_value>("longer than ten"));
}

TEST_CASE("durations beyond 64 bits of nanoseconds are refused on both ends", "[actors][msgpack]") {
  std::int64_t count = 0;
  CHECK(detail::to_nanoseconds(std::chrono::hours{24 * 365 * 200}, count));
  CHECK(count == 6'307'200'000'000'000'000);
  CHECK_FALSE(detail::to_nanoseconds(std::chrono::hours{24 * 365 * 300}, count));
  CHECK_FALSE(detail::to_nanoseconds(std::chrono::duration<double>{1e300}, count));
  CHECK_FALSE(
      detail::to_nanoseconds(std::chrono::duration<double>{std::numeric_limits<double>::quiet_NaN()}, count));
  std::chrono::duration<std::int8_t, std::milli> narrow{};
  CHECK(detail::from_nanoseconds(100'000'000, narrow));
  CHECK(narrow.count() == 100);
  CHECK_FALSE(detail::from_nanoseconds(200'000'000, narrow));
  std::chrono::duration<std::int64_t, std::pico> fine{};
  CHECK_FALSE(detail::from_nanoseconds(INT64_MAX, fine));
}

TEST_CASE("a duration that is passed on again and again stays what it is", "[actors][msgpack]") {
  using std::chrono::duration;
  CHECK_FALSE(restless<duration<double>>());
  CHECK_FALSE(restless<duration<double, std::milli>>());
  CHECK_FALSE(restless<duration<double, std::nano>>());
  CHECK_FALSE(restless<duration<double, std::ratio<3600>>>());
  CHECK_FALSE(restless<duration<float>>());
  CHECK_FALSE(restless<duration<float, std::micro>>());
  CHECK_FALSE(restless<std::chrono::milliseconds>());
  CHECK_FALSE(restless<duration<std::uint64_t, std::pico>>());
  CHECK_FALSE(restless<duration<std::int32_t, std::ratio<1, 30>>>());
  CHECK_FALSE(restless<duration<std::int64_t, std::ratio<1, 700'000'000>>>());
}

TEST_CASE("what no whole number of nanoseconds can say is rounded, not cut off", "[actors][msgpack]") {
  std::int64_t count = 0;
  CHECK(detail::to_nanoseconds(std::chrono::duration<double>{0.001000003}, count));
  CHECK(count == 1'000'003);
  CHECK(detail::to_nanoseconds(std::chrono::duration<double>{-0.001000003}, count));
  CHECK(count == -1'000'003);
  using frames = std::chrono::duration<std::int64_t, std::ratio<1, 30>>;
  frames shown{};
  for (const std::int64_t number : {1, 2, -1, 29, 1'000'000'001}) {
    REQUIRE(detail::to_nanoseconds(frames{number}, count));
    REQUIRE(detail::from_nanoseconds(count, shown));
    CHECK(shown.count() == number);
  }
  CHECK(detail::to_nanoseconds(frames{270'000'000'000}, count));
  CHECK(count == 9'000'000'000'000'000'000);
  std::chrono::milliseconds coarse{};
  CHECK(detail::from_nanoseconds(1'499'999, coarse));
  CHECK(coarse.count() == 1);
  CHECK(detail::from_nanoseconds(-1'500'000, coarse));
  CHECK(coarse.count() == -2);
}

TEST_CASE("a structure must have exactly its fields", "[actors][msgpack]") {
  fixture f;
  CHECK(f.read_value<point>(std::make_tuple(1, 2))->y == 2);
  CHECK_FALSE(f.read_value<point>(std::make_tuple(1)));
  CHECK_FALSE(f.read_value<point>(std::make_tuple(1, 2, 3)));
  CHECK_FALSE(f.read_value<point>(std::map<std::string, int>{{"x", 1}, {"y", 2}}));
}

TEST_CASE("messages inside messages must name types that are known", "[actors][msgpack]") {
  fixture f;
  using names = std::vector<std::string>;
  const auto read = [&](const names& types, const auto& elements) {
    return f.read_value<parcel>(std::make_tuple(std::make_tuple(types, elements)));
  };
  const auto good = read({"point", "string"}, std::make_tuple(std::make_tuple(1, 2), "x"));
  REQUIRE(good);
  CHECK(good->content.match_elements<point, std::string>());
  CHECK_FALSE(read({"pint"}, std::make_tuple(1)));
  CHECK(f.err == caf::sec::unknown_type);
  CHECK_FALSE(read({"string"}, std::make_tuple("x", "y")));
  CHECK_FALSE(read(names(5'000, "i32"), std::vector<int>(5'000)));
  CHECK(f.err == caf::sec::invalid_argument);
}

TEST_CASE("0xc1 is nothing", "[actors][msgpack]") {
  fixture f;
  const transport::byte_buffer bytes{'\x91', '\xc1'};
  f.bench.decode<msgpack_reader>(bytes, f.bench.signature_of(caf::make_message(caf::unit)), f.err);
  CHECK(f.err == caf::sec::invalid_argument);
}
