// What one peer may have of each kind of record: more, and it is cut off.
#include "tests/actors/wire_peer.hpp"
#include "tests/support/memory.hpp"

#include <algorithm>
#include <functional>
#include <thread>

using namespace troupe;
using namespace std::chrono_literals;
using tests::open_node;
using tests::wire_peer;
using transport::envelope_kind;

namespace {

/// A control record in codec 1: [incarnation, name, endpoint, codecs].
std::string node_record(std::uint64_t incarnation, const std::string& name, const std::string& endpoint) {
  const auto text = [](const std::string& x) {
    return std::string{"\xda"} + static_cast<char>(x.size() >> 8) + static_cast<char>(x.size() & 0xff) + x;
  };
  std::string out{"\x94\xcf", 2};
  for (int shift = 56; shift >= 0; shift -= 8)
    out += static_cast<char>(incarnation >> shift & 0xff);
  return out + text(name) + text(endpoint) + std::string{"\x91\x01"};
}

} // namespace

TEST_CASE("a peer that wants more than one may have is cut off, and both sides are told why",
          "[actors][bounds]") {
  struct kind {
    const char* what;
    const char* why;
    std::function<void(wire_peer&, std::uint64_t)> send;
  };
  const auto each = GENERATE(
      kind{"links", "more actors that are known here",
           [](wire_peer& to, std::uint64_t i) {
             to.send({.kind = envelope_kind::link, .sender = i + 2, .receiver = 1});
           }},
      kind{"links of one with many", "more actors that are known here",
           [](wire_peer& to, std::uint64_t i) {
             to.send({.kind = envelope_kind::link, .sender = i + 2, .receiver = i + 1'000'000});
           }},
      kind{"senders", "more actors that are known here",
           [](wire_peer& to, std::uint64_t i) {
             if (i == 0) to.send({.kind = envelope_kind::signature, .type = 1}, "u64");
             to.send({.kind = envelope_kind::message, .flags = 4, .sender = i + 2, .receiver = 1, .type = 1},
                     "\x91\x07");
           }},
      kind{"signatures", "its signatures take more than 1048576 bytes",
           [](wire_peer& to, std::uint64_t i) {
             to.send({.kind = envelope_kind::signature, .type = static_cast<std::uint32_t>(i % 65'535 + 1)},
                     std::string(4000, 'x'));
           }},
      kind{"a signature's name", "a signature outside of the limits",
           [](wire_peer& to, std::uint64_t) {
             to.send({.kind = envelope_kind::signature, .type = 1}, std::string(5000, 'x'));
           }},
      kind{"nodes", "more nodes than this one keeps, 4096",
           [](wire_peer& to, std::uint64_t i) {
             to.send({.kind = envelope_kind::node, .flags = 4},
                     node_record(i + 1, "n" + std::to_string(i), "tcp://127.0.0.1:1"));
           }},
      kind{"a node's name", "a node that cannot be one",
           [](wire_peer& to, std::uint64_t) {
             to.send({.kind = envelope_kind::node, .flags = 4},
                     node_record(7, "../../x", "tcp://127.0.0.1:1"));
           }},
      kind{"a node's endpoint", "a node that cannot be one", [](wire_peer& to, std::uint64_t) {
             to.send({.kind = envelope_kind::node, .flags = 4}, node_record(7, "x", std::string(2000, 'x')));
           }});
  CAPTURE(each.what);
  open_node there;
  wire_peer greedy{there.main->endpoint()};
  const auto before = testing::resident_kib();
  for (std::uint64_t i = 0; i < 1'000'000 && !greedy.is_down(); ++i)
    each.send(greedy, i);
  const auto why = greedy.end();
  INFO(there.what_it_said());
  CHECK(why.find(each.why) != std::string::npos);
  CHECK(there.what_it_said().find("greedy is cut off: ") != std::string::npos);
  CHECK(there.what_it_said().find(each.why) != std::string::npos);
  CHECK(testing::resident_kib() - before < 300 << 10);
}

TEST_CASE("what a peer does wrong again and again is told once", "[actors][bounds]") {
  open_node there;
  wire_peer broken{there.main->endpoint()};
  broken.send({.kind = envelope_kind::signature, .type = 1}, "u64");
  for (int i = 0; i < 10'000; ++i) {
    broken.send({.kind = envelope_kind::message, .flags = 4, .sender = 2, .receiver = 1, .type = 1}, "\xc1");
    broken.send({.kind = envelope_kind::signature, .type = 2}, "no_such_type");
    broken.send({.kind = envelope_kind::watch, .receiver = 1});
  }
  while (there.main->books().totals().dropped_total() < 10'000)
    std::this_thread::yield();
  const auto said = there.what_it_said();
  CAPTURE(said);
  CHECK(std::count(said.begin(), said.end(), '\n') == 2);
  CHECK(said.find("node greedy sent a u64 that does not decode") != std::string::npos);
  CHECK(said.find("node greedy uses message type no_such_type, which is not known here")
        != std::string::npos);
}

TEST_CASE("handles of nodes that nobody knows are dead, and not kept", "[actors][bounds]") {
  open_node there;
  const auto before = testing::resident_kib();
  for (std::uint64_t i = 1; i <= 300'000; ++i)
    REQUIRE(there.main->gateway().actor_of(i * 7919, i) != nullptr);
  CHECK(testing::resident_kib() - before < 50 << 10);
  caf::scoped_actor self{there.main->system()};
  const auto dead = caf::actor_cast<caf::actor>(there.main->gateway().actor_of(12345, 1));
  caf::error why;
  self->request(dead, 10s, std::uint64_t{1})
      .receive([](std::uint64_t) {}, [&](caf::error& err) { why = std::move(err); });
  CHECK(why);
}
