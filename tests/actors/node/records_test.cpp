// Every record that a node sends, in both codecs: its fields are those of the table in docs/wire.md, and its
// octets what docs/wire-payloads.md says.
#include "tests/actors/wire_peer.hpp"
#include "tests/support/hex.hpp"
#include "tests/support/page.hpp"

#include "actors/runtime/traced_actor.hpp"

#include <map>
#include <set>

using namespace troupe;
using testing::hex;
using tests::open_node;
using tests::wire_peer;
using transport::envelope_header;
using transport::envelope_kind;

namespace {

constexpr std::uint64_t here = 0x1122334455667788, there = 0x99aabbccddeeff01, third = 0x0203040506070809;
constexpr caf::actor_id theirs = 77, nobody = 4'000'000'000;
/// Bits of a request: of normal priority.
constexpr std::uint64_t normal = std::uint64_t{1} << 60;

using fields = std::set<std::string>;
using fields_of_kinds = std::map<unsigned, fields>;

fields stated_of(const std::string& cell) {
  const auto parts = testing::page::split(cell, ',');
  return {parts.begin(), parts.end()};
}

/// Of each kind, as the page has them; `uploads` are a visitor's, not a node's.
fields_of_kinds stated(bool uploads) {
  fields_of_kinds all;
  for (const auto& row : testing::page(TROUPE_WIRE_PAGE).table("| kind | name | fields | meaning |")) {
    const auto kind = static_cast<unsigned>(std::stoi(row.at(0)));
    if (uploads || kind < static_cast<unsigned>(envelope_kind::upload)) all[kind] = stated_of(row.at(2));
  }
  return all;
}

/// Those that are not 0.
void note_fields(const envelope_header& header, fields& into) {
  if (header.flags != 0) into.insert("flags");
  if (header.sender != 0) into.insert("sender");
  if (header.receiver != 0) into.insert("receiver");
  if (header.request != 0) into.insert("request");
  if (header.type != 0) into.insert("type");
  if (header.number != 0 || header.sent_at != 0) into.insert("trace");
}

struct conversation {
  explicit conversation(int codec)
      : node{[this](node_options& options) {
          options.incarnation = here;
          options.trace = trace::level::headers;
          options.run_dir = directory.path();
        }},
        peer{node.main->endpoint(),
             {.name = "peer", .incarnation = there, .types = {"u64"}, .codecs = {codec}}},
        codec_flag(static_cast<std::uint8_t>(codec == 1 ? 4 : 0)) {
    node.await("peer");
  }

  caf::actor remote() { return caf::actor_cast<caf::actor>(node.main->gateway().actor_of(there, theirs)); }
  /// What the peer hears of that kind, and of that about it.
  wire_peer::record heard(envelope_kind kind, const std::function<bool(const envelope_header&)>& which = {}) {
    return peer.hears(
        [&](const wire_peer::record& x) { return x.header.kind == kind && (!which || which(x.header)); });
  }
  /// The peer's actor 5 asks one that is not there.
  void ask_nobody() {
    peer.send({.kind = envelope_kind::signature, .type = 1}, "u64");
    peer.send({.kind = envelope_kind::message,
               .flags = 4,
               .sender = 5,
               .receiver = nobody,
               .request = normal | 9,
               .type = 1},
              "\x91\x07");
  }
  const char* in_codec(const char* plain, const char* packed) const {
    return codec_flag == 0 ? plain : packed;
  }

  testing::temporary_directory directory;
  open_node node;
  wire_peer peer;
  const std::uint8_t codec_flag;
};

/// Links itself to that one, and parts.
caf::behavior friend_of(caf::event_based_actor* self, const caf::actor& whom) {
  self->link_to(whom);
  self->unlink_from(whom);
  return {[](int) {}};
}

/// Waits for an answer for ever.
caf::behavior waiting_for(plain_actor* self, const caf::actor& whom) {
  self->request(whom, caf::infinite, std::uint64_t{7}).then([](std::uint64_t) {});
  return {[](int) {}};
}

} // namespace

TEST_CASE("a message and its signature lie on the wire as the pages say", "[actors][wire]") {
  conversation c{GENERATE(0, 1)};
  caf::anon_send(c.remote(), std::uint64_t{7});
  const auto signature = c.heard(envelope_kind::signature);
  CHECK(signature.payload == "u64");
  CHECK(signature.header.type != 0);
  const auto message = c.heard(envelope_kind::message);
  CHECK(message.header.type == signature.header.type);
  CHECK(message.header.receiver == theirs);
  CHECK(message.header.flags == c.codec_flag);
  CHECK(message.header.number != 0);
  CHECK(hex(message.payload) == c.in_codec("0700000000000000", "9107"));
}

TEST_CASE("watches, links and ends lie on the wire as the pages say", "[actors][wire]") {
  conversation c{GENERATE(0, 1)};
  caf::scoped_actor self{c.node.main->system()};
  self->monitor(c.remote());
  CHECK(c.heard(envelope_kind::watch, [](auto& x) { return x.receiver == theirs; }).payload.empty());
  const auto one = c.node.main->system().spawn(friend_of, c.remote());
  for (const auto kind : {envelope_kind::link, envelope_kind::unlink}) {
    const auto record = c.heard(kind);
    CHECK(record.header.sender == one.id());
    CHECK(record.header.receiver == theirs);
    CHECK(record.payload.empty());
  }
  caf::anon_send_exit(one, caf::exit_reason::kill);
  // Code, category and what it says: exit_reason::unknown.
  c.peer.send({.kind = envelope_kind::watch, .receiver = nobody});
  const auto ended = c.heard(envelope_kind::ended);
  CHECK(ended.header.sender == nobody);
  CHECK(ended.header.flags == c.codec_flag);
  CHECK(hex(ended.payload)
        == c.in_codec("02"
                      "b9dbab0f00000000"
                      "00", // no context
                      "93"
                      "02"
                      "a465786974" // "exit"
                      "b4657869745f726561736f6e28756e6b6e6f776e29"));
}

TEST_CASE("a bounce lies on the wire as the pages say", "[actors][wire]") {
  conversation c{GENERATE(0, 1)};
  c.ask_nobody();
  const auto bounce = c.heard(envelope_kind::bounce);
  CHECK(bounce.header.receiver == 5);
  CHECK(bounce.header.request == (normal | 9));
  CHECK(bounce.header.flags == c.codec_flag);
  // sec::request_receiver_down
  CHECK(hex(bounce.payload)
        == c.in_codec("03"
                      "b29ae33efe000000"
                      "00",
                      "93"
                      "03"
                      "a673797374656d" // "system"
                      "d92373797374656d5f6572726f7228726571756573745f72656365697665725f646f776e29"));
}

TEST_CASE("news of a third node lie on the wire as the pages say", "[actors][wire]") {
  conversation c{GENERATE(0, 1)};
  const auto place = "ipc://" + (c.directory.path() / "third").string();
  REQUIRE(place.size() < 128);
  wire_peer other{c.node.main->endpoint(), {.name = "third", .incarnation = third, .listen = place}};
  c.node.await("third");
  caf::anon_send(c.remote(), std::uint64_t{7}); // may hold a handle of it
  const auto news = c.heard(envelope_kind::node);
  CHECK(news.header.flags == c.codec_flag);
  // Incarnation, name, endpoint and codecs, of which it has one, 1.
  const auto size = hex(std::string(1, static_cast<char>(place.size())));
  if (c.codec_flag == 0)
    CHECK(hex(news.payload)
          == "0908070605040302"
             "05" + hex(std::string{"third"})
                 + size + hex(place) + "0101000000");
  else
    CHECK(hex(news.payload)
          == "94"
             "cf0203040506070809"
             "a5" + hex(std::string{"third"})
                 + (place.size() < 32 ? hex(std::string(1, static_cast<char>(0xa0 + place.size())))
                                      : "d9" + size)
                 + hex(place) + "9101");
}

TEST_CASE("a probe and its report lie on the wire as the pages say", "[actors][wire]") {
  conversation c{GENERATE(0, 1)};
  CHECK(c.node.main->gateway().probe(3, true) == 1);
  const auto probe = c.heard(envelope_kind::probe);
  CHECK(probe.header.request == 3);
  CHECK(probe.header.type == 1);
  CHECK(probe.payload.empty());
  c.peer.send({.kind = envelope_kind::probe, .request = 9});
  const auto report = c.heard(envelope_kind::report);
  CHECK(report.header.request == 9);
  CHECK(report.header.type == 0);
  CHECK(report.header.flags == c.codec_flag);
  // Its octets are in actors/codec/wire_codec_test.cpp: the counts of a node that lives are not known.
  if (c.codec_flag == 0)
    CHECK(report.payload.size() == 8 * 23 + 1 + 1);
  else
    CHECK(hex(report.payload).starts_with("929f"));
}

TEST_CASE("the fields of each kind of record are those on the wire page, no fewer and no more",
          "[actors][wire]") {
  conversation c{GENERATE(0, 1)};
  wire_peer other{
      c.node.main->endpoint(),
      {.name = "third", .incarnation = third, .listen = "ipc://" + (c.directory.path() / "third").string()}};
  c.node.await("third"); // so that the first message is preceded by news of it
  auto& system = c.node.main->system();
  caf::scoped_actor self{system};
  self->monitor(c.remote());
  std::vector<caf::actor> ours{system.spawn(friend_of, c.remote())};
  for (int i = 0; i < 201; ++i) // more waits than fit into one report
    ours.push_back(system.spawn(waiting_for, c.remote()));
  std::size_t questions = 0;
  c.heard(envelope_kind::message, [&](auto& x) { return x.request != 0 && ++questions == 201; });
  c.peer.send({.kind = envelope_kind::watch, .receiver = nobody});
  c.ask_nobody();
  c.node.main->gateway().probe(3, true);
  c.peer.send({.kind = envelope_kind::probe, .request = 9, .type = 1});
  c.heard(envelope_kind::probe);
  c.heard(envelope_kind::bounce);
  c.heard(envelope_kind::unlink);
  CHECK(c.heard(envelope_kind::report).header.type == 1); // another part follows
  c.heard(envelope_kind::report, [](auto& x) { return x.type == 0; });
  fields_of_kinds found;
  for (const auto& each : c.peer.all_heard())
    note_fields(each.header, found[static_cast<unsigned>(each.header.kind)]);
  auto expected = stated(false);
  REQUIRE(expected.size() == 10);
  if (c.codec_flag == 0) // its flag is 0, and there is none to see
    for (auto& [kind, each] : expected)
      each.erase("flags");
  CHECK(found == expected);
  for (const auto& each : ours)
    caf::anon_send_exit(each, caf::exit_reason::kill);
}
