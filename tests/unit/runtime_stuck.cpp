// The deadlock detector's view of a node, and how it explains what it sees.
#include "scenarios/stuck_detector.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/test_system.hpp"

using namespace troupe;
using troupe::testing::test_system;

namespace {

/// A resource that is given to one asker at a time and kept.
struct resource_state {
  static inline const char* name = "resource";
  std::vector<caf::response_promise> waiting;
  bool taken = false;
};

caf::behavior resource(actor_of<resource_state>* self, const std::string& name) {
  self->call_me(name);
  return {[self](const std::string&) -> caf::result<bool> {
    if (!std::exchange(self->state.taken, true)) {
      self->held_by(self->current_sender());
      return true;
    }
    self->state.waiting.push_back(self->make_response_promise());
    return caf::delegated<bool>{};
  }};
}

/// Takes one resource, then the other.
caf::behavior taker(plain_actor* self, const std::string& name, const caf::actor& first,
                    const caf::actor& second) {
  self->call_me(name);
  self->request(first, caf::infinite, std::string{"take"}).then([=](bool) {
    self->request(second, caf::infinite, std::string{"take"}).then([=](bool) { self->quit(); });
  });
  return {[](int) {}};
}

/// Who waits for ever on each other would hold each other's memory for ever, too.
void end(test_system& sys, std::initializer_list<caf::actor> resources) {
  for (auto& resource : resources)
    caf::anon_send_exit(resource, caf::exit_reason::user_shutdown);
  sys.run();
}

bool quiet(test_system& sys) { return sys.context.waits.look(sys.books).quiet(); }

} // namespace

SCENARIO("a cycle of waits is named", "[actors][deadlock]") {
  const auto level = GENERATE(trace::level::off, trace::level::headers);
  test_system sys{level};
  auto left = sys.system().spawn(resource, "fork 0");
  auto right = sys.system().spawn(resource, "fork 1");
  sys.system().spawn(taker, "philosopher 0", left, right);
  sys.system().spawn(taker, "philosopher 1", right, left);
  CHECK_FALSE(quiet(sys)); // they have not begun
  sys.run();
  REQUIRE(quiet(sys));
  CHECK(sys.context.waits.look(sys.books).waiting == 2);
  const auto why = scenarios::explain(sys.context.waits.edges());
  REQUIRE(why.cycle.size() == 2);
  const bool from_zero = why.cycle[0].starts_with("philosopher 0");
  CHECK(why.cycle[from_zero ? 0 : 1] == "philosopher 0 waits for fork 1 held by philosopher 1");
  CHECK(why.cycle[from_zero ? 1 : 0] == "philosopher 1 waits for fork 0 held by philosopher 0");
  end(sys, {left, right});
}

SCENARIO("a run that can go on is never quiet", "[actors][deadlock]") {
  const auto level = GENERATE(trace::level::off, trace::level::headers);
  test_system sys{level};
  auto fork = sys.system().spawn(resource, "fork");

  SECTION("a message waits in a mailbox") {
    sys.run();
    caf::anon_send(fork, std::string{"take"});
    CHECK_FALSE(quiet(sys));
  }
  SECTION("a delayed message is on its way") {
    sys.system().spawn([](plain_actor* self) {
      self->delayed_send(self, std::chrono::minutes{1}, 1);
      return caf::behavior{[](int) {}};
    });
    sys.run();
    CHECK_FALSE(quiet(sys));
    sys.advance(std::chrono::minutes{2});
    CHECK(quiet(sys));
    CHECK(sys.books.totals().handled == 1);
  }
  SECTION("a receive time-out is set") {
    sys.system().spawn([](plain_actor* self) {
      return caf::behavior{[](int) {}, caf::after(std::chrono::minutes{1}) >> [self] { self->quit(); }};
    });
    sys.run();
    CHECK_FALSE(quiet(sys));
    sys.advance(std::chrono::minutes{2});
    CHECK(quiet(sys));
  }
  SECTION("a request will time out") {
    auto ask = [](plain_actor* self, const caf::actor& whom) {
      self->request(whom, std::chrono::minutes{1}, std::string{"take"})
          .then([](bool) {}, [](const caf::error&) {});
      return caf::behavior{[](int) {}};
    };
    sys.system().spawn(ask, fork); // gets it
    sys.system().spawn(ask, fork); // waits
    sys.run();
    CHECK_FALSE(quiet(sys));
    sys.advance(std::chrono::minutes{2});
    CHECK(quiet(sys));
    CHECK(sys.context.waits.look(sys.books).waiting == 0);
  }
  SECTION("a source outside of the actors is open") {
    sys.run();
    {
      const outside_source socket{sys.context.waits};
      CHECK_FALSE(quiet(sys));
    }
    CHECK(quiet(sys));
  }
  end(sys, {fork});
}

TEST_CASE("waits without a cycle are listed", "[deadlock]") {
  const std::vector<wait_edge> edges{{{1, 1}, {1, 2}, "a", "b", false}, {{1, 2}, {1, 3}, "b", {}, true}};
  const auto why = scenarios::explain(edges);
  CHECK(why.cycle.empty());
  CHECK(why.sentence
        == "no cycle, but a waits for b, b is held by actor 3, and nothing is left that could answer");
}
