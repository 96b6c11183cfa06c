// A handle behaves the same wherever its actor lives. Two real processes, real sockets.
#include "tests/distributed/location_fixture.hpp"

using namespace troupe;
using namespace troupe::testing;
using fixture = location_fixture;

SCENARIO("requests to an actor in another process behave as local ones", "[distributed][location]") {
  const auto endpoint = GENERATE("ipc", "tcp");
  fixture f{endpoint};
  f.start("w1");
  auto server = f.server("w1");

  SECTION("an answer") {
    auto answer = f.ask<square_is>(server, ask_square{12});
    REQUIRE(answer);
    CHECK(answer->value == 144);
  }
  SECTION("a message of several elements") {
    CHECK(f.ask<std::string>(server, std::int32_t{7}, std::string{"x"}, 0.5, std::vector<std::string>{"y"})
          == "x70.500000y");
  }
  SECTION("an error, with its context") {
    auto answer = f.ask<square_is>(server, ask_square{-1});
    REQUIRE_FALSE(answer);
    CHECK(answer.error() == caf::sec::invalid_argument);
    CHECK(caf::deep_to_string(answer.error().context()) == "(\"negative\")");
  }
  SECTION("a time-out") {
    caf::error why;
    (*f.self)
        ->request(server, 50ms, std::string{"wait"})
        .receive([](const std::string&) {}, [&](caf::error& err) { why = std::move(err); });
    CHECK(why == caf::sec::request_timeout);
  }
  SECTION("a statically typed handle") {
    auto typed = f.main->lookup<squarer>("w1", "squarer", patience);
    REQUIRE(typed);
    std::int64_t value = 0;
    (*f.self)
        ->request(*typed, patience, ask_square{5})
        .receive([&](const square_is& x) { value = x.value; }, [](const caf::error&) {});
    CHECK(value == 25);
    CHECK(f.main->lookup<squarer>("w1", "server", patience).error() == errc::wrong_interface);
  }
  SECTION("messages arrive in the order they were sent") {
    for (std::int64_t i = 0; i < 1000; ++i)
      (*f.self)->send(server, ask_square{i});
    std::int64_t next = 0;
    bool in_order = true;
    (*f.self)->receive_for(next, std::int64_t{1000})(
        [&](const square_is& x) { in_order = in_order && x.value == next * next; },
        caf::after(patience) >> [&] { in_order = false; });
    CHECK(in_order);
  }
}

SCENARIO("names are looked up on other nodes", "[distributed][location]") {
  fixture f{"ipc"};
  f.start("w1");
  CHECK(f.main->lookup("w1", "nobody").error() == errc::name_not_found);
  CHECK(f.main->lookup("w1", "nobody", 50ms).error() == errc::name_not_found);
  CHECK(f.main->lookup("w7", "server").error() == errc::node_unknown);

  SECTION("a name that is not yet there is waited for") {
    auto agent = f.main->agent_of("w1");
    auto late = f.main->system().spawn(server);
    bool found = false;
    auto waiting = (*f.self)->request(agent, patience, lookup_name{"late", patience});
    (*f.self)->send(agent, publish_name{"late", caf::actor_cast<caf::strong_actor_ptr>(late), {}});
    waiting.receive([&](const named_actor& x) { found = x.actor->id() == late.id(); },
                    [](const caf::error&) {});
    CHECK(found);
    caf::anon_send_exit(late, caf::exit_reason::user_shutdown);
  }
}

SCENARIO("registered roles are spawned on other nodes with arguments", "[distributed][location]") {
  fixture f{"ipc"};
  f.start("w1");
  auto made = f.main->spawn_on("w1", "doubler", caf::make_message(std::string{"= "}, std::int64_t{2}));
  REQUIRE(made);
  CHECK(f.ask<std::string>(caf::actor_cast<caf::actor>(*made), std::int64_t{21}) == "= 42");
  CHECK(f.main->spawn_on("w1", "nonsense", caf::message{}).error() == errc::role_unknown);
  CHECK(f.main->spawn_on("w1", "doubler", caf::make_message(1.5)).error() == errc::bad_arguments);
}

SCENARIO("monitors tell why a remote actor ended", "[distributed][location]") {
  const auto endpoint = GENERATE("ipc", "tcp");
  fixture f{endpoint};
  f.start("w1");
  auto server = f.server("w1");

  SECTION("it quits, with its own reason, after its last message") {
    caf::error reason =
        reason_of_end(f, server, [&] { CHECK(f.ask<std::string>(server, std::string{"quit"}) == "bye"); });
    CHECK(reason == caf::exit_reason::user_shutdown);
  }
  SECTION("its process is killed") {
    CHECK(reason_of_end(f, server, [&] { f.kill("w1"); }) == caf::exit_reason::remote_link_unreachable);
    CHECK(f.is_down("w1"));
  }
  SECTION("its node leaves: its actors end first") {
    auto mortal = f.spawn("w1", "mortal");
    CHECK(reason_of_end(f, mortal, [&] { (*f.self)->send(f.main->agent_of("w1"), leave_node{}); })
          == caf::exit_reason::user_shutdown);
    CHECK(f.is_down("w1"));
    CHECK(f.exit_status("w1") == 0);
  }
  SECTION("it had ended before it was monitored") {
    CHECK(f.ask<std::string>(server, std::string{"quit"}) == "bye");
    CHECK(reason_of_end(f, server, [] {}) == caf::exit_reason::user_shutdown);
  }
}

SCENARIO("requests end when the other side is gone", "[distributed][location]") {
  fixture f{"ipc"};
  f.start("w1");
  auto server = f.server("w1");

  SECTION("pending while its process is killed") {
    caf::error why;
    auto waiting = (*f.self)->request(server, caf::infinite, std::string{"wait"});
    f.kill("w1");
    waiting.receive([](const std::string&) {}, [&](caf::error& err) { why = std::move(err); });
    INFO(f.main->system().render(why));
    CHECK(why == caf::exit_reason::remote_link_unreachable);
  }
  SECTION("sent to an actor that has ended") {
    CHECK(f.ask<std::string>(server, std::string{"quit"}) == "bye");
    CHECK_FALSE(f.ask<square_is>(server, ask_square{1}));
  }
}

SCENARIO("links and exit messages reach across processes", "[distributed][location]") {
  fixture f{"ipc"};
  f.start("w1");
  auto remote = f.spawn("w1", "mortal");

  SECTION("an exit message ends the remote actor") {
    CHECK(reason_of_end(f, remote, [&] { caf::anon_send_exit(remote, caf::exit_reason::user_shutdown); })
          == caf::exit_reason::user_shutdown);
  }
  SECTION("a local actor ends with the remote one it is linked to") {
    auto local = f.main->system().spawn(
        [](plain_actor* me, const caf::actor& whom) {
          me->link_to(whom);
          return caf::behavior{[](int) {}};
        },
        remote);
    CHECK(reason_of_end(f, local, [&] { caf::anon_send(remote, std::string{"end"}); })
          == caf::exit_reason::kill);
  }
  SECTION("a remote actor ends with the local one it is linked to") {
    auto local = f.main->system().spawn(
        [](plain_actor* me, const caf::actor& whom) {
          me->link_to(whom);
          return caf::behavior{[me](int) { me->quit(caf::exit_reason::user_shutdown); }};
        },
        remote);
    CHECK(f.ask<std::string>(f.server("w1"), std::string{"link is on its way before this"}));
    CHECK(reason_of_end(f, remote, [&] { caf::anon_send(local, 1); }) == caf::exit_reason::user_shutdown);
  }
  SECTION("a local actor ends when the process of the one it is linked to is killed") {
    auto local = f.main->system().spawn(
        [](plain_actor* me, const caf::actor& whom) {
          me->link_to(whom);
          return caf::behavior{[](int) {}};
        },
        remote);
    CHECK(f.ask<std::string>(f.server("w1"), std::string{"link is on its way before this"}));
    CHECK(reason_of_end(f, local, [&] { f.kill("w1"); }) == caf::exit_reason::remote_link_unreachable);
  }
}

SCENARIO("a type that the other side does not know is an error at the sender", "[distributed][location]") {
  fixture f{"ipc"};
  f.start("w1", "no-secret");
  auto server = f.server("w1");
  const auto refused = f.ask<std::size_t>(server, secret{"x"});
  INFO(f.main->system().render(refused.error()));
  CHECK(refused.error() == caf::sec::unknown_type);
  CHECK(f.ask<std::size_t>(server, unregistered{1}).error() == caf::sec::unknown_type);
  CHECK(f.ask<square_is>(server, ask_square{3})); // and the link lives on
  const auto books = f.main->books().totals();
  CHECK(books.dropped[static_cast<std::size_t>(trace::drop_reason::unknown_type)] == 1);
  CHECK(books.dropped[static_cast<std::size_t>(trace::drop_reason::not_serializable)] == 1);
}
