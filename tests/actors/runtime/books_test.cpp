// Books and trace are written by the same calls: whatever becomes of a message, both tell the same.
#include "actors/codec/node_key.hpp"
#include "actors/node/agent.hpp"
#include "actors/node/node.hpp"
#include "actors/runtime/traced_actor.hpp"
#include "trace/merge/ledger_view.hpp"
#include "trace/merge/merge.hpp"

#include "tests/support/catch.hpp"
#include "tests/support/temporary_directory.hpp"

#include <future>
#include <semaphore>

using namespace troupe;
using namespace std::chrono_literals;

namespace {

constexpr auto patience = 20s;

struct books_note { // main's has a text, the other node's a number
  std::string text;
};
TROUPE_MESSAGE(books_note, text)
struct books_other_note {
  std::vector<std::vector<double>> numbers;
};
TROUPE_MESSAGE_AS("books_note", books_other_note, numbers)
struct books_secret { // the other node does not know it
  std::uint64_t value = 0;
};
TROUPE_MESSAGE(books_secret, value)
struct books_unregistered {
  std::uint64_t value = 0;
};
TROUPE_FIELDS(books_unregistered, value)

/// Two nodes with traces, in this process, over a real socket.
struct recorded_pair {
  explicit recorded_pair(bool traced_there = true) {
    main = make("main", trace::level::headers);
    other = make("w1", traced_there ? trace::level::headers : trace::level::off);
    REQUIRE(main->connect(other->endpoint(), patience));
    system = &main->system();
  }
  ~recorded_pair() {
    if (other) other->stop(10ms);
    if (main) main->stop(10ms);
  }

  std::unique_ptr<node> make(const std::string& name, trace::level level) {
    node_options options;
    options.name = name;
    options.listen = "ipc://" + (directory.path() / name).string();
    options.run_dir = directory.path();
    options.trace = level;
    options.threads = 2;
    options.arrivals_bytes_max = 64 << 10;
    options.hub.frame_bytes_max = 128 << 10;
    options.hub.connect_timeout = 50ms;
    auto catalog = std::make_shared<message_catalog>();
    add_agent_messages(*catalog);
    if (name == "main") catalog->add<books_secret>();
    if (name == "main")
      catalog->add<books_note>();
    else
      catalog->add<books_other_note>();
    return std::make_unique<node>(std::move(options), std::move(catalog), role_map{});
  }

  caf::actor found(const std::string& name) {
    auto result = main->lookup("w1", name, patience);
    if (!result) FAIL(main->system().render(result.error()));
    return *result;
  }
  /// An actor of the other node, as main knows it.
  template <class... Ts>
  caf::actor there(Ts&&... xs) {
    const auto name = "actor-" + std::to_string(++names);
    other->publish(name, other->system().spawn(std::forward<Ts>(xs)...));
    return found(name);
  }
  std::uint64_t dropped(trace::drop_reason why) {
    const auto i = static_cast<std::size_t>(why);
    return main->books().totals().dropped[i] + other->books().totals().dropped[i];
  }
  void until_dropped(trace::drop_reason why, std::uint64_t count) {
    const auto until = std::chrono::steady_clock::now() + patience;
    while (dropped(why) < count && std::chrono::steady_clock::now() < until)
      std::this_thread::sleep_for(1ms);
    CHECK(dropped(why) == count);
  }

  /// Stops both and compares.
  void compare() {
    other->stop(10ms);
    main->stop(10ms);
    auto books = main->books().totals();
    books += other->books().totals();
    const auto model = trace::load({directory.path()});
    const auto told = trace::balance(model);
    CHECK(told.sent == books.sent);
    CHECK(told.count(trace::fate::handled) == books.handled);
    CHECK(told.count(trace::fate::dead_lettered) == books.dead_lettered);
    CHECK(told.count(trace::fate::vanished) == 0);
    CHECK(told.count(trace::fate::lost) == 0);
    std::map<std::string, std::uint64_t> by_reason;
    for (std::size_t i = 0; i < trace::drop_reason_count; ++i)
      if (books.dropped[i] != 0)
        by_reason[std::string{to_string(static_cast<trace::drop_reason>(i))}] = books.dropped[i];
    CHECK(told.dropped == by_reason);
    CHECK(books.sent == books.handled + books.dead_lettered + books.dropped_total());
    CHECK(books.remote_sent == books.remote_received);
  }

  testing::temporary_directory directory;
  std::unique_ptr<node> main, other;
  caf::actor_system* system = nullptr;
  int names = 0;
};

caf::behavior counter(plain_actor*) {
  return {[](std::uint64_t x) { return x + 1; }};
}

/// Handles nothing after its first text until the gate is opened.
caf::behavior gated(plain_actor*, std::binary_semaphore* gate) {
  return {[gate, first = true](const std::string&) mutable {
    if (std::exchange(first, false)) gate->acquire();
  }};
}

/// Keeps numbers for later, which never comes, and does not end when it is told to.
caf::behavior hoarder(plain_actor* self) {
  self->set_exit_handler([](const caf::exit_msg&) {});
  self->set_default_handler(caf::skip);
  return {[](const std::string&) {}};
}

caf::error ask(caf::scoped_actor& self, const caf::actor& whom, const caf::message& what) {
  caf::error why;
  self->request(whom, patience, what)
      .receive([](std::uint64_t) {}, [&](caf::error& err) { why = std::move(err); });
  return why;
}

} // namespace

TEST_CASE("books and trace agree on every kind of drop", "[actors][books]") {
  recorded_pair nodes;
  std::binary_semaphore gate{0};
  {
    caf::scoped_actor self{*nodes.system};
    auto wrong = [&](const caf::message& what) { return bool{ask(self, nodes.there(counter), what)}; };
    using trace::drop_reason;

    SECTION("no_handler") {
      CHECK(wrong(caf::make_message(1.5)));
      self->send(nodes.system->spawn(counter), true);
      nodes.until_dropped(drop_reason::no_handler, 2);
    }
    SECTION("expired_response") {
      std::promise<void> timed_out;
      auto slow = nodes.there([&](plain_actor* me) -> caf::behavior {
        auto owed = std::make_shared<caf::response_promise>();
        return {[=](std::uint64_t) -> caf::result<std::uint64_t> {
                  *owed = me->make_response_promise();
                  return caf::delegated<std::uint64_t>{};
                },
                [=](const std::string&) { owed->deliver(std::uint64_t{1}); }};
      });
      nodes.system->spawn([&](plain_actor* me) -> caf::behavior {
        me->request(slow, 1ms, std::uint64_t{1})
            .then([](std::uint64_t) {}, [&](const caf::error&) { timed_out.set_value(); });
        return {[](bool) {}};
      });
      REQUIRE(timed_out.get_future().wait_for(patience) == std::future_status::ready);
      self->send(slow, std::string{"now"});
      nodes.until_dropped(drop_reason::expired_response, 1);
    }
    SECTION("unknown_type") {
      CHECK(wrong(caf::make_message(books_secret{1})));
      CHECK(nodes.dropped(drop_reason::unknown_type) == 1);
    }
    SECTION("not_serializable") {
      CHECK(wrong(caf::make_message(books_unregistered{1})));
      CHECK(nodes.dropped(drop_reason::not_serializable) == 1);
    }
    SECTION("too_large") {
      CHECK(wrong(caf::make_message(std::string(200'000, 'x'))));
      CHECK(nodes.dropped(drop_reason::too_large) == 1);
    }
    SECTION("queue_full, at the receiver") {
      const auto slow = nodes.there(gated, &gate);
      for (int i = 0; i < 200; ++i)
        self->send(slow, std::string(1000, 'x'));
      CHECK_FALSE(ask(self, nodes.there(counter), caf::make_message(std::uint64_t{1}))); // all are there
      CHECK(nodes.dropped(drop_reason::queue_full) > 100);
      gate.release();
    }
    SECTION("malformed") {
      CHECK(wrong(caf::make_message(books_note{"no numbers"})));
      CHECK(nodes.dropped(drop_reason::malformed) == 1);
    }
    SECTION("peer_down, known before") {
      auto actor = nodes.there(counter);
      auto reachable = caf::actor_cast<caf::strong_actor_ptr>(actor);
      self->monitor(actor);
      nodes.other->stop();
      self->receive([](const caf::down_msg&) {});
      CHECK(ask(self, actor, caf::make_message(std::uint64_t{1})));
    }
    SECTION("peer_down, never reached") {
      const transport::node_identity nobody{"w7", transport::draw_incarnation()};
      nodes.main->gateway().learned(nobody, "ipc://" + (nodes.directory / "w7").string(), {0}, nullptr);
      const auto actor = caf::actor_cast<caf::actor>(nodes.main->gateway().actor_of(nobody.incarnation, 7));
      self->send(actor, std::uint64_t{1});
      self->send(actor, std::string{"x"});
      CHECK(ask(self, actor, caf::make_message(std::uint64_t{1})));
      nodes.until_dropped(drop_reason::peer_down, 3);
    }
    SECTION("peer_down, of a node that nobody told of") {
      const auto actor = caf::actor_cast<caf::actor>(nodes.main->gateway().actor_of(4711, 7));
      CHECK(ask(self, actor, caf::make_message(std::uint64_t{1})));
      CHECK(nodes.dropped(drop_reason::peer_down) == 1);
    }
    SECTION("dead letters") {
      const auto here = nodes.system->spawn(counter), there = nodes.there(counter),
                 closing = nodes.there(gated, &gate);
      self->send(closing, std::string{"first"});
      self->send(closing, caf::exit_msg{self->address(), caf::exit_reason::user_shutdown});
      self->send(closing, std::string{"left in its mailbox"});
      for (auto& each : {here, there}) {
        self->monitor(each);
        self->send_exit(each, caf::exit_reason::user_shutdown);
        self->receive([](const caf::down_msg&) {});
        self->send(each, std::string{"too late"});
        CHECK(ask(self, each, caf::make_message(std::uint64_t{1})));
      }
      gate.release();
    }
  }
  nodes.compare();
}

TEST_CASE("books and trace agree on what is left when nodes stop", "[actors][books]") {
  recorded_pair nodes;
  {
    caf::scoped_actor self{*nodes.system};
    const auto here = nodes.system->spawn(hoarder), there = nodes.there(hoarder);
    for (auto& each : {here, there})
      for (std::uint64_t i = 0; i < 5; ++i)
        self->send(each, i);
    CHECK_FALSE(ask(self, nodes.there(counter), caf::make_message(std::uint64_t{1}))); // all are there
    nodes.system->spawn([](plain_actor* me) -> caf::behavior {
      me->delayed_send(me, 1h, std::string{"never"}); // a dead letter of the clock's
      return {[me](bool) { me->quit(); }};
    });
  }
  nodes.compare();
  CHECK(nodes.dropped(trace::drop_reason::shutdown) >= 5);
}

TEST_CASE("what a node without a trace sends is dropped in books and trace alike", "[actors][books]") {
  recorded_pair nodes(false);
  nodes.main->publish("counter", nodes.system->spawn(counter));
  nodes.there(counter); // the other node answers: now it knows main
  {
    caf::scoped_actor self{nodes.other->system()};
    const auto found = nodes.other->lookup("main", "counter", patience);
    REQUIRE(found);
    CHECK(ask(self, *found, caf::make_message(books_other_note{{{1, 2}, {}, {3}}})));
  }
  nodes.other->stop();
  nodes.main->stop();
  const auto told = trace::balance(trace::load({nodes.directory.path()}));
  CHECK(nodes.dropped(trace::drop_reason::malformed) == 1);
  CHECK(told.dropped == std::map<std::string, std::uint64_t>{{"malformed", 1}});
  CHECK(told.count(trace::fate::vanished) == 0);
}
