// What comes from other nodes faster than its receiver handles it.
#include "actors/node/node.hpp"
#include "actors/runtime/traced_actor.hpp"

#include "tests/support/catch.hpp"
#include "tests/support/temporary_directory.hpp"

#include <future>
#include <numeric>
#include <semaphore>
#include <thread>

using namespace troupe;
using namespace std::chrono_literals;

namespace {

constexpr auto patience = 20s;
constexpr std::uint64_t limit = 64 << 10;
constexpr std::uint64_t flood = 1000, size = 1000;

/// Handles nothing after its first text until the gate is opened.
struct sink_state {
  static inline const char* name = "sink";
  std::uint64_t texts = 0;
};
caf::behavior sink(actor_of<sink_state>* self, std::binary_semaphore* gate) {
  return {
      [=](const std::string&) {
        if (self->state.texts++ == 0) gate->acquire();
      },
      [=](std::uint64_t) { return self->state.texts; },
  };
}

/// Sends whoever asks a flood first, and then the answer.
caf::behavior flooder(plain_actor* self) {
  return {[=](std::uint64_t x) {
    for (std::uint64_t i = 0; i < flood; ++i)
      self->send(caf::actor_cast<caf::actor>(self->current_sender()), std::string(size, 'x'));
    return x + 1;
  }};
}

/// Two nodes of this process over a real socket; both bound what waits in a mailbox.
struct pair_of_nodes {
  pair_of_nodes() : main(make("main")), other(make("w1")) {
    REQUIRE(main->connect(other->endpoint(), patience));
  }

  std::unique_ptr<node> make(const std::string& name) {
    node_options options;
    options.name = name;
    options.listen = "ipc://" + (directory.path() / name).string();
    options.arrivals_bytes_max = limit;
    options.threads = 4;
    auto catalog = std::make_shared<message_catalog>();
    add_agent_messages(*catalog);
    return std::make_unique<node>(std::move(options), std::move(catalog), role_map{});
  }
  caf::actor found(const std::string& name) {
    auto result = main->lookup("w1", name, patience);
    if (!result) FAIL(main->system().render(result.error()));
    return *result;
  }

  testing::temporary_directory directory;
  std::unique_ptr<node> main, other;
};

caf::expected<std::uint64_t> ask(caf::scoped_actor& self, const caf::actor& whom) {
  caf::expected<std::uint64_t> result{caf::sec::none};
  self->request(whom, patience, std::uint64_t{1})
      .receive([&](std::uint64_t x) { result = x; }, [&](caf::error& err) { result = std::move(err); });
  return result;
}

bool balanced(const trace::ledger_counts& x) {
  return x.sent - x.remote_sent + x.remote_received
         == x.handled + x.dead_lettered
                + std::accumulate(x.dropped.begin(), x.dropped.end(), std::uint64_t{0});
}

std::uint64_t dropped_full(node& of) {
  return of.books().totals().dropped[static_cast<std::size_t>(trace::drop_reason::queue_full)];
}

} // namespace

TEST_CASE("what a slow actor gets from another node is bounded, and every drop is booked",
          "[actors][back-pressure]") {
  pair_of_nodes nodes;
  std::binary_semaphore gate{0}, open{1};
  nodes.other->publish("slow", nodes.other->system().spawn(sink, &gate));
  nodes.other->publish("idle", nodes.other->system().spawn(sink, &open));
  caf::scoped_actor self{nodes.main->system()};
  const auto slow = nodes.found("slow"), idle = nodes.found("idle");
  for (std::uint64_t i = 0; i < flood; ++i)
    self->send(slow, std::string(size, 'x'));
  // Frames of a link are decoded in order: with this answer, all of the flood is there.
  CHECK(ask(self, idle) == 0);
  const auto refused = dropped_full(*nodes.other);
  CHECK(flood - refused <= limit / size);
  CHECK(flood - refused >= limit / (size + 2 * arrival_overhead));
  caf::error why;
  self->request(slow, patience, std::string(size, 'x')).receive([] {}, [&](caf::error& err) { why = err; });
  CHECK(why == caf::sec::runtime_error);
  CHECK(dropped_full(*nodes.other) == refused + 1);

  gate.release();
  const auto until = std::chrono::steady_clock::now() + patience;
  const auto texts = ask(self, slow);
  REQUIRE(texts);
  CHECK(*texts == flood - refused);
  // Handled messages made room again.
  self->send(slow, std::string(size, 'x'));
  CHECK(ask(self, slow) == *texts + 1);
  for (auto* each : {nodes.main.get(), nodes.other.get()}) {
    while (!balanced(each->books().totals()) && std::chrono::steady_clock::now() < until)
      std::this_thread::yield();
    CHECK(balanced(each->books().totals()));
  }
}

TEST_CASE("an answer comes through where nothing else would", "[actors][back-pressure]") {
  pair_of_nodes nodes;
  nodes.other->publish("flooder", nodes.other->system().spawn(flooder));
  const auto whom = nodes.found("flooder");
  std::binary_semaphore gate{0};
  std::promise<std::uint64_t> answered;
  nodes.main->system().spawn([&](plain_actor* self) -> caf::behavior {
    self->request(whom, caf::infinite, std::uint64_t{41}).then([&, self](std::uint64_t x) {
      answered.set_value(x);
      self->quit();
    });
    return {[&, first = true](const std::string&) mutable {
      if (std::exchange(first, false)) gate.acquire();
    }};
  });
  const auto until = std::chrono::steady_clock::now() + patience;
  while (dropped_full(*nodes.main) == 0 && std::chrono::steady_clock::now() < until)
    std::this_thread::yield();
  CHECK(dropped_full(*nodes.main) > 0);
  gate.release();
  auto answer = answered.get_future();
  REQUIRE(answer.wait_for(patience) == std::future_status::ready);
  CHECK(answer.get() == 42);
}
