#include "tests/support/catch.hpp"
#include "transport/frames/envelope.hpp"
#include "transport/frames/standstill.hpp"
#include "transport/session/session.hpp"

using namespace troupe::transport;
using namespace std::chrono_literals;

namespace {

struct side {
  explicit side(const session_options& options = {}) : s(options, 1) {}
  session s;
  std::vector<std::string> delivered;

  send_result send(std::string_view text, envelope_kind kind = envelope_kind::message) {
    envelope_header header;
    header.kind = kind;
    header.receiver = 1;
    auto encode = [&](byte_buffer& out) {
      out.insert(out.end(), text.begin(), text.end());
      return true;
    };
    return s.push(header, &encode,
                  [](void* f, byte_buffer& out) { return (*static_cast<decltype(encode)*>(f))(out); });
  }

  verdict take(const frame_ptr& f, time_point now) {
    const auto decoded = decode_frame(f->bytes);
    const auto result = s.take(decoded, f->bytes.size(), now);
    if (result.what == verdict::deliver) {
      auto left = std::get<data_frame>(decoded).envelopes;
      envelope_context context;
      envelope_view view;
      while (!left.empty() && read_envelope(left, view, context) == nullptr)
        delivered.emplace_back(view.payload.begin(), view.payload.end());
      s.credit()->consume(f->bytes.size());
    }
    return result.what;
  }
};

const time_point start{1000s};

void join(side& a, side& b, time_point now, std::uint32_t generation = 1) {
  const auto of_a = a.s.position();
  const auto of_b = b.s.position();
  REQUIRE(a.s.contradiction(of_b, 16 << 20) == nullptr);
  REQUIRE(b.s.contradiction(of_a, 16 << 20) == nullptr);
  a.s.attach(of_b, generation, 16 << 20, now);
  b.s.attach(of_a, generation, 16 << 20, now);
}

// Moves everything that is due, both ways, until nothing is.
void exchange(side& a, side& b, time_point now) {
  for (bool moved = true; moved;) {
    moved = false;
    for (auto [from, to] : {std::pair{&a, &b}, std::pair{&b, &a}})
      for (;;) {
        auto f = from->s.pull_control(now);
        if (!f) f = from->s.pull();
        if (!f) break;
        moved = true;
        CHECK(to->take(f, now) != verdict::gap);
      }
  }
}

} // namespace

TEST_CASE("what is queued before the first connection is delivered after it, in order",
          "[transport][session]") {
  side a;
  side b;
  a.send("one");
  a.send("two");
  CHECK_FALSE(a.s.pull());
  join(a, b, start);
  exchange(a, b, start);
  CHECK(b.delivered == std::vector<std::string>{"one", "two"});
}

TEST_CASE("unacknowledged frames are sent again after a cut; doubled ones are dropped",
          "[transport][session]") {
  side a;
  side b;
  join(a, b, start);
  a.send("one");
  const auto first = a.s.pull();
  CHECK(b.take(first, start) == verdict::deliver); // b has it, but its acknowledgement is lost
  a.send("two");
  const auto second = a.s.pull(); // lost
  CHECK(second->number == 2);
  a.s.detach();
  b.s.detach();
  CHECK(a.s.unacknowledged_messages() == 2);
  a.send("three");
  join(a, b, start + 1s, 2);
  CHECK(a.s.unacknowledged_messages() == 2); // the position told of the first
  exchange(a, b, start + 1s);
  CHECK(b.delivered == std::vector<std::string>{"one", "two", "three"});
  CHECK(b.take(first, start + 1s) == verdict::nothing);
  CHECK(b.take(second, start + 1s) == verdict::nothing);
  CHECK(b.delivered.size() == 3);
}

TEST_CASE("a missing frame is a gap, at once or by the next heartbeat", "[transport][session]") {
  side a;
  side b;
  join(a, b, start);
  exchange(a, b, start);
  a.send("one");
  a.s.pull();
  a.send("two");
  CHECK(b.take(a.s.pull(), start) == verdict::gap);
  const auto later = start + 10s;
  CHECK(b.take(a.s.pull_control(later), later) == verdict::gap);
  CHECK(b.delivered.empty());
}

TEST_CASE("acknowledgements ride on data, or come after a short while by themselves",
          "[transport][session]") {
  side a;
  side b;
  join(a, b, start);
  exchange(a, b, start);
  a.send("ping");
  b.take(a.s.pull(), start);
  b.send("pong");
  a.take(b.s.pull(), start);
  CHECK(a.s.unacknowledged_messages() == 0);
  CHECK_FALSE(b.s.pull_control(start + limits::ack_delay));
  CHECK_FALSE(a.s.pull_control(start + limits::ack_delay / 2));
  CHECK(a.s.next_deadline() <= start + limits::ack_delay);
  b.take(a.s.pull_control(start + limits::ack_delay), start + limits::ack_delay);
  CHECK(b.s.unacknowledged_messages() == 0);
}

TEST_CASE("many frames are acknowledged without waiting", "[transport][session]") {
  side a;
  side b;
  join(a, b, start);
  exchange(a, b, start);
  for (std::uint64_t i = 0; i < limits::ack_frames; ++i) {
    CHECK_FALSE(b.s.pull_control(start));
    a.send("x");
    b.take(a.s.pull(), start);
  }
  CHECK(b.s.pull_control(start));
}

TEST_CASE("a silent peer is noticed, a talking one is not", "[transport][session]") {
  session_options options;
  side a(options);
  side b(options);
  join(a, b, start);
  auto now = start;
  for (int i = 0; i < 100; ++i) {
    now += options.heartbeat;
    exchange(a, b, now);
    REQUIRE_FALSE(a.s.is_silent(now));
  }
  CHECK_FALSE(a.s.is_silent(now + options.liveness - 1ms));
  CHECK(a.s.is_silent(now + options.liveness));
  a.s.detach();
  CHECK_FALSE(a.s.is_silent(now + options.liveness - 1ms));
  CHECK(a.s.is_silent(now + options.liveness));
}

TEST_CASE("who stood still gives its peer the whole interval again", "[transport][session]") {
  session_options options;
  side a(options);
  side b(options);
  join(a, b, start);
  const auto woke = start + 1min;
  REQUIRE(a.s.is_silent(woke));
  a.s.stood_still(woke);
  CHECK_FALSE(a.s.is_stale(woke));
  CHECK_FALSE(a.s.is_silent(woke + options.liveness - 1ms));
  CHECK(a.s.is_silent(woke + options.liveness));
  a.s.detach();
  a.s.stood_still(woke + 1s);
  CHECK_FALSE(a.s.is_silent(woke + 1s + options.liveness - 1ms));
  CHECK(a.s.next_deadline() == woke + 1s + options.liveness);
}

TEST_CASE("a watch that is late by less than a standstill says nothing", "[transport][session]") {
  standstill_watch watch(start, 500ms);
  CHECK(watch.look(start + 499ms) == 0ms);
  watch.sleeps_until(start + 2s);
  CHECK(watch.look(start + 1s) == 0ms); // woken early
  watch.sleeps_until(start + 2s);
  CHECK(watch.look(start + 22s) == 20s);
  CHECK(watch.look(start + 22s) == 0ms);
}

TEST_CASE("a limit on the patience with others begins anew after a standstill", "[transport][session]") {
  waiting_limit limit(10s, start);
  auto now = start;
  for (; now < start + 9s; now += 20ms)
    REQUIRE_FALSE(limit.is_over(now));
  now += 1min;
  for (const auto woke = now; now < woke + 10s; now += 20ms)
    REQUIRE_FALSE(limit.is_over(now));
  CHECK(limit.is_over(now));
  waiting_limit for_ever(std::chrono::nanoseconds::max(), start);
  CHECK_FALSE(for_ever.is_over(start + 87'600h));
}

TEST_CASE("after a goodbye nothing is accepted, and the other side knows what arrived",
          "[transport][session]") {
  side a;
  side b;
  join(a, b, start);
  exchange(a, b, start);
  a.send("last words");
  a.s.push_goodbye();
  CHECK(a.send("too late") == send_result::peer_down);
  const auto words = a.s.pull();
  const auto goodbye = a.s.pull();
  b.send("crossing");
  CHECK(a.take(b.s.pull(), start) == verdict::nothing);
  CHECK(b.take(words, start) == verdict::deliver);
  CHECK(b.take(goodbye, start) == verdict::left);
  CHECK(a.delivered.empty());
  CHECK(b.s.unacknowledged_messages() == 1);
  CHECK_FALSE(a.s.is_goodbye_acknowledged());
  a.take(b.s.make_ack(), start);
  CHECK(a.s.is_goodbye_acknowledged());
}

TEST_CASE("who takes no more acknowledges what it had, and goes on sending until its goodbye",
          "[transport][session]") {
  side a;
  side b;
  join(a, b, start);
  b.send("in time");
  CHECK(a.take(b.s.pull(), start) == verdict::deliver);
  a.s.take_no_more();
  b.send("too late");
  CHECK(a.take(b.s.pull(), start) == verdict::nothing);
  CHECK(a.send("what became of it") == send_result::ok);
  CHECK(b.take(a.s.pull(), start) == verdict::deliver);
  CHECK(b.s.unacknowledged_messages() == 1);
  a.s.push_goodbye();
  CHECK(b.take(a.s.pull(), start) == verdict::left);
  CHECK(a.delivered == std::vector<std::string>{"in time"});
  CHECK(b.s.unacknowledged_messages() == 1);
}

TEST_CASE("a heartbeat that counts what is not taken any more is no gap", "[transport][session]") {
  side a;
  side b;
  join(a, b, start);
  exchange(a, b, start);
  a.s.take_no_more();
  b.send("too late");
  CHECK(a.take(b.s.pull(), start) == verdict::nothing);
  const auto heartbeat = b.s.pull_control(start + 2 * session_options{}.heartbeat);
  REQUIRE(heartbeat);
  CHECK(a.take(heartbeat, start) == verdict::nothing);
  CHECK(b.s.unacknowledged_messages() == 1);
}

TEST_CASE("who takes no more answers a goodbye with its own, which acknowledges nothing else",
          "[transport][session]") {
  side a;
  side b;
  join(a, b, start);
  a.s.take_no_more();
  b.send("too late");
  b.s.push_goodbye();
  CHECK(a.take(b.s.pull(), start) == verdict::nothing);
  CHECK(a.take(b.s.pull(), start) == verdict::left);
  REQUIRE(a.s.takes_no_more());
  CHECK(b.take(a.s.make_last_goodbye(), start) == verdict::left);
  CHECK(b.s.unacknowledged_messages() == 1);
  CHECK(a.delivered.empty());
}

TEST_CASE("two goodbyes that cross end both sides", "[transport][session]") {
  side a;
  side b;
  join(a, b, start);
  a.s.push_goodbye();
  b.s.push_goodbye();
  const auto of_a = a.s.pull();
  const auto of_b = b.s.pull();
  CHECK(a.take(of_b, start) == verdict::left);
  CHECK(b.take(of_a, start) == verdict::left);
}

TEST_CASE("a session does not go on with one that has forgotten it", "[transport][session]") {
  side a;
  side b;
  join(a, b, start);
  a.send("one");
  exchange(a, b, start);
  exchange(a, b, start + 1s);
  const side stranger;
  CHECK(a.s.contradiction(stranger.s.position(), 16 << 20) != nullptr);
  auto forgetful = b.s.position();
  forgetful.received = 0;
  CHECK(a.s.contradiction(forgetful, 16 << 20) != nullptr);
  auto boastful = b.s.position();
  boastful.received = 77;
  CHECK(a.s.contradiction(boastful, 16 << 20) != nullptr);
  CHECK(a.s.contradiction(b.s.position(), 16 << 20) == nullptr);
}

TEST_CASE("a sender stops at its credit and goes on when there is more", "[transport][session]") {
  session_options options;
  options.window_bytes = 1000;
  side a(options);
  side b(options);
  join(a, b, start);
  for (int i = 0; i < 100; ++i)
    a.send(std::string(100, 'x'));
  const auto one_frame = a.s.pull(); // a frame may begin below the limit and end beyond it
  REQUIRE(one_frame);
  a.send("more");
  CHECK_FALSE(a.s.wants_to_send());
  CHECK_FALSE(a.s.pull());
  b.take(one_frame, start);
  a.take(b.s.pull_control(start), start);
  CHECK(a.s.pull());
}

TEST_CASE("whoever sends beyond its credit, or acknowledges what never was, breaks the protocol",
          "[transport][session]") {
  session_options narrow;
  narrow.window_bytes = 50;
  side a;
  side b(narrow);
  join(a, b, start);
  a.s.attach({1, 1, 1, 0, 1'000'000}, 2, 16 << 20, start); // thinks it may
  std::vector<verdict> verdicts;
  for (int i = 0; i < 4; ++i) {
    a.send(std::string(60, 'x'));
    const auto f = a.s.pull();
    verdicts.push_back(b.s.take(decode_frame(f->bytes), f->bytes.size(), start).what);
  }
  CHECK(verdicts.front() == verdict::deliver);
  CHECK(verdicts.at(1) == verdict::violation);
  CHECK(a.take(encode(ack_frame{500, 0}), start) == verdict::violation);
  CHECK(a.take(encode(confirm_frame{}), start) == verdict::violation);
}

TEST_CASE("messages too large for a frame are refused, and a full batch does not drag a large one along",
          "[transport][session]") {
  session_options options;
  options.frame_bytes_max = limits::frame_bytes_min;
  side a(options);
  side b(options);
  join(a, b, start);
  CHECK(a.send(std::string(limits::frame_bytes_min, 'x')) == send_result::too_large);
  CHECK(a.send(std::string(limits::control_payload_bytes_max + 1, 'x'), envelope_kind::watch)
        == send_result::too_large);
  CHECK(a.send("small") == send_result::ok);
  const std::string large(limits::frame_bytes_min - 200, 'y');
  CHECK(a.send(large) == send_result::ok);
  CHECK(a.send("after") == send_result::ok);
  exchange(a, b, start);
  CHECK(b.delivered == std::vector<std::string>{"small", large, "after"});
}

TEST_CASE("an encoder that fails leaves no trace in the batch", "[transport][session]") {
  side a;
  side b;
  join(a, b, start);
  a.send("one");
  auto refuses = [](byte_buffer& out) {
    out.push_back('x');
    return false;
  };
  auto throws = [](byte_buffer& out) -> bool {
    out.push_back('x');
    throw std::runtime_error("no");
  };
  CHECK(a.s.push({}, &refuses, [](void* f, byte_buffer& out) {
    return (*static_cast<decltype(refuses)*>(f))(out);
  }) == send_result::encode_failed);
  CHECK_THROWS(a.s.push({}, &throws,
                        [](void* f, byte_buffer& out) { return (*static_cast<decltype(throws)*>(f))(out); }));
  a.send("two");
  exchange(a, b, start);
  CHECK(b.delivered == std::vector<std::string>{"one", "two"});
}

TEST_CASE("heartbeats estimate how far the other clock is ahead", "[transport][session]") {
  side a;
  side b;
  join(a, b, start);
  const auto ahead = 5s; // b's clock
  const auto one_way = 3ms;
  const auto first = a.s.pull_control(start);
  b.take(first, start + ahead + one_way);
  const auto echo = b.s.pull_control(start + ahead + one_way + 1ms);
  const auto result = a.s.take(decode_frame(echo->bytes), echo->bytes.size(), start + 2 * one_way + 1ms);
  REQUIRE(result.clock);
  CHECK(result.clock->offset == ahead);
  CHECK(result.clock->uncertainty == one_way);
}

TEST_CASE("a heartbeat that is answered in a turn that began before it came is no faster",
          "[transport][session]") {
  side a;
  side b;
  join(a, b, start);
  const auto one_way = 3ms;
  b.take(a.s.pull_control(start), start + one_way);
  a.take(b.s.pull_control(start + one_way), start + 2 * one_way);
  const auto later = start + 2 * session_options{}.heartbeat;
  b.take(a.s.pull_control(later), later + one_way);
  const auto echo = b.s.pull_control(later + one_way - 1ms); // the loop looked at its clock then
  REQUIRE(echo);
  const auto result = a.s.take(decode_frame(echo->bytes), echo->bytes.size(), later + 2 * one_way);
  REQUIRE(result.clock);
  CHECK(result.clock->offset == 0ns);
  CHECK(result.clock->uncertainty == one_way);
}
