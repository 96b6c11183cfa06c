// One node's side of its connections, octet by octet and in virtual time: the other side is what a test says.
#include "tests/support/catch.hpp"
#include "tests/transport/support.hpp"
#include "transport/frames/frames.hpp"
#include "transport/session/switchboard.hpp"

using namespace transport_tests;
using transport::frame_kind;
using transport::frame_ptr;
using transport::switchboard;
using transport::switchboard_options;
using transport::time_point;

namespace {

constexpr std::chrono::milliseconds liveness = 4s;
const transport::node_identity me{"me", 1}, other{"other", 2};

/// What was written to a connection, and whether it was given up.
struct fake_wire final : transport::wire {
  bool transmit(const frame_ptr& f) override {
    if (!closed) written.push_back(static_cast<frame_kind>(f->bytes.at(0)));
    return !closed;
  }
  void close(bool) override { closed = true; }
  bool sever() override { return true; }
  bool wrote(frame_kind what) const {
    return std::find(written.begin(), written.end(), what) != written.end();
  }
  std::vector<frame_kind> written;
  bool closed = false;
};

struct one_side final : transport::dialler, transport::output_sink, transport::hub_listener {
  one_side() {
    switchboard_options options;
    options.identity = me;
    options.session.heartbeat = liveness / 20;
    options.session.liveness = liveness;
    options.log = [this](transport::log_level, std::string_view text) { logged += text; };
    board = std::make_unique<switchboard>(options, *this, recorder, *this,
                                          std::shared_ptr<output_sink>{std::shared_ptr<void>{}, this});
    board->set_endpoint("at-me");
  }
  ~one_side() override { board->abandon(); }

  // -- what the switchboard asks for
  transport::wire_ptr dial(const std::string& endpoint, std::string&) override {
    CHECK(endpoint == "at-other");
    dialled.push_back(std::make_shared<fake_wire>());
    return dialled.back();
  }
  bool is_deserted(const std::string&) override { return false; }
  void ready(const transport::link_ptr& l) override { board->flush(l, now); }
  void on_peer_up(const peer_ptr& p) override { heard += p->identity().name + " up;"; }
  void on_frame(const peer_ptr&, inbound_frame) override {}
  void on_peer_down(const peer_ptr& p, down_reason reason, std::string_view, std::uint64_t) override {
    heard += p->identity().name + " down: " + std::string(to_string(reason)) + ';';
  }

  // -- what the other side does
  void arrives(const std::shared_ptr<fake_wire>& on, const frame_ptr& f) {
    board->on_frame(on, std::make_unique<transport::buffered_frame>(f->bytes), now);
  }
  void welcomes(const std::shared_ptr<fake_wire>& on, std::uint64_t capabilities = 0) {
    transport::welcome_frame welcome;
    welcome.version = 1;
    welcome.frame_bytes_max = 1 << 20;
    welcome.self = {other, 1, capabilities, "at-other", {}};
    welcome.position = {.epoch = 1, .credit = 1 << 20};
    arrives(on, encode(welcome));
  }
  /// Lets time pass as far as that, and does what becomes due meanwhile.
  void pass_to(time_point then) {
    while (board->next_deadline() <= then)
      board->tick(now = board->next_deadline());
    now = then;
  }

  trace::recorder recorder{{{}, "me", 1, trace::level::off}};
  time_point now{std::chrono::hours{1}};
  std::vector<std::shared_ptr<fake_wire>> dialled;
  std::string heard, logged;
  std::unique_ptr<switchboard> board;
};

} // namespace

TEST_CASE("a connection on which nothing comes for half of the liveness interval is dialled anew",
          "[transport][switchboard]") {
  one_side side;
  side.board->connect("at-other", 10s, {}, side.now);
  side.pass_to(side.now);
  REQUIRE(side.dialled.size() == 1);
  side.welcomes(side.dialled[0]);
  REQUIRE(side.heard == "other up;");
  side.pass_to(side.now + 1s);
  side.arrives(side.dialled[0], encode(transport::heartbeat_frame{.credit = 1 << 20}));
  const auto heard_last = side.now;

  side.pass_to(heard_last + liveness / 2 - 1ms);
  CHECK(side.dialled.size() == 1);
  CHECK_FALSE(side.dialled[0]->closed);
  side.pass_to(heard_last + liveness / 2);
  CHECK(side.dialled[0]->closed);
  REQUIRE(side.dialled.size() == 2); // it had dialled: it does so at once
  CHECK(side.dialled[1]->written == std::vector{frame_kind::hello});
  CHECK(side.heard == "other up;"); // the session goes on
  side.welcomes(side.dialled[1]);
  CHECK(side.dialled[1]->wrote(frame_kind::confirm));
  side.arrives(side.dialled[1], encode(transport::heartbeat_frame{.credit = 1 << 20}));
  side.pass_to(side.now + liveness / 2 - 1ms);
  CHECK(side.dialled.size() == 2);
  CHECK(side.heard == "other up;");
}

TEST_CASE("capabilities that nobody knows are ignored, on both sides", "[transport][switchboard]") {
  const auto unknown = ~(transport::capability_upload | transport::capability_trace);
  SECTION("of who is dialled") {
    one_side side;
    side.board->connect("at-other", 10s, {}, side.now);
    side.pass_to(side.now);
    side.welcomes(side.dialled.at(0), unknown);
    CHECK(side.dialled[0]->wrote(frame_kind::confirm));
    CHECK_FALSE(side.dialled[0]->wrote(frame_kind::refuse));
    CHECK(side.heard == "other up;");
  }
  SECTION("of who dials") {
    one_side side;
    const auto line = std::make_shared<fake_wire>();
    transport::hello_frame hello;
    hello.version_min = hello.version_max = 1;
    hello.frame_bytes_max = 1 << 20;
    hello.self = {other, 0, unknown, "at-other", {}};
    side.arrives(line, encode(hello));
    side.arrives(line, encode(transport::confirm_frame{{.epoch = 1, .seen_epoch = 1, .generation = 1}}));
    CHECK(line->wrote(frame_kind::welcome));
    CHECK_FALSE(line->wrote(frame_kind::refuse));
    CHECK(side.heard == "other up;");
  }
}

TEST_CASE("why another node refuses is told, and cannot give orders to a terminal",
          "[transport][switchboard]") {
  one_side side;
  std::string why;
  side.board->connect(
      "at-other", 1s, [&](const peer_ptr&, std::string_view why_not) { why = why_not; }, side.now);
  side.pass_to(side.now);
  REQUIRE(side.dialled.size() == 1);
  using transport::refusal;
  side.arrives(side.dialled[0], encode(transport::refuse_frame{refusal::not_allowed, "go\x1b[2J\naway"}));
  CHECK(why == std::string{to_string(refusal::not_allowed)} + ": go\\x1b[2J\\naway");
  CHECK(side.logged == "at-other refused this node: " + why);
}
