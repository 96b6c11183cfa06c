#include "tests/support/catch.hpp"
#include "tests/support/test_system.hpp"

using namespace troupe;
using troupe::testing::test_system;

namespace {

struct count_up {
  int by = 1;
};
template <class Inspector>
auto inspect(Inspector& f, count_up& x) {
  return f(caf::meta::type_name("count_up"), x.by);
}

struct counter_state {
  static inline const char* name = "counter";
  int total = 0;
};

caf::behavior counter(actor_of<counter_state>* self) {
  return {
      [self](const count_up& x) {
        self->state.total += x.by;
        if (self->state.total >= 100) self->quit();
        return self->state.total;
      },
  };
}

void add_counter_messages(message_catalog& catalog) { catalog.add<count_up>("count_up"); }

std::uint64_t imbalance(const trace::ledger_counts& x) {
  return x.sent - x.remote_sent + x.remote_received - x.handled - x.dead_lettered - x.dropped_total();
}

} // namespace

TEST_CASE("the books balance whether the trace is on or off", "[actors][ledger]") {
  const auto level = GENERATE(trace::level::off, trace::level::headers);
  test_system sys{level, add_counter_messages};
  auto actor = sys.system().spawn(counter);

  SECTION("handled messages") {
    for (int i = 0; i < 10; ++i)
      caf::anon_send(actor, count_up{2});
    sys.run();
    CHECK(sys.books.totals().sent == 10);
    CHECK(sys.books.totals().handled == 10);
  }
  SECTION("what waits in the mailbox of an actor that ends is a dead letter") {
    caf::anon_send(actor, count_up{100});
    for (int i = 0; i < 5; ++i)
      caf::anon_send(actor, count_up{1});
    sys.run();
    CHECK(sys.books.totals().handled == 1);
    CHECK(sys.books.totals().dead_lettered == 5);
  }
  SECTION("so is what is sent to it afterwards") {
    caf::anon_send(actor, count_up{100});
    sys.run();
    caf::anon_send(actor, count_up{1});
    CHECK(sys.books.totals().dead_lettered == 1);
  }
  SECTION("a type that nobody handles is dropped, with the reason") {
    caf::anon_send(actor, std::string{"what?"});
    sys.run();
    CHECK(sys.books.totals().dropped[static_cast<std::size_t>(trace::drop_reason::no_handler)] == 1);
    CHECK(sys.books.totals().handled == 0);
  }
  SECTION("a response that comes after its time-out is dropped") {
    sys.run();
    auto asker = sys.system().spawn(
        [](plain_actor* self, const caf::actor& whom) {
          self->request(whom, std::chrono::seconds{1}, count_up{1})
              .then([](int) {}, [](const caf::error&) {});
          return caf::behavior{[](int) {}};
        },
        actor);
    sys.scheduler().run_once();                            // the asker sends its request
    sys.scheduler().advance_time(std::chrono::seconds{2}); // the time-out is there before the answer
    sys.run();
    const auto books = sys.books.totals();
    CHECK(books.dropped[static_cast<std::size_t>(trace::drop_reason::expired_response)] == 1);
    caf::anon_send_exit(asker, caf::exit_reason::kill);
  }
  caf::anon_send_exit(actor, caf::exit_reason::user_shutdown);
  sys.run();
  CHECK(imbalance(sys.books.totals()) == 0);
}
