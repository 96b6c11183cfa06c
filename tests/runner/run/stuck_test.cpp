// The deadlock detector's view of a node, and how it explains what it sees.
#include "runner/run/stuck_detector.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/test_system.hpp"

using namespace troupe;
using scenarios::actor_names;
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

activity_report look(test_system& sys) { return look_at(sys.system(), sys.context); }
bool quiet(test_system& sys) { return look(sys).quiet(); }

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
  CHECK(look(sys).waiting == 2);
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
    CHECK(look(sys).waiting == 0);
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

// -- what keeps a run going, however it was asked for ------------------------------------

namespace {

/// As a library for CAF's actors would have them.
using helper = std::function<void(caf::event_based_actor*)>;

const std::vector<std::pair<std::string, helper>> timers{
    {"delayed_send", [](auto* self) { self->delayed_send(self, std::chrono::minutes{1}, 1); }},
    {"delayed_send with priority",
     [](auto* self) {
       self->template delayed_send<caf::message_priority::high>(self, std::chrono::minutes{1}, 1);
     }},
    {"scheduled_send",
     [](auto* self) { self->scheduled_send(self, self->clock().now() + std::chrono::minutes{1}, 1); }},
    {"scheduled_anon_send",
     [](auto* self) {
       self->scheduled_anon_send(caf::actor{self}, self->clock().now() + std::chrono::minutes{1}, 1);
     }},
    {"delayed_anon_send",
     [](auto* self) { self->delayed_anon_send(caf::actor{self}, std::chrono::minutes{1}, 1); }},
    {"delayed_anon_send of nobody",
     [](auto* self) { caf::delayed_anon_send(caf::actor{self}, std::chrono::minutes{1}, 1); }},
};

/// Ends when it gets a number.
template <class Self>
caf::behavior set_a_timer(Self* self, const helper& set) {
  set(self);
  return {[self](int) { self->quit(); }};
}

} // namespace

SCENARIO("timers count where they are, whoever sets them in whatever way", "[actors][deadlock]") {
  const auto level = GENERATE(trace::level::off, trace::level::headers);
  test_system sys{level};
  for (auto& [name, set] : timers)
    DYNAMIC_SECTION(name) {
      SECTION("for a traced actor") { sys.system().spawn(set_a_timer<plain_actor>, set); }
      SECTION("for an actor of plain CAF") { sys.system().spawn(set_a_timer<caf::event_based_actor>, set); }
      sys.run();
      CHECK_FALSE(quiet(sys));
      CHECK(look(sys).timers == 1);
      const auto moves = look(sys).moves;
      sys.advance(std::chrono::minutes{2});
      CHECK(quiet(sys));
      CHECK(look(sys).moves == moves); // setting was the move
    }
}

SCENARIO("the time-out of one request is not taken for that of another", "[actors][deadlock]") {
  test_system sys;
  auto fork = sys.system().spawn(resource, "fork");
  sys.system().spawn([fork](plain_actor* self) {
    // Nobody is asked, so that no time-out is set.
    self->request(caf::actor{}, std::chrono::minutes{1}, 1).then([](int) {}, [](const caf::error&) {});
    self->request(fork, caf::infinite, std::string{"take"}).then([=](bool) {
      self->request(fork, caf::infinite, std::string{"take"}).then([](bool) {});
    });
    return caf::behavior{[](int) {}};
  });
  sys.run();
  CHECK(quiet(sys));
  CHECK(look(sys).waiting == 1);
  end(sys, {fork});
}

SCENARIO("an answered request leaves no timer behind", "[actors][deadlock]") {
  const auto level = GENERATE(trace::level::off, trace::level::headers);
  test_system sys{level};
  auto fork = sys.system().spawn(resource, "fork");
  sys.system().spawn([fork](plain_actor* self) {
    self->request(fork, std::chrono::minutes{60}, std::string{"take"}).then([](bool) {});
    return caf::behavior{[](int) {}};
  });
  sys.run();
  CHECK(quiet(sys));
  CHECK(look(sys).timers == 0);
  end(sys, {fork});
}

SCENARIO("messages that are skipped are set aside, until they are taken", "[actors][deadlock]") {
  const auto level = GENERATE(trace::level::off, trace::level::headers);
  test_system sys{level};
  auto choosy = sys.system().spawn([](plain_actor* self) -> caf::behavior {
    self->set_default_handler(caf::skip);
    return {[self](const std::string&) { self->become([](int) {}, [](const std::string&) {}); }};
  });
  for (int i = 0; i < 3; ++i)
    caf::anon_send(choosy, i);
  sys.run();
  CHECK(quiet(sys));
  CHECK(look(sys).set_aside == 3);
  caf::anon_send(choosy, std::string{"now"});
  CHECK_FALSE(quiet(sys));
  sys.run();
  CHECK(quiet(sys));
  CHECK(look(sys).set_aside == 0);
  CHECK(sys.books.totals().handled == 4);
  caf::anon_send_exit(choosy, caf::exit_reason::user_shutdown);
  sys.run();
}

TEST_CASE("waits without a cycle are listed, and everybody has a name", "[deadlock]") {
  std::vector<wait_edge> edges{
      {.from = {1, 1}, .to = {1, 2}, .from_name = "a", .to_name = "b", .from_called = true},
      {.from = {1, 2}, .to = {2, 3}, .from_name = "b", .held = true}};
  actor_names names;
  names.of_role = [](const actor_ref& who) { return who.id == 2 ? "lock 0" : ""; };
  names.of_node = [](std::uint64_t node) { return "w" + std::to_string(node); };
  auto why = scenarios::explain(edges, names);
  CHECK(why.cycle.empty());
  CHECK(why.sentence
        == "a waits for lock 0, lock 0 is held by actor 3 on w2, and nobody is known who could answer");
  edges[1].to_ended = true;
  why = scenarios::explain(edges, names);
  REQUIRE(why.cycle.size() == 1);
  CHECK(why.sentence == "a waits for lock 0 held by actor 3 on w2, which has ended");
}
