#include "tests/support/catch.hpp"
#include "tests/support/test_system.hpp"

#include <array>
#include <thread>

using namespace troupe;
using troupe::testing::test_system;

namespace {

struct count_up {
  int by = 1;
};
TROUPE_MESSAGE(count_up, by)

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

void add_counter_messages(message_catalog& catalog) { catalog.add<count_up>(); }

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

namespace {

/// More than the blocks that are kept for messages hold.
struct wide {
  std::vector<std::uint64_t> first;
  std::array<std::uint64_t, 100> rest{};
  bool operator==(const wide&) const = default;
};
TROUPE_MESSAGE(wide, first, rest)

wide some_wide() {
  wide x{{1, 2, 3}};
  for (std::size_t i = 0; i < x.rest.size(); ++i)
    x.rest[i] = i * i;
  return x;
}

using got = std::shared_ptr<std::vector<wide>>;

caf::behavior sender(plain_actor* self, const std::vector<caf::actor>& to) {
  const auto x = some_wide();
  for (auto& each : to) {
    self->send(each, x);
    self->send<caf::message_priority::high>(each, some_wide());
  }
  self->send(caf::actor{}, x);
  return {};
}

caf::behavior taker(plain_actor*, const got& log) {
  return {[log](const wide& x) { log->push_back(x); }};
}

caf::behavior caf_taker(caf::event_based_actor*, const got& log) {
  return {[log](wide& x) { log->push_back(std::move(x)); }};
}

/// Has no handler for it, and takes both a copy and the content itself.
caf::behavior passer(plain_actor* self, const got& log) {
  self->set_default_handler(
      [log](caf::scheduled_actor*, caf::message_view& what) -> caf::result<caf::message> {
        const auto copy = what.copy_content_to_message();
        const auto text = what.content().stringify();
        const auto content = what.move_content_to_message();
        if (caf::to_string(copy) == text && copy.match_elements<wide>() && content.match_elements<wide>()
            && copy.get_as<wide>(0) == content.get_as<wide>(0))
          log->push_back(content.get_as<wide>(0));
        return caf::message{};
      });
  return {[](std::int64_t) {}};
}

} // namespace

TEST_CASE("what is sent arrives whole and is booked once, at actors of CAF's own not at all",
          "[actors][ledger]") {
  const auto level = GENERATE(trace::level::off, trace::level::headers, trace::level::payloads);
  test_system sys{level, [](message_catalog& catalog) { catalog.add<wide>(); }};
  auto traced = std::make_shared<std::vector<wide>>(), foreign = std::make_shared<std::vector<wide>>(),
       passed = std::make_shared<std::vector<wide>>();
  const std::vector<caf::actor> to{sys.system().spawn(taker, traced), sys.system().spawn(caf_taker, foreign),
                                   sys.system().spawn(passer, passed)};
  sys.system().spawn(sender, to);
  sys.run();

  const std::vector<wide> twice(2, some_wide());
  CHECK(*traced == twice);
  CHECK(*foreign == twice);
  CHECK(*passed == twice);
  const auto books = sys.books.totals();
  CHECK(books.sent == 4);
  CHECK(books.handled == 4);
  CHECK(imbalance(books) == 0);
  for (auto& each : to)
    caf::anon_send_exit(each, caf::exit_reason::user_shutdown);
  sys.run();
}

TEST_CASE("the memory of a mailbox element is used again for one of about its size", "[tracing]") {
  bool same_class = false, other_class = true, largest = false;
  std::thread{[&] {                                        // whose lists are empty
    element_pool::give_back(element_pool::take(100), 100); // the first only sets up that the lists are freed
    auto* memory = element_pool::take(100);
    element_pool::give_back(memory, 100);
    auto* larger = element_pool::take(129);
    other_class = larger == memory;
    auto* equal = element_pool::take(128);
    same_class = equal == memory;
    element_pool::give_back(larger, 129);
    element_pool::give_back(equal, 128);
    auto* large = element_pool::take(224);
    element_pool::give_back(large, 224);
    auto* largest_again = element_pool::take(193);
    largest = largest_again == large;
    element_pool::give_back(largest_again, 193);
    element_pool::give_back(element_pool::take(225), 225); // is kept by nobody
  }}
      .join();
  CHECK(same_class);
  CHECK_FALSE(other_class);
  CHECK(largest);
}
