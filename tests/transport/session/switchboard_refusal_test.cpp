// What a switchboard makes of one that refuses it.
#include "transport/session/switchboard.hpp"

#include "tests/support/catch.hpp"
#include "tests/transport/support.hpp"

#include <chrono>

using namespace troupe;
using transport::refusal;

namespace {

struct one_line final : transport::wire {
  bool transmit(const transport::frame_ptr&) override { return true; }
  void close(bool) override {}
  bool sever() override { return true; }
};

struct one_dialler final : transport::dialler {
  transport::wire_ptr dialled;
  transport::wire_ptr dial(const std::string&, std::string&) override {
    return dialled = std::make_shared<one_line>();
  }
  bool is_deserted(const std::string&) override { return false; }
};

struct no_sink final : transport::output_sink {
  void ready(const transport::link_ptr&) override {}
};

} // namespace

TEST_CASE("why another node refuses is told, and cannot give orders to a terminal",
          "[transport][switchboard]") {
  trace::recorder recorder({{}, "w1", 1, trace::level::off});
  transport_tests::recording_listener listener;
  one_dialler dialler;
  std::string logged, why;
  transport::switchboard_options options;
  options.identity = {"w1", 1};
  options.log = [&](transport::log_level, std::string_view text) { logged += text; };
  transport::switchboard board(options, listener, recorder, dialler, std::make_shared<no_sink>());
  const transport::time_point now{std::chrono::hours{1}};
  board.connect(
      "somewhere", std::chrono::seconds{1},
      [&](const transport::peer_ptr&, std::string_view why_not) { why = why_not; }, now);
  board.tick(now);
  REQUIRE(dialler.dialled);
  const auto refusal_bytes = encode(transport::refuse_frame{refusal::not_allowed, "go\x1b[2J\naway"})->bytes;
  board.on_frame(dialler.dialled, std::make_unique<transport::buffered_frame>(refusal_bytes), now);
  CHECK(why == std::string{to_string(refusal::not_allowed)} + ": go\\x1b[2J\\naway");
  CHECK(logged == "somewhere refused this node: " + why);
  board.abandon();
}
