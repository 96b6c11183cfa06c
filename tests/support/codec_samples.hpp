// Messages of every shape that the payload codecs know, and what it takes to write and
// read them: shared by the tests and the fuzzers.
#pragma once

#include "tests/support/test_system.hpp"

#include <caf/scoped_execution_unit.hpp>

#include <array>
#include <set>

namespace troupe::testing {

enum class colour : std::uint8_t { red, green = 200 };

struct point {
  std::int32_t x = 0, y = 0;
};
template <class Inspector>
auto inspect(Inspector& f, point& p) {
  return f(caf::meta::type_name("point"), p.x, p.y);
}

struct nothing {};
TROUPE_FIELDS(nothing)

/// As deep as its writer wants.
struct tree {
  std::string name;
  std::vector<tree> branches;
};
TROUPE_MESSAGE(tree, name, branches)

/// CAF takes a message made of nothing but a message for that message.
struct parcel {
  caf::message content;
};
TROUPE_MESSAGE(parcel, content)

/// Large in memory, one octet on the wire when empty.
struct sparse {
  caf::optional<std::array<double, 512>> values;
};
TROUPE_FIELDS(sparse, values)

struct numbers {
  bool flag = false;
  char letter = 'a';
  std::int8_t i8 = 0;
  std::uint8_t u8 = 0;
  std::int16_t i16 = 0;
  std::uint16_t u16 = 0;
  std::int32_t i32 = 0;
  std::uint32_t u32 = 0;
  std::int64_t i64 = 0;
  std::uint64_t u64 = 0;
  float f32 = 0;
  double f64 = 0;
  colour paint = colour::red;
};
TROUPE_MESSAGE(numbers, flag, letter, i8, u8, i16, u16, i32, u32, i64, u64, f32, f64, paint)

struct containers {
  std::string text;
  std::u16string wide;
  std::vector<char> octets;
  std::vector<unsigned char> more_octets;
  std::vector<std::int32_t> integers;
  std::vector<double> reals;
  std::vector<bool> bits;
  std::vector<point> points;
  std::set<std::string> names;
  std::map<std::string, std::int64_t> counts;
  std::map<std::int16_t, std::vector<std::string>> lists;
  std::array<std::int16_t, 3> three{};
  std::pair<std::string, colour> painted;
  std::tuple<std::uint8_t, std::string, point> mixed;
  std::vector<nothing> empties;
};
TROUPE_MESSAGE(containers, text, wide, octets, more_octets, integers, reals, bits, points, names, counts,
               lists, three, painted, mixed, empties)

struct special {
  caf::optional<std::int32_t> some, none;
  caf::optional<caf::optional<std::string>> some_none;
  caf::optional<point> place;
  caf::timespan span{0};
  std::chrono::milliseconds short_span{0};
  std::chrono::duration<double> seconds{0};
  caf::timestamp when;
  caf::duration timeout;
  caf::atom_value word = caf::atom("");
  caf::unit_t unit;
  caf::node_id where;
  caf::actor whom;
  caf::strong_actor_ptr nobody;
  caf::error failure;
  caf::message inner;
};
TROUPE_MESSAGE(special, some, none, some_none, place, span, short_span, seconds, when, timeout, word, unit,
               where, whom, nobody, failure, inner)

inline void add_sample_messages(message_catalog& catalog) {
  catalog.add<numbers, containers, special, tree>();
  catalog.add<point>("point");
  catalog.add<parcel>();
  catalog.add<std::vector<sparse>>("sparse_list");
  catalog.add<std::vector<nothing>>("nothing_list");
}

/// Handles as a gateway would name them, without any link: every exported actor can be
/// imported again, and nothing else can.
class handle_book final : public handle_codec {
 public:
  explicit handle_book(caf::actor_system* system) : unit_(system) {}
  actor_ref export_handle(const caf::strong_actor_ptr& actor) override {
    if (actor == nullptr) return {};
    known_[actor->id()] = actor;
    return {incarnation, actor->id()};
  }
  caf::strong_actor_ptr import_handle(const actor_ref& ref) override {
    const auto found = known_.find(ref.id);
    return ref.incarnation == incarnation && found != known_.end() ? found->second : nullptr;
  }
  caf::execution_unit* serialization_context() override { return &unit_; }

  static constexpr std::uint64_t incarnation = 0x1122'3344'5566'7788;

 private:
  caf::scoped_execution_unit unit_;
  std::map<caf::actor_id, caf::strong_actor_ptr> known_;
};

/// Both codecs, with all sample types known.
class codec_bench {
 public:
  codec_bench() : system(trace::level::off, add_sample_messages), handles(&system.system()) {
    someone_ = system.system().spawn([] { return caf::behavior{[](int) {}}; });
  }
  ~codec_bench() { caf::anon_send_exit(someone_, caf::exit_reason::user_shutdown); }

  template <class Writer>
  transport::byte_buffer encode(const caf::message& x, caf::error& err) {
    transport::byte_buffer out;
    Writer writer{out, handles, system.catalog};
    err = message_catalog::write(writer, system.catalog.of(x.content()), x.content());
    return out;
  }
  template <class Reader>
  caf::message decode(std::span<const char> bytes, const message_signature& signature, caf::error& err) {
    Reader reader{bytes, handles, system.catalog};
    auto element = message_catalog::read(reader, signature, {}, err);
    return element != nullptr ? element->copy_content_to_message() : caf::message{};
  }
  caf::execution_unit* unit() { return handles.serialization_context(); }
  const message_signature& signature_of(const caf::message& x) { return system.catalog.of(x.content()); }

  std::vector<caf::message> samples();

  test_system system;
  handle_book handles;

 private:
  caf::actor someone_;
};

inline std::vector<caf::message> codec_bench::samples() {
  numbers extremes{true,        'z',       -128,       255,   -32768, 65535,        -2147483647 - 1,
                   4294967295U, INT64_MIN, UINT64_MAX, -1.5F, 1e300,  colour::green};
  containers full{"h\u00e9llo",
                  u"wide",
                  {'\0', '\xff'},
                  {1, 2, 3},
                  {-1, 70'000, 3},
                  {0.5, -0.25},
                  {true, false, true},
                  {{1, 2}, {-3, 4}},
                  {"a", "b"},
                  {{"x", -7}, {"y", 1LL << 40}},
                  {{-1, {}}, {300, {"p", "q"}}},
                  {1, -2, 3},
                  {"red", colour::red},
                  {7, "seven", {7, 7}},
                  {{}, {}}};
  special all;
  all.some = 42;
  all.some_none = caf::optional<std::string>{};
  all.place = point{5, 6};
  all.span = std::chrono::nanoseconds{-123'456'789};
  all.short_span = std::chrono::milliseconds{1'500};
  all.seconds = std::chrono::duration<double>{0.25};
  all.when = caf::timestamp{std::chrono::nanoseconds{1'700'000'000'123'456'789}};
  all.timeout = caf::duration{caf::time_unit::nanoseconds, 5};
  all.word = caf::atom("hello");
  all.where = node_id_of(handle_book::incarnation);
  all.whom = someone_;
  all.inner = caf::make_message(std::int32_t{1}, std::string{"inside"}, caf::make_message(point{8, 9}));
  tree oak{"root", {{"left", {{"leaf", {}}}}, {"right", {}}}};
  return {
      caf::make_message(extremes),
      caf::make_message(numbers{}),
      caf::make_message(std::move(full)),
      caf::make_message(containers{}),
      caf::make_message(all),
      caf::make_message(special{}),
      caf::make_message(std::move(oak)),
      caf::make_message(std::vector<sparse>(3)),
      caf::make_message(-0.0F, -0.0, 3.0, std::numeric_limits<double>::infinity(),
                        std::numeric_limits<double>::denorm_min()),
      caf::make_message(parcel{caf::make_message(parcel{}, caf::unit)}),
      caf::make_message(std::string{"text"}, std::uint64_t{300}, caf::atom("get")),
      caf::make_message(std::string(40, 'x'), std::vector<std::string>(20, "y")),
  };
}

} // namespace troupe::testing
