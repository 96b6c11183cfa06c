// What a link does for the threads that send on it, without sockets and without a hub.
#include "tests/support/catch.hpp"
#include "tests/transport/support.hpp"
#include "transport/hub/ready_list.hpp"
#include "transport/session/link.hpp"
#include "transport/session/send_burst.hpp"

using namespace transport_tests;

namespace {

struct counted_calls : transport::output_sink {
  int calls = 0;
  void ready(const std::shared_ptr<transport::link>&) override { ++calls; }
};

struct kept_frames : transport::wire {
  std::vector<transport::frame_ptr> frames;
  bool transmit(const transport::frame_ptr& f) override {
    frames.push_back(f);
    return true;
  }
  void close(bool) override {}
  bool sever() override { return false; }
};

/// A link that is up, and what came of it.
struct one_link {
  std::shared_ptr<counted_calls> sink = std::make_shared<counted_calls>();
  std::shared_ptr<kept_frames> wire = std::make_shared<kept_frames>();
  transport::link_ptr link = std::make_shared<transport::link>(transport::node_identity{"peer", 7}, 0,
                                                               transport::session_options{}, 1, sink);
  one_link() { link->carry(wire, {.epoch = 1, .credit = 1U << 20}, 1, 1U << 20, now); }
  std::size_t frames() {
    bool more = false;
    REQUIRE(link->flush(now, 100, more));
    return wire->frames.size();
  }
  const transport::time_point now{std::chrono::hours{1}};
};

} // namespace

TEST_CASE("without a burst the I/O thread is told of each message", "[transport][link]") {
  one_link to;
  for (int i = 0; i < 5; ++i)
    CHECK(send_text(to.link, std::to_string(i)) == send_result::ok);
  CHECK(to.sink->calls == 5);
}

TEST_CASE("what is sent in a burst leaves when its outermost ends, in one frame a link",
          "[transport][link]") {
  one_link to, other;
  const auto before = to.frames(), before_other = other.frames(); // a heartbeat is due at once
  {
    const transport::send_burst together;
    for (int i = 0; i < 50; ++i)
      CHECK(send_text(to.link, std::to_string(i)) == send_result::ok);
    {
      const transport::send_burst inner;
      CHECK(send_text(other.link, "once") == send_result::ok);
    }
    CHECK(to.sink->calls == 0);
    CHECK(other.sink->calls == 0);
  }
  CHECK(to.sink->calls == 1);
  CHECK(other.sink->calls == 1);
  CHECK(to.frames() == before + 1);
  CHECK(other.frames() == before_other + 1);
  CHECK(send_text(to.link, "afterwards") == send_result::ok);
  CHECK(to.sink->calls == 2);
}

TEST_CASE("a link outlives neither the end of its hub nor a send that comes after it", "[transport][link]") {
  const auto list = std::make_shared<transport::ready_list>();
  const auto make = [&] {
    return std::make_shared<transport::link>(transport::node_identity{"peer", 7}, trace::node_index{0},
                                             transport::session_options{}, 1U, list);
  };
  auto waiting = make(), late = make();
  const std::weak_ptr<transport::link> waits = waiting, comes_late = late;
  list->ready(waiting);
  waiting.reset();
  CHECK_FALSE(waits.expired());
  list->close();
  CHECK(waits.expired());
  list->ready(late);
  late.reset();
  CHECK(comes_late.expired());
}
