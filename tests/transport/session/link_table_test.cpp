// What a node knows of its sessions, running and ended, without sockets.
#include "transport/session/link_table.hpp"

#include "tests/support/catch.hpp"
#include "tests/transport/support.hpp"
#include "transport/frames/limits.hpp"

using namespace transport_tests;
using transport::link_table;
using transport::node_identity;

namespace {

struct no_output : transport::output_sink {
  void ready(const std::shared_ptr<transport::link>&) override {}
};

struct one_table {
  trace::recorder recorder{{{}, "main", 1, trace::level::off}};
  link_table links;
  explicit one_table(std::size_t peers_max = 8)
      : links({{"main", 1}, peers_max, {}}, recorder, std::make_shared<no_output>()) {}
  transport::link_ptr add(const std::string& name, std::uint64_t incarnation) {
    bool created = false;
    auto made = links.find_or_make({name, incarnation}, created);
    REQUIRE(created);
    return made;
  }
  bool takes(const std::string& name, std::uint64_t incarnation) { return links.has(add(name, incarnation)); }
};

} // namespace

TEST_CASE("a link is made once, and found by name and incarnation", "[transport][link_table]") {
  one_table t;
  CHECK(t.links.is_empty());
  const auto one = t.add("w1", 7), two = t.add("w1", 9), other = t.add("w2", 7);
  bool created = true;
  CHECK(t.links.find_or_make({"w1", 7}, created) == one);
  CHECK_FALSE(created);
  CHECK(t.links.find({"w1", 8}) == nullptr);
  CHECK(t.links.called("w1") == std::vector{one, two});
  CHECK(t.links.called("w").empty());
  CHECK(t.links.all().size() == 3);
  CHECK(t.links.peers().empty()); // nobody is up
}

TEST_CASE("a table that is full, refuses new ones, or is asked for the node itself makes closed links",
          "[transport][link_table]") {
  one_table t(2);
  CHECK_FALSE(t.takes("main", 1));
  CHECK(t.takes("main", 2)); // that name is for the handshake to refuse
  CHECK(t.takes("w1", 1));
  CHECK(t.links.is_full({"w2", 1}));
  const auto third = t.add("w2", 1);
  CHECK_FALSE(t.links.has(third));
  CHECK(third->state() == transport::session_state::closed);

  t.links.end(t.links.find({"w1", 1}), 1, nullptr);
  CHECK_FALSE(t.links.is_full({"w2", 1}));
  t.links.refuse_new();
  CHECK_FALSE(t.takes("w2", 1));
  CHECK_FALSE(t.links.is_full({"w2", 1}));
}

TEST_CASE("visitors do not take the places of nodes, nor more than are theirs", "[transport][link_table]") {
  one_table t(1);
  for (std::size_t i = 0; i < transport::limits::visitors_max; ++i)
    CHECK(t.takes("visitor-" + std::to_string(i), 1));
  CHECK_FALSE(t.takes("visitor-x", 1));
  CHECK(t.takes("w1", 1));
  t.links.end(t.links.find({"visitor-3", 1}), 1, nullptr);
  CHECK(t.takes("visitor-x", 1));
}

TEST_CASE("a session after one that ended has a higher epoch", "[transport][link_table]") {
  one_table t;
  CHECK(t.links.fresh_position({"w1", 7}).epoch == 1);
  const auto first = t.add("w1", 7);
  t.links.end(first, 4, nullptr);
  CHECK_FALSE(t.links.has(first));
  CHECK(t.links.fresh_position({"w1", 7}).epoch == 5);
  CHECK(t.links.fresh_position({"w1", 8}).epoch == 1);
  CHECK(t.add("w1", 7)->with_session([](auto& s) { return s.epoch(); }) == 5);
}

TEST_CASE("who is barred stays so, and older incarnations are barred by a newer one",
          "[transport][link_table]") {
  one_table t;
  CHECK(t.links.why_barred({"w1", 7}) == nullptr);
  for (const auto incarnation : {std::uint64_t{7}, std::uint64_t{8}, std::uint64_t{9}})
    t.links.end(t.add("w1", incarnation), 1, nullptr);
  t.links.end(t.add("w2", 7), 1, nullptr);
  t.links.bar({"w1", 7}, "it was over a limit");
  t.links.bar({"w1", 1}, "never here");
  t.links.bar_older({"w1", 9});
  CHECK(t.links.why_barred({"w1", 7}) == std::string{"it was over a limit"});
  CHECK(t.links.why_barred({"w1", 8}) == std::string{link_table::superseded});
  CHECK(t.links.why_barred({"w1", 9}) == nullptr);
  CHECK(t.links.why_barred({"w1", 1}) == nullptr);
  CHECK(t.links.why_barred({"w2", 7}) == nullptr);
}

TEST_CASE("only so many ended sessions are remembered, the newest", "[transport][link_table]") {
  one_table t;
  const auto count = transport::limits::ended_sessions_max + 2;
  for (std::uint64_t i = 1; i <= count; ++i)
    t.links.end(t.add("w", i), 3, nullptr);
  CHECK(t.links.fresh_position({"w", 2}).epoch == 1);
  CHECK(t.links.fresh_position({"w", 3}).epoch == 4);
  CHECK(t.links.fresh_position({"w", count}).epoch == 4);
}
