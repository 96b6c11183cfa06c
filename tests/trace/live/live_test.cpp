#include "tests/support/catch.hpp"
#include "tests/trace/support.hpp"
#include "trace/live/live.hpp"
#include "trace/record/recorder.hpp"

#include <thread>

using namespace troupe;
using namespace std::chrono_literals;
using tests::options_in;
using trace::drop_reason;
using trace::live_view;
using trace::recorder;

namespace {

std::chrono::nanoseconds at(const recorder& r) {
  return std::chrono::nanoseconds{static_cast<std::int64_t>(r.now())};
}

const trace::live_node& node_of(const trace::live_state& state, const std::string& name) {
  for (auto& node : state.nodes)
    if (node.name == name) return node;
  throw std::runtime_error("there is no node " + name);
}

std::uint64_t depth_of(const trace::live_state& state, const std::string& role) {
  for (auto& actor : state.actors)
    if (actor.role == role) return actor.depth;
  return 0;
}

trace::message_id send(recorder& r, trace::actor_index from, trace::actor_index to,
                       trace::string_index type) {
  const auto id = r.next_message();
  r.sent(id, {}, from, to, type, r.now());
  return id;
}

} // namespace

TEST_CASE("a run is seen as it is written, and nothing is read twice", "[trace][live]") {
  const testing::temporary_directory dir;
  live_view view{dir.path()};
  CHECK(view.look(0ns).nodes.empty());

  recorder r{options_in(dir.path())};
  CHECK(view.look(at(r)).nodes.empty()); // nothing is in the trace yet
  const auto source = r.add_actor(0, 1, "source"), sink = r.add_actor(0, 2, "sink");
  const auto item = r.intern("item"), done = r.intern("done");
  const auto first = send(r, source, sink, item);
  const auto second = send(r, source, sink, item);
  send(r, sink, source, done);
  {
    const auto state = view.look(at(r));
    const auto& node = node_of(state, "w1");
    CHECK(node.complete());
    CHECK_FALSE(node.books);
    CHECK(node.types.at("item").sent == 2);
    CHECK(node.types.at("item").handled == 0);
    CHECK(node.types.at("done").sent == 1);
    CHECK(node.mailbox_total == 3);
    CHECK(node.actors == 2);
    REQUIRE(state.actors.size() == 2);
    CHECK(state.actors[0].role == "sink"); // the deepest first
    CHECK(state.actors[0].depth == 2);
    CHECK(state.actors[0].id == 2);
    CHECK(state.actors[1].depth == 1);
  }
  const auto read = view.bytes_read();
  CHECK(view.look(at(r)).actors.size() == 2); // nothing new: the same again
  CHECK(view.bytes_read() == read);

  r.handled(first, sink, item, r.now());
  CHECK(depth_of(view.look(at(r)), "sink") == 1);
  CHECK(view.bytes_read() == read + 32);
  r.dropped(second, sink, item, r.intern("no_handler"));
  const auto state = view.look(at(r));
  CHECK(depth_of(state, "sink") == 0);
  CHECK(node_of(state, "w1").types.at("item").handled == 1);
  r.close();
  const auto end = view.look(at(r));
  CHECK(node_of(end, "w1").types.at("item").sent == 2);
  CHECK(node_of(end, "w1").complete());
}

TEST_CASE("a delayed message is in the mailbox from when it is due", "[trace][live]") {
  const testing::temporary_directory dir;
  live_view view{dir.path()};
  recorder r{options_in(dir.path())};
  const auto clock = r.add_actor(0, 1, "clock");
  const auto tick = r.intern("tick");
  const auto id = r.next_message();
  r.timer_set(id, clock, 1h);
  r.sent(id, {}, clock, clock, tick, r.now());
  CHECK(depth_of(view.look(at(r)), "clock") == 0);
  CHECK(node_of(view.look(at(r)), "w1").types.at("tick").sent == 1);
  CHECK(depth_of(view.look(at(r) + 2h), "clock") == 1);
  r.handled(id, clock, tick, r.now());
  CHECK(depth_of(view.look(at(r) + 2h), "clock") == 0);
}

TEST_CASE("what goes to another node is in a mailbox there, and only there", "[trace][live]") {
  const testing::temporary_directory dir;
  live_view view{dir.path()};
  recorder here{options_in(dir.path(), "main")}, there{options_in(dir.path(), "w1")};
  const auto far = here.add_node("w1", 0x1234);
  const auto near_sink = here.add_actor(far, 7, "sink");
  const auto type = here.intern("item");
  const auto sender = here.add_actor(0, 1, "source");
  const auto id = send(here, sender, near_sink, type);
  auto state = view.look(at(here));
  CHECK(state.actors.empty());
  CHECK(node_of(state, "main").types.at("item").sent == 1);

  const auto back = there.add_node("main", 0x1234);
  const auto sink = there.add_actor(0, 7, "sink");
  const auto as_seen_there = trace::message_id::make(back, id.number());
  there.delivered(as_seen_there, sink, there.intern("item"), 10, here.now());
  state = view.look(at(there));
  REQUIRE(state.actors.size() == 1);
  CHECK(state.actors[0].node == "w1");
  CHECK(node_of(state, "w1").types.count("item") == 0); // neither sent nor handled there
  there.handled(as_seen_there, sink, there.intern("item"), there.now());
  // What does not decode never was in a mailbox.
  there.dropped(trace::message_id::make(back, 99), sink, there.intern("item"), there.intern("malformed"));
  send(there, 0, sink, there.intern("item"));
  CHECK(depth_of(view.look(at(there)), "sink") == 1);
}

TEST_CASE("links go up and down, and know their round trip", "[trace][live]") {
  const testing::temporary_directory dir;
  live_view view{dir.path()};
  recorder r{options_in(dir.path(), "main")};
  const auto w1 = r.add_node("w1", 1);
  r.link_up(w1);
  r.node_up(w1);
  auto state = view.look(at(r));
  CHECK(node_of(state, "main").links.at("w1").up);
  CHECK_FALSE(node_of(state, "main").links.at("w1").round_trip);
  r.clock_offset(w1, 5ms, 40us);
  state = view.look(at(r));
  CHECK(node_of(state, "main").links.at("w1").round_trip == 80us);
  r.link_down(w1, r.intern("cut"));
  state = view.look(at(r));
  CHECK_FALSE(node_of(state, "main").links.at("w1").up);
  CHECK_FALSE(node_of(state, "main").links.at("w1").round_trip);
  r.link_resumed(w1, 3);
  CHECK(node_of(view.look(at(r)), "main").links.at("w1").up);
  // It has been started again: what counts is the new link.
  r.node_down(w1, r.intern("killed"));
  r.node_up(r.add_node("w1", 2));
  CHECK(node_of(view.look(at(r)), "main").links.at("w1").up);
}

TEST_CASE("actors that have ended are forgotten once their mailboxes are empty", "[trace][live]") {
  const testing::temporary_directory dir;
  live_view view{dir.path()};
  auto options = options_in(dir.path());
  options.segment_bytes = 1U << 20; // the tables are repeated, with those that have ended
  recorder r{options};
  const auto type = r.intern("item"), why = r.intern("normal");
  for (std::uint64_t i = 1; i <= 3'000; ++i) {
    const auto who = r.add_actor(0, i, "guest");
    const auto id = send(r, 0, who, type);
    r.exited(who, why);
    if (i % 2 == 0) r.dead_lettered(id, who, type, why);
    if (i % 2 == 1) r.handled(id, who, type, r.now());
    if (i % 100 == 0) CHECK(node_of(view.look(at(r)), "w1").actors == 0);
  }
  for (int i = 0; i < 60'000; ++i)
    r.handled(send(r, 0, r.add_actor(0, 5'000, "host"), type), r.add_actor(0, 5'000, "host"), type, r.now());
  REQUIRE(std::filesystem::exists(dir.path() / "w1.0001.trace"));
  const auto state = view.look(at(r));
  CHECK(node_of(state, "w1").actors == 1);
  CHECK(state.actors.empty());
  CHECK(node_of(state, "w1").types.at("item").sent == 63'000);
  CHECK(node_of(state, "w1").types.at("item").handled == 61'500);
}

TEST_CASE("several threads over many segments: in the end every event is counted once", "[trace][live]") {
  const testing::temporary_directory dir;
  live_view view{dir.path()};
  auto options = options_in(dir.path());
  options.segment_bytes = 512U << 10;
  constexpr int threads = 4, messages = 30'000;
  std::atomic<int> running{threads};
  recorder r{options};
  const auto type = r.intern("item");
  std::vector<std::thread> all;
  for (int t = 0; t < threads; ++t)
    all.emplace_back([&, t] {
      const auto who = r.add_actor(0, static_cast<std::uint64_t>(t) + 1, "worker");
      for (int i = 0; i < messages; ++i)
        r.handled(send(r, who, who, type), who, type, r.now());
      --running;
    });
  std::uint64_t before = 0;
  bool grew_only = true;
  while (running > 0) {
    const auto state = view.look(at(r));
    if (state.nodes.empty() || !state.nodes[0].types.contains("item")) continue;
    const auto sent = state.nodes[0].types.at("item").sent;
    grew_only = grew_only && sent >= before;
    before = sent;
  }
  for (auto& thread : all)
    thread.join();
  CHECK(grew_only);
  const auto state = view.look(at(r));
  CHECK(node_of(state, "w1").types.at("item").sent == threads * messages);
  CHECK(node_of(state, "w1").types.at("item").handled == threads * messages);
  CHECK(node_of(state, "w1").complete());
  CHECK(state.actors.empty());
  r.close();
  CHECK(node_of(view.look(at(r)), "w1").types.at("item").sent == threads * messages);
  CHECK(view.bytes_read() >= 2 * 32 * threads * messages);
}

TEST_CASE("at most so many actors are told, the deepest", "[trace][live]") {
  const testing::temporary_directory dir;
  live_view view{dir.path(), 3};
  recorder r{options_in(dir.path())};
  const auto type = r.intern("item");
  std::uint64_t all = 0;
  for (std::uint64_t i = 1; i <= 20; ++i)
    for (std::uint64_t n = 0; n < i; ++n, ++all)
      send(r, 0, r.add_actor(0, i, "worker"), type);
  const auto state = view.look(at(r));
  REQUIRE(state.actors.size() == 3);
  CHECK(state.actors[0].depth == 20);
  CHECK(state.actors[2].depth == 18);
  CHECK(node_of(state, "w1").mailbox_total == all);
}

TEST_CASE("without a trace the books are told, and what is missing is marked", "[trace][live]") {
  const testing::temporary_directory dir;
  live_view view{dir.path()};
  trace::ledger before{{dir.path(), "w10", 1}}; // of a start that has ended
  trace::ledger books{{dir.path(), "w10", 2}}, other{{dir.path(), "w9", 3}};
  before.sent(2);
  books.sent(3);
  books.handled(3);
  books.dropped(drop_reason::queue_full, 2);
  auto state = view.look(0ns);
  REQUIRE(state.nodes.size() == 2);
  CHECK(state.nodes[0].name == "w9"); // numbers count as numbers
  CHECK(node_of(state, "w10").books->sent == 5);
  CHECK(node_of(state, "w10").books->dropped_total() == 2);
  CHECK_FALSE(node_of(state, "w10").traced);
  CHECK_FALSE(node_of(state, "w10").complete());

  auto sampled = options_in(dir.path(), "w9");
  sampled.sample_one_in = 10;
  recorder r{sampled};
  r.spawned(r.add_actor(0, 1, "worker"), 0, {});
  auto full = options_in(dir.path(), "w8");
  full.bytes_max = 256U << 10;
  recorder f{full};
  for (int i = 0; i < 20'000; ++i)
    send(f, 0, 0, f.intern("item"));
  state = view.look(at(r));
  CHECK(node_of(state, "w9").sample_one_in == 10);
  CHECK_FALSE(node_of(state, "w9").complete());
  CHECK(node_of(state, "w8").ended_early);
  CHECK_FALSE(node_of(state, "w8").complete());
  CHECK(node_of(state, "w10").books->sent == 5);
}

TEST_CASE("files that are no traces harm nobody", "[trace][live]") {
  const testing::temporary_directory dir;
  live_view view{dir.path()};
  tests::write_file(dir.path() / "empty.trace", "");
  tests::write_file(dir.path() / "short.trace", "TRPTRACE");
  tests::write_file(dir.path() / "garbage.trace", std::string(1U << 20, 'x'));
  tests::write_file(dir.path() / "garbage.books", "no books");
  recorder r{options_in(dir.path())};
  send(r, 0, r.add_actor(0, 1, "worker"), r.intern("item"));
  for (int i = 0; i < 2; ++i) {
    const auto state = view.look(at(r));
    REQUIRE(state.nodes.size() == 1);
    CHECK(state.nodes[0].types.at("item").sent == 1);
  }
}
