// The actors of the echo server, in virtual time and without a socket.
#include "scenarios/echo_server/actors.hpp"

#include "scenarios/echo_server/echo_server.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/scripted_run.hpp"

using namespace troupe;
using namespace troupe::scenarios;
using namespace std::chrono_literals;
using nlohmann::json;
using troupe::testing::scripted_run;
using troupe::testing::test_system;

namespace {

parameters load_of(const std::string& mode, std::int64_t clients, std::int64_t messages) {
  parameters values;
  values.set("mode", mode);
  values.set("tcp", std::string{});
  values.set("clients", clients);
  values.set("messages", messages);
  return values;
}

struct guest_state {
  static inline const char* name = "guest";
};
struct diary {
  caf::actor session;
  std::vector<std::string> heard;
};

caf::behavior guest(actor_of<guest_state>* self, const caf::actor& server, std::shared_ptr<diary> book) {
  self->request(server, caf::infinite, echo::join{}).then([book](const echo::joined& x) {
    book->session = x.session;
  });
  return {[book](const echo::echoed& x) { book->heard.push_back(x.text); },
          [book](const echo::notice& x) { book->heard.push_back(x.text); },
          [book](const echo::closed& x) { book->heard.push_back("<closed: " + x.why + ">"); },
          [self, server](const echo::leave& x) {
            self->send(server, x);
            self->quit();
          }};
}

struct house {
  explicit house(echo::server_rules rules) {
    sys.context.warn = [this](const std::string& text) { warnings += text + '\n'; };
    server = sys.system().spawn(echo::server, rules);
    sys.run();
  }
  ~house() {
    for (auto& each : guests)
      caf::anon_send_exit(each, caf::exit_reason::user_shutdown);
    caf::anon_send_exit(server, caf::exit_reason::user_shutdown);
    guests.clear();
    books.clear();
    server = nullptr;
    sys.run();
  }
  diary& enter() {
    books.push_back(std::make_shared<diary>());
    guests.push_back(sys.system().spawn(guest, server, books.back()));
    sys.run();
    return *books.back();
  }
  void say(diary& who, const std::string& text) {
    caf::anon_send(who.session, echo::say{text});
    sys.run();
  }
  std::string warnings;
  test_system sys{trace::level::off, echo::add_messages};
  caf::actor server;
  std::vector<caf::actor> guests;
  std::vector<std::shared_ptr<diary>> books;
};

using heard = std::vector<std::string>;

} // namespace

TEST_CASE("whatever the order of events, every client gets its own echoes in order", "[echo_server]") {
  const std::string mode = GENERATE("echo", "close_after_reply", "presence");
  const auto demo = echo_server();
  for (std::uint64_t seed = 0; seed < 10; ++seed) {
    INFO(mode << ", seed " << seed);
    scripted_run run{demo, load_of(mode, 7, 9), seed};
    const bool through = run.go();
    REQUIRE(run.failure().value_or("") == "");
    REQUIRE(through);
    CHECK(run.failed_checks() == "");
    CHECK(run.result()->at("load").at("echoed") == 63);
  }
}

TEST_CASE("what a load sent before it was stopped is echoed, whatever the order of events", "[echo_server]") {
  const auto demo = echo_server();
  for (std::uint64_t seed = 0; seed < 40; ++seed) {
    INFO("seed " << seed);
    scripted_run run{demo, load_of("echo", 5, 1'000'000), seed};
    CHECK_FALSE(run.go(100 + 10 * seed));
    run.stop_early();
    const bool through = run.go();
    REQUIRE(run.failure().value_or("") == "");
    REQUIRE(through);
    const auto& load = run.result()->at("load");
    INFO(load.dump());
    CHECK(load.at("sent").get<int>() > 0);
    CHECK(load.at("echoed") == load.at("sent"));
    CHECK(load.at("unanswered") == 0);
  }
}

TEST_CASE("who is present is told who comes and goes", "[echo_server]") {
  echo::server_rules rules;
  rules.mode = echo::mode_kind::presence;
  house h{rules};
  auto& anna = h.enter();
  auto& berta = h.enter();
  h.say(berta, "Hello, World!");
  CHECK(anna.heard == heard{"Welcome! 1 user(s) are online!", "New user connected!"});
  CHECK(berta.heard == heard{"Welcome! 2 user(s) are online!", "Echoed back: Hello, World!"});
  caf::anon_send(h.guests[1], echo::leave{});
  h.sys.run();
  CHECK(anna.heard.back() == "Client disconnected. 1 user(s) are online!");
}

TEST_CASE("a handler that fails ends its own client only", "[echo_server]") {
  echo::server_rules rules;
  rules.fails_on = "boom";
  house h{rules};
  auto& anna = h.enter();
  auto& berta = h.enter();
  h.say(anna, "boom");
  h.say(berta, "still there?");
  CHECK(anna.heard == heard{"<closed: its handler failed>"});
  CHECK(berta.heard == heard{"Echoed back: still there?"});
  CHECK_THAT(h.warnings, Catch::Matchers::Contains("client 1: its handler failed"));
}

TEST_CASE("a stop lets sessions finish what takes less than the grace, and counts the rest",
          "[echo_server]") {
  echo::server_rules rules;
  rules.work = 1500ms;
  house h{rules};
  auto& anna = h.enter();
  caf::anon_send(anna.session, echo::say{"one"});
  caf::anon_send(anna.session, echo::say{"two"});
  h.sys.run();
  std::optional<json> result;
  auto stopper = h.sys.system().spawn([&](plain_actor* self) {
    self->request(h.server, caf::infinite, echo::stop_serving{2s}).then([&result](const echo::served& x) {
      result = json::parse(x.result);
    });
    return caf::behavior{[](int) {}};
  });
  h.sys.run();
  CHECK_FALSE(result);
  h.sys.advance(1500ms);
  CHECK(anna.heard == heard{"Echoed back: one"});
  h.sys.advance(500ms);
  REQUIRE(result);
  CHECK(result->at("left_open_by_actors") == 1);
  CHECK(anna.heard.back() == "<closed: the server stops>");
  caf::anon_send_exit(stopper, caf::exit_reason::user_shutdown);
  stopper = nullptr;
  h.sys.run();
}
