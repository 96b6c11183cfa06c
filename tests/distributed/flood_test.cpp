// Who sends to another process faster than its actors can handle it.
#include "tests/distributed/flood_roles.hpp"
#include "tests/distributed/location_fixture.hpp"
#include "tests/support/memory.hpp"
#include "tests/support/sanitized.hpp"

using namespace troupe;
using namespace troupe::testing;

namespace {

/// What code, sockets and frames in work take besides the limits; without these it would be
/// several times as much as all that is allowed.
constexpr std::int64_t slack_kib = 24'000;

constexpr std::int64_t kib(std::uint64_t bytes) { return static_cast<std::int64_t>(bytes / 1024); }

std::uint64_t full(const trace::ledger_counts& x) {
  return x.dropped[static_cast<std::size_t>(trace::drop_reason::queue_full)];
}

void check_balanced(const trace::ledger_counts& x) {
  CHECK(x.sent - x.remote_sent + x.remote_received == x.handled + x.dead_lettered + x.dropped_total());
}

} // namespace

TEST_CASE("a consumer ten times slower than its producer in another process costs bounded memory, and "
          "every message is in the books",
          "[distributed][back-pressure]") {
  struct flood {
    std::uint64_t count, size;
  };
  // 300 MB, twice; of the small ones, most is what a message takes besides its payload.
  const auto [count, size] = GENERATE(flood{300'000, 1000}, flood{600'000, 32}, flood{6'000, 50'000});
  CAPTURE(count, size);
  temporary_directory directory;
  const auto books = [&](const char* name) {
    return trace::read_books(directory / (std::string{name} + ".books")).counts;
  };
  location_fixture f{"ipc"};
  const auto option = "flood=" + directory.path().string();
  f.start("producer", option.c_str());
  f.start("consumer", option.c_str());
  const auto file = (directory / "sent").string();
  const auto consumer = f.spawn("consumer", "slow", file);
  const auto producer = f.spawn("producer", "flooder", consumer, file);
  const auto producer_before = peak_kib(f.pid("producer")), consumer_before = peak_kib(f.pid("consumer"));

  std::uint64_t handled = 0, questions_refused = 0;
  caf::error why;
  (*f.self)
      ->request(producer, 60s, count, size)
      .receive(
          [&](std::uint64_t x, std::uint64_t y) {
            handled = x;
            questions_refused = y;
          },
          [&](caf::error& err) { why = std::move(err); });
  INFO(f.main->system().render(why));
  REQUIRE_FALSE(why);
  const auto producer_more = peak_kib(f.pid("producer")) - producer_before;
  const auto consumer_more = peak_kib(f.pid("consumer")) - consumer_before;
  if (!sanitized) {
    CHECK(producer_more < kib(flood_queue) + slack_kib);
    CHECK(consumer_more < kib(flood_window + flood_threads * flood_arrivals) + slack_kib);
  }

  for (const auto* name : {"producer", "consumer"}) {
    (*f.self)->send(f.main->agent_of(name), leave_node{});
    CHECK(f.is_down(name));
    CHECK(f.exit_status(name) == 0);
  }
  f.self.reset();
  f.main->stop();
  const auto theirs = books("producer"), its = books("consumer"), ours = f.main->books().totals();
  CHECK(handled < count);
  CHECK(count - handled == full(theirs) + full(its) - questions_refused);
  for (const auto& each : {theirs, its, ours})
    check_balanced(each);
  CHECK(theirs.remote_sent + its.remote_sent + ours.remote_sent
        == theirs.remote_received + its.remote_received + ours.remote_received);
}
