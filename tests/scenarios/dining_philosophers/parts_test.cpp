#include "scenarios/dining_philosophers/parts.hpp"
#include "tests/support/catch.hpp"

#include <random>

using namespace troupe::scenarios::dining;
using std::chrono::milliseconds;

namespace {

meal_times meal(int began_ms, int ended_ms, std::uint64_t clock = 1) {
  return {milliseconds{began_ms}, milliseconds{ended_ms}, clock};
}

} // namespace

TEST_CASE("a fork that goes from hand to hand has nothing to complain of", "[dining_philosophers]") {
  fork_book book;
  book.put(0, book.grant(0), 1, meal(0, 10));
  book.put(1, book.grant(1), 3, meal(10, 20));
  book.put(0, book.grant(0), 0, {}); // taken and put back unused
  CHECK(book.meals() == 4);
  CHECK(book.grants() == 3);
  CHECK(book.second_hands() == 0);
  CHECK(book.overlaps() == 0);
  CHECK(!book.held());
}

TEST_CASE("a fork notices a second hand", "[dining_philosophers]") {
  fork_book book;
  const auto first = book.grant(0);
  SECTION("when it is given away while it is held") {
    book.grant(1);
    CHECK(book.second_hands() == 1);
  }
  SECTION("when another one puts it down") {
    book.put(1, first, 1, meal(0, 1));
    CHECK(book.second_hands() == 1);
    CHECK(book.held());
  }
  SECTION("when it is put down twice") {
    book.put(0, first, 1, meal(0, 1));
    book.grant(0);
    book.put(0, first, 1, meal(1, 2));
    CHECK(book.second_hands() == 1);
  }
}

TEST_CASE("a fork notices that its two users ate together, whoever tells first", "[dining_philosophers]") {
  const auto [first, second] =
      GENERATE(std::pair{meal(0, 10), meal(5, 8)}, std::pair{meal(5, 8), meal(0, 10)});
  fork_book book;
  book.put(0, book.grant(0), 1, first);
  book.put(1, book.grant(1), 1, second);
  CHECK(book.overlaps() == 1);
}

TEST_CASE("times of different clocks are not compared", "[dining_philosophers]") {
  fork_book book;
  book.put(0, book.grant(0), 1, meal(1000, 1010, 1));
  book.put(1, book.grant(1), 1, meal(3, 4, 2));
  CHECK(book.overlaps() == 0);
}

TEST_CASE("a waiter with seats lets all but one sit, first come first", "[dining_philosophers]") {
  waiter_book book{waiter_rule::seats, 3};
  CHECK(book.ask(2)[0] == 2);
  CHECK(book.ask(0)[0] == 0);
  CHECK(!book.ask(1)[0]);
  CHECK(book.leave(0)[0] == 1);
  CHECK(!book.ask(0)[0]);
  CHECK(book.leave(2)[0] == 0);
  CHECK(!book.leave(1)[0]);
}

TEST_CASE("a waiter that gives both forks never lets neighbours eat, and nobody starves",
          "[dining_philosophers]") {
  const auto seats = GENERATE(std::uint64_t{2}, std::uint64_t{3}, std::uint64_t{5}, std::uint64_t{12});
  for (std::uint64_t seed = 0; seed < 200; ++seed) {
    INFO("seed " << seed << ", " << seats << " seats");
    std::mt19937_64 random{seed};
    waiter_book book{waiter_rule::both, seats};
    std::vector<int> state(seats); // 0 thinks, 1 waits, 2 eats
    std::vector<std::uint64_t> overtaken(seats);
    auto admit = [&](const waiter_book::admitted& who) {
      for (auto& seat : who) {
        if (!seat) continue;
        REQUIRE(state[*seat] == 1);
        REQUIRE(state[(*seat + 1) % seats] != 2);
        REQUIRE(state[(*seat + seats - 1) % seats] != 2);
        state[*seat] = 2;
        overtaken[*seat] = 0;
        for (auto neighbour : {(*seat + 1) % seats, (*seat + seats - 1) % seats})
          if (state[neighbour] == 1) ++overtaken[neighbour];
      }
    };
    for (int step = 0; step < 400; ++step) {
      const auto seat = random() % seats;
      if (state[seat] == 0) {
        state[seat] = 1;
        admit(book.ask(seat));
      } else if (state[seat] == 2) {
        state[seat] = 0;
        admit(book.leave(seat));
      }
      // Each neighbour asked earlier at most once while it waits; with two they are one.
      REQUIRE(overtaken[seat] <= 2);
      bool somebody = false;
      for (auto each : state)
        somebody = somebody || each != 1;
      REQUIRE(somebody);
    }
  }
}

TEST_CASE("a timeline keeps all counts while its intervals widen", "[dining_philosophers]") {
  timeline one, other;
  for (int i = 0; i < 1000; ++i)
    one.count(milliseconds{i});
  CHECK(one.width() == milliseconds{32});
  CHECK(one.counts().size() == 32);
  CHECK(one.counts()[0] == 32);
  other.count(milliseconds{3});
  other.add(one);
  CHECK(other.width() == milliseconds{32});
  CHECK(other.counts()[0] == 33);
  other.coarsen(16);
  CHECK(other.width() == milliseconds{64});
  std::uint64_t sum = 0;
  for (auto count : other.counts())
    sum += count;
  CHECK(sum == 1001);
  CHECK(timeline{}.counts().empty());
}

TEST_CASE("Jain's index is 1 among equals and 1/n where one has all", "[dining_philosophers]") {
  CHECK(jain_index({2, 2, 2}) == Approx(1));
  CHECK(jain_index({5, 0, 0, 0}) == Approx(0.25));
  CHECK(jain_index({}) == 1);
}
