// Three real processes: an actor of one uses handles of another that a third one gave it.
#include "tests/distributed/location_fixture.hpp"
#include "tests/distributed/location_user.hpp"

using namespace troupe;
using namespace troupe::testing;

namespace {

/// w1 has the user, w2 the server; the test is the third process.
struct three : location_fixture {
  explicit three(const char* endpoint, const char* option = nullptr) : location_fixture(endpoint) {
    start("w1");
    start("w2", option);
    user = spawn("w1", "user");
    second = server("w2");
    agent = main->agent_of("w2");
  }
  caf::expected<std::string> use(deed what, const caf::actor& whom) {
    return ask<std::string>(user, use_handle{what, whom});
  }
  /// What the user is told when `whom` ends, which it is made to do once the user watches it.
  caf::error told_of_end(deed how, const caf::actor& whom, const std::function<void()>& make_it_end) {
    auto waiting = (*self)->request(user, patience, use_handle{how, whom});
    // The user is asked to talk to it after it began to watch: one order per pair of actors.
    CHECK(ask<std::string>(user, use_handle{deed::request, server("w2")}) == "144");
    make_it_end();
    caf::error reason;
    waiting.receive([](const std::string&) {}, [&](caf::error& err) { reason = std::move(err); });
    return reason;
  }
  caf::actor user, second, agent;
};

} // namespace

SCENARIO("an actor asks one of another node whose handle came from a third", "[distributed][location]") {
  const auto endpoint = GENERATE("ipc", "tcp");
  three f{endpoint};
  SECTION("a plain message") {
    CHECK(f.use(deed::send, f.second) == "sent");
    CHECK(f.use(deed::request, f.second) == "144"); // comes after it
    CHECK(f.ask<std::size_t>(f.second, caf::get_atom_v) == 2U);
    CHECK(f.ask<std::size_t>(f.server("w1"), caf::get_atom_v) == 0U);
  }
  SECTION("an error") { CHECK(f.use(deed::fail, f.second).error() == caf::sec::invalid_argument); }
  SECTION("a time-out") { CHECK(f.use(deed::time_out, f.second).error() == caf::sec::request_timeout); }
  SECTION("a statically typed handle") {
    auto typed = f.main->lookup<squarer>("w2", "squarer", patience);
    REQUIRE(typed);
    CHECK(f.ask<std::string>(f.user, use_typed_handle{*typed}) == "36");
  }
  SECTION("delegated: the reply comes from the third") {
    auto relay = f.spawn("w1", "delegator", f.second);
    auto answer = f.ask<square_is>(relay, ask_square{9});
    REQUIRE(answer);
    CHECK(answer->value == 81);
  }
  SECTION("an actor answers to somebody it was introduced to") {
    (*f.self)->send(f.second, introduce{caf::actor_cast<caf::actor>(*f.self), "hello"});
    std::string text;
    (*f.self)->receive([&](const std::string& x) { text = x; }, caf::after(patience) >> [] {});
    CHECK(text == "hello from w2");
  }
}

SCENARIO("names and roles of a third node", "[distributed][location]") {
  three f{"ipc"};
  CHECK(f.use(deed::look_up, f.agent) == "144");
  CHECK(f.use(deed::look_vain, f.agent).error() == errc::name_not_found);
  CHECK(f.use(deed::spawn, f.agent) == "121");
  CHECK(f.use(deed::misspawn, f.agent).error() == errc::role_unknown);

  SECTION("a name that is not yet there") {
    auto waiting = (*f.self)->request(f.user, patience, use_handle{deed::look_late, f.agent});
    (*f.self)->send(f.agent, publish_name{"late", caf::actor_cast<caf::strong_actor_ptr>(f.second), {}});
    std::string text;
    waiting.receive([&](std::string& x) { text = std::move(x); }, [](const caf::error&) {});
    CHECK(text == "144");
  }
}

SCENARIO("monitors and links between two nodes of three tell why an actor ended", "[distributed][location]") {
  const auto how = GENERATE(deed::monitor, deed::link);
  three f{"ipc"};
  auto mortal = f.spawn("w2", "mortal");
  SECTION("it ended by itself") {
    const auto end = [&] { caf::anon_send(mortal, std::string{"end"}); };
    if (how == deed::monitor) {
      CHECK(f.told_of_end(how, mortal, end) == caf::exit_reason::kill);
      return;
    }
    // A kill cannot be trapped: who is linked ends, too.
    (*f.self)->send(f.user, use_handle{how, mortal});
    REQUIRE(f.use(deed::request, f.second) == "144");
    CHECK(reason_of_end(f, f.user, end) == caf::exit_reason::kill);
  }
  SECTION("an exit message of the third ended it") {
    CHECK(f.told_of_end(how, mortal, [&] { caf::anon_send_exit(mortal, caf::exit_reason::user_shutdown); })
          == caf::exit_reason::user_shutdown);
  }
  SECTION("its process was killed") {
    CHECK(f.told_of_end(how, mortal, [&] { f.kill("w2"); }) == caf::exit_reason::remote_link_unreachable);
  }
  SECTION("its node left") {
    CHECK(f.told_of_end(how, mortal, [&] { (*f.self)->send(f.agent, leave_node{}); })
          == caf::exit_reason::user_shutdown);
  }
}

SCENARIO("exit messages and the end of requests between two nodes of three", "[distributed][location]") {
  three f{"ipc"};
  auto mortal = f.spawn("w2", "mortal");
  SECTION("an exit message") {
    CHECK(reason_of_end(f, mortal, [&] { CHECK(f.use(deed::end, mortal) == "sent"); })
          == caf::exit_reason::user_shutdown);
  }
  SECTION("a request that is pending when the process is killed") {
    auto waiting = (*f.self)->request(f.user, patience, use_handle{deed::wait, f.second});
    CHECK(f.use(deed::request, f.second) == "144");
    f.kill("w2");
    caf::error why;
    waiting.receive([](const std::string&) {}, [&](caf::error& err) { why = std::move(err); });
    CHECK(why == caf::exit_reason::remote_link_unreachable);
  }
  SECTION("a request to an actor of a node that is gone") {
    CHECK(f.use(deed::request, f.second) == "144");
    f.kill("w2");
    CHECK(f.is_down("w2"));
    CHECK_FALSE(f.use(deed::request, f.second));
  }
}

SCENARIO("a type that the third node does not know is an error at the sender", "[distributed][location]") {
  three f{"ipc", "no-secret"};
  CHECK(f.use(deed::secret, f.second).error() == caf::sec::unknown_type);
  CHECK(f.use(deed::request, f.second) == "144"); // and the link lives on
  CHECK(f.use(deed::secret, f.server("w1")) == "1");
}
