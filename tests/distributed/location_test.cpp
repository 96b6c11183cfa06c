// A handle behaves the same wherever its actor lives. Real processes, real sockets.
#include "tests/distributed/location_types.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/temporary_directory.hpp"

#include <condition_variable>
#include <csignal>
#include <sys/wait.h>
#include <unistd.h>

using namespace troupe;
using namespace troupe::testing;
using namespace std::chrono_literals;

namespace {

constexpr auto patience = 20s;

/// This process's node and its children; ends them all.
class fixture {
 public:
  explicit fixture(const std::string& endpoint) : kind_(endpoint) {
    node_options options;
    options.name = "main";
    options.listen = listen_at("main");
    main.emplace(
        std::move(options), location_catalog(), location_roles(),
        [this](const known_node& who, const greeting&) { note(up_, who.identity.name); },
        [this](const known_node& who, transport::down_reason, const std::string&) {
          note(down_, who.identity.name);
        });
    self.emplace(main->system());
  }
  ~fixture() {
    self.reset();
    main.reset();
    for (auto& [name, pid] : children_) {
      ::kill(pid, SIGKILL);
      ::waitpid(pid, nullptr, 0);
    }
  }

  std::string listen_at(const std::string& name) const {
    return kind_ == "ipc" ? "ipc://" + (directory_ / name).string() : "tcp://127.0.0.1:*";
  }

  void start(const std::string& name, const char* option = nullptr) {
    const auto listen = listen_at(name);
    const auto join = main->endpoint();
    const auto pid = ::fork();
    if (pid == 0) {
      ::execl(LOCATION_CHILD, "location_child", listen.c_str(), join.c_str(), name.c_str(), option, nullptr);
      ::_exit(127);
    }
    children_[name] = pid;
    REQUIRE(await(up_, name));
  }
  void kill(const std::string& name) { ::kill(children_.at(name), SIGKILL); }
  bool is_down(const std::string& name) { return await(down_, name); }
  int exit_status(const std::string& name) {
    int status = 0;
    ::waitpid(children_.at(name), &status, 0);
    children_.erase(name);
    return status;
  }

  caf::actor server(const std::string& where) {
    auto found = main->lookup(where, "server", patience);
    if (!found) FAIL(main->system().render(found.error()));
    return *found;
  }

  template <class... Ts>
  caf::actor spawn(const std::string& where, const std::string& role, Ts... xs) {
    auto made = main->spawn_on(where, role, caf::make_message(std::move(xs)...));
    if (!made) FAIL(main->system().render(made.error()));
    return caf::actor_cast<caf::actor>(*made);
  }

  template <class Answer, class... Ts>
  caf::expected<Answer> ask(const caf::actor& whom, Ts... xs) {
    caf::expected<Answer> result{caf::sec::none};
    (*self)
        ->request(whom, patience, std::move(xs)...)
        .receive([&](Answer& x) { result = std::move(x); },
                 [&](caf::error& err) { result = std::move(err); });
    return result;
  }

  std::optional<node> main;
  std::optional<caf::scoped_actor> self;

 private:
  using names = std::set<std::string>;
  void note(names& where, const std::string& name) {
    std::lock_guard lock{mutex_};
    where.insert(name);
    changed_.notify_all();
  }
  bool await(names& where, const std::string& name) {
    std::unique_lock lock{mutex_};
    return changed_.wait_for(lock, patience, [&] { return where.contains(name); });
  }

  std::string kind_;
  temporary_directory directory_;
  std::mutex mutex_;
  std::condition_variable changed_;
  names up_, down_;
  std::map<std::string, pid_t> children_;
};

/// The reason with which `whom` goes down, seen by a monitoring actor here.
caf::error reason_of_end(fixture& f, const caf::actor& whom, const std::function<void()>& make_it_end) {
  caf::error reason;
  (*f.self)->monitor(whom);
  make_it_end();
  bool came = false;
  (*f.self)->receive(
      [&](caf::down_msg& down) {
        reason = down.reason;
        came = true;
      },
      caf::after(patience) >> [] {});
  REQUIRE(came);
  return reason;
}

} // namespace

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

SCENARIO("three processes: handles of third nodes work", "[distributed][location]") {
  const auto endpoint = GENERATE("ipc", "tcp");
  fixture f{endpoint};
  f.start("w1");
  f.start("w2");
  auto first = f.server("w1");
  auto second = f.server("w2");

  SECTION("a handle of w2 that went through us to w1 is sent to directly") {
    auto relay = f.spawn("w1", "delegator", second);
    auto answer = f.ask<square_is>(relay, ask_square{9});
    REQUIRE(answer);
    CHECK(answer->value == 81);
    CHECK(f.ask<std::size_t>(second, caf::get_atom_v) == 1U);
    CHECK(f.ask<std::size_t>(first, caf::get_atom_v) == 0U);
  }
  SECTION("an actor of w1 answers to somebody it was introduced to") {
    (*f.self)->send(first, introduce{caf::actor_cast<caf::actor>(*f.self), "hello"});
    std::string text;
    (*f.self)->receive([&](const std::string& x) { text = x; }, caf::after(patience) >> [] {});
    CHECK(text == "hello from w1");
  }
  SECTION("an actor of w1 monitors one of w2, which is killed") {
    auto relay = f.spawn("w1", "delegator", second);
    REQUIRE(f.ask<square_is>(relay, ask_square{2}));
    f.kill("w2");
    CHECK(f.is_down("w2"));
    auto answer = f.ask<square_is>(relay, ask_square{2});
    CHECK_FALSE(answer);
  }
}
