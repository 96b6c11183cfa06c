// Every strategy in virtual time, in the orders that many seeds make.
#include "scenarios/dining_philosophers/dining_philosophers.hpp"

#include "scenarios/dining_philosophers/actors.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/scripted_run.hpp"
#include "tests/support/test_system.hpp"

using namespace troupe;
using namespace std::chrono_literals;
using testing::scripted_run;

namespace {

struct dinner {
  std::string strategy;
  std::int64_t philosophers = 5;
  std::int64_t meals = 8;
  std::chrono::nanoseconds thinking{0}, eating{0}, pause{0};
  std::string waiter_rule = "seats";
  double jitter = 0.5;
};

scenarios::parameters values_of(const dinner& x) {
  scenarios::parameters values;
  values.set("strategy", x.strategy);
  values.set("philosophers", x.philosophers);
  values.set("meals", x.meals);
  values.set("thinking", x.thinking);
  values.set("eating", x.eating);
  values.set("pause", x.pause);
  values.set("waiter_rule", x.waiter_rule);
  values.set("jitter", x.jitter);
  return values;
}

const scenarios::scenario& philosophers() {
  static const auto result = scenarios::dining_philosophers();
  return result;
}

/// Runs to the end; every promise is checked on the way out.
nlohmann::json dine(const dinner& how, std::uint64_t seed) {
  scripted_run run{philosophers(), values_of(how), seed};
  const bool through = run.go(3'000'000);
  INFO(how.strategy << ' ' << how.waiter_rule << ", " << how.philosophers << " philosophers, seed " << seed);
  REQUIRE(run.failure().value_or("") == "");
  REQUIRE(through);
  CHECK(run.failed_checks() == "");
  CHECK(run.result()->at("meals") == how.philosophers * how.meals);
  return *run.result();
}

} // namespace

TEST_CASE("whatever the order of events, no strategy but the naive one deadlocks or breaks a promise",
          "[dining_philosophers]") {
  const auto [strategy, rule] =
      GENERATE(std::pair{"ordered", "seats"}, std::pair{"waiter", "seats"}, std::pair{"waiter", "both"},
               std::pair{"chandy_misra", "seats"}, std::pair{"backoff", "seats"});
  const auto philosophers = GENERATE(2, 3, 5, 8);
  const auto times =
      GENERATE(std::array{0ms, 0ms, 0ms}, std::array{0ms, 2ms, 1ms}, std::array{3ms, 2ms, 0ms});
  for (std::uint64_t seed = 0; seed < 12; ++seed)
    dine({strategy, philosophers, 8, times[0], times[1], times[2], rule}, seed);
}

TEST_CASE("naive philosophers who all take their left fork first wait for ever", "[dining_philosophers]") {
  const auto philosophers = GENERATE(2, 5, 40);
  for (std::uint64_t seed = 0; seed < 10; ++seed) {
    INFO(philosophers << " philosophers, seed " << seed);
    scripted_run run{::philosophers(), values_of({"naive", philosophers, 3, 0ms, 1ms, 10ms, "seats", 0}),
                     seed};
    CHECK(!run.go());
    CHECK(!run.failure());
    CHECK(!run.has_timers());
    run.stop_early();
    REQUIRE(run.go());
    CHECK(run.result()->at("meals") == 0);
    CHECK(run.result()->at("left_undone") == philosophers * 3);
    CHECK(run.result()->at("forks").at("in_two_hands") == 0);
  }
}

TEST_CASE("naive philosophers deadlock in some orders and get through in others", "[dining_philosophers]") {
  std::size_t stuck = 0;
  constexpr std::size_t seeds = 60;
  for (std::uint64_t seed = 0; seed < seeds; ++seed) {
    scripted_run run{philosophers(), values_of({"naive", 3, 4, 4ms, 2ms, 1ms}), seed};
    if (run.go()) {
      CHECK(run.failed_checks() == "");
      continue;
    }
    ++stuck;
    run.stop_early();
    REQUIRE(run.go());
  }
  INFO(stuck << " of " << seeds << " were stuck");
  CHECK(stuck > 0);
  CHECK(stuck < seeds);
}

TEST_CASE("with Chandy and Misra's forks nobody waits longer than one meal of each",
          "[dining_philosophers]") {
  const auto philosophers = GENERATE(2, 5, 12);
  for (std::uint64_t seed = 0; seed < 20; ++seed) {
    const auto result = dine({"chandy_misra", philosophers, 20, 1ms, 5ms, 0ms, "seats", 0}, seed);
    INFO("seed " << seed);
    CHECK(result.at("longest_hunger_s").get<double>() <= 0.005 * philosophers + 1e-9);
    CHECK(result.at("fairness").get<double>() > 0.9);
  }
}

TEST_CASE("a waiter who gives both forks lets nobody starve", "[dining_philosophers]") {
  for (std::uint64_t seed = 0; seed < 20; ++seed) {
    const auto result = dine({"waiter", 7, 30, 0ms, 5ms, 0ms, "both"}, seed);
    INFO("seed " << seed);
    CHECK(result.at("longest_hunger_s").get<double>() < 0.005 * 1.5 * 7);
  }
}

TEST_CASE(
    "polite philosophers in step put their forks down together for ever: a livelock, seen as meals over time",
    "[dining_philosophers]") {
  scripted_run in_step{philosophers(), values_of({"backoff", 5, 3, 0ms, 1ms, 1ms, "seats", 0}), 1};
  in_step.in_step();
  CHECK(!in_step.go(200'000));
  CHECK(in_step.has_timers()); // they go on trying
  in_step.stop_early();
  REQUIRE(in_step.go());
  CHECK(in_step.result()->at("meals") == 0);
  CHECK(in_step.result()->at("failures").get<std::uint64_t>() > 1000);
  CHECK(in_step.result()->at("meals_over_time").at("meals").empty());

  // The same with times that vary: it resolves itself.
  const auto result = dine({"backoff", 5, 3, 0ms, 1ms, 1ms, "seats", 0.5}, 1);
  std::uint64_t sum = 0;
  for (const auto& count : result.at("meals_over_time").at("meals"))
    sum += count.get<std::uint64_t>();
  CHECK(sum == 15);
  CHECK(result.at("meals_over_time").at("meals").size() <= 16);
}

TEST_CASE("a dinner that ends early counts what was not eaten and leaves no fork in a hand",
          "[dining_philosophers]") {
  const std::string strategy = GENERATE("naive", "ordered", "waiter", "chandy_misra", "backoff");
  for (std::uint64_t seed = 0; seed < 20; ++seed) {
    INFO(strategy << ", seed " << seed);
    scripted_run run{philosophers(), values_of({strategy, 5, 1000, 1ms, 1ms, 1ms}), seed};
    run.go(500 + 37 * seed);
    REQUIRE(!run.result());
    run.stop_early();
    REQUIRE(run.go(20'000));
    const auto& result = *run.result();
    CHECK(result.at("meals").get<int>() + result.at("left_undone").get<int>() == 5000);
    CHECK(result.at("forks").at("in_two_hands") == 0);
    CHECK(result.at("forks").at("neighbours_eating_together") == 0);
    CHECK(result.at("forks").at("with_other_counts") == 0);
  }
}

TEST_CASE("a thousand philosophers get through", "[dining_philosophers]") {
  const std::string strategy = GENERATE("ordered", "waiter", "chandy_misra", "backoff");
  dine({strategy, 1000, 2, 0ms, 1ms, 0ms, "both"}, 7);
}

TEST_CASE("every message of a dinner is in the books", "[dining_philosophers]") {
  const std::string strategy = GENERATE("ordered", "waiter", "chandy_misra", "backoff");
  scripted_run run{philosophers(), values_of({strategy, 4, 5, 1ms, 1ms, 0ms}), 3};
  REQUIRE(run.go());
  run.system().run();
  const auto books = run.system().books.totals();
  CHECK(books.sent == books.handled);
  CHECK(books.dead_lettered == 0);
  CHECK(books.dropped_total() == 0);
}

TEST_CASE("a fork that is wanted before its holder has heard of the start is given away then",
          "[dining_philosophers]") {
  using namespace scenarios::dining;
  testing::test_system sys{trace::level::off, add_messages};
  std::vector<std::string> heard;
  const auto fork = [&](const std::string& name) {
    return sys.system().spawn([&, name](caf::event_based_actor*) -> caf::behavior {
      return {
          [&, name](const put_fork& x) { heard.push_back(name + " back, grant " + std::to_string(x.grant)); },
          [&, name](const take_fork&) {
            heard.push_back(name + " wanted");
            return fork_taken{name == "left" ? 3U : 4U, 2};
          }};
    });
  };
  auto table = sys.system().spawn([](caf::event_based_actor*) -> caf::behavior {
    return {[](const meals_eaten&) {}, [](const philosopher_report&) {}};
  });
  place_setting at{.seat = 3,
                   .rules = {.strategy = strategy_kind::chandy_misra, .philosophers = 7, .meals = 1},
                   .left = fork("left"),
                   .right = fork("right"),
                   .waiter = nullptr,
                   .table = table};
  auto philosopher = sys.system().spawn(scenarios::dining::philosopher, at);
  sys.run();
  caf::anon_send(philosopher, fork_wanted{4, 1}); // fork and table may be on other nodes
  sys.run();
  CHECK(heard.empty()); // it does not know yet that it holds it
  caf::anon_send(philosopher, start_dining{true, true});
  sys.run();
  REQUIRE(heard.size() >= 2);
  CHECK(heard[0] == "right back, grant 1");
  CHECK(heard[1] == "right wanted");
  CHECK(std::count(heard.begin(), heard.end(), "left back, grant 1") == 1); // after the meal
  caf::anon_send(philosopher, table_cleared{});
  sys.run();
}
