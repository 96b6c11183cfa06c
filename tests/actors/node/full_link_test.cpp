// What a sender hears whose messages its peer does not take.
#include "tests/actors/wire_peer.hpp"
#include "tests/support/text.hpp"

#include <atomic>
#include <future>

using namespace troupe;
using tests::open_node;
using tests::wire_peer;

namespace {

constexpr std::size_t each = 100;
const std::string question(10'000, '?');

/// What was dropped as queue_full, and what who asked has heard.
struct tally {
  std::promise<std::pair<std::uint64_t, std::uint64_t>>
      dropped; ///< after the requests, and after the messages
  std::atomic<std::uint64_t> failed{0}, otherwise{0};
};

std::uint64_t dropped_as_full(node& of) {
  return of.books().totals().dropped[static_cast<std::size_t>(trace::drop_reason::queue_full)];
}

/// Asks all at once, without a limit on the time, and then says as much.
caf::behavior asker(caf::event_based_actor* self, const caf::actor& whom, node* here, tally* all) {
  const auto failed = [self, all](const caf::error& why) {
    if (!testing::contains(self->system().render(why), "the queue of the link to greedy is full"))
      ++all->otherwise;
    ++all->failed;
    all->failed.notify_all();
  };
  for (std::size_t i = 0; i < each; ++i)
    self->request(whom, caf::infinite, question).then([](const std::string&) {}, failed);
  const auto requests = dropped_as_full(*here);
  for (std::size_t i = 0; i < each; ++i)
    self->send(whom, question);
  all->dropped.set_value({requests, dropped_as_full(*here) - requests});
  return {[](int) {}};
}

} // namespace

TEST_CASE("a request over a full link fails at once, and a message is dropped as queue_full",
          "[actors][back-pressure]") {
  constexpr std::size_t limit = 64 << 10;
  const std::uint64_t incarnation = 0x1234;
  open_node there{[](node_options& options) { options.hub.queue_bytes_max = limit; }};
  wire_peer slow{
      there.main->endpoint(),
      {.incarnation = incarnation, .types = {"string"}, .window_bytes = limit, .keeps_frames = true}};
  there.await("greedy");
  const auto remote = caf::actor_cast<caf::actor>(there.main->gateway().actor_of(incarnation, 77));
  tally all;
  const auto one = there.main->system().spawn(asker, remote, there.main.get(), &all);
  const auto [requests, messages] = all.dropped.get_future().get();
  // What is on its way and what waits is bounded each by 64 KiB, and one frame or message more.
  CHECK(requests > each / 2);
  CHECK(requests < each);
  CHECK(messages > each / 2);
  for (auto n = all.failed.load(); n < requests; n = all.failed.load())
    all.failed.wait(n);
  CHECK(all.failed == requests); // nobody has answered anything, and no time-out was set
  CHECK(all.otherwise == 0);
  caf::anon_send_exit(one, caf::exit_reason::kill);
  // It tells its sum to this function.
  caf::scoped_actor self{there.main->system()};
  self->wait_for(one);
}
