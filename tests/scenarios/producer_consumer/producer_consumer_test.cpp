#include "scenarios/producer_consumer/producer_consumer.hpp"

#include "base/random.hpp"
#include "scenarios/producer_consumer/actors.hpp"
#include "tests/runner/run_text.hpp"

#include <algorithm>
#include <random>

using namespace troupe;
using namespace troupe::scenarios;
using troupe::testing::failures;
using troupe::testing::refusal;
using troupe::testing::run_text;
using troupe::testing::run_text_to_deadline;
using namespace std::chrono_literals;

namespace {

const scenario& demo() {
  static const scenario s = producer_consumer();
  return s;
}

/// In one process and over links.
int where() { return GENERATE(0, 2); }

outcome run_demo(const std::string& parameters, int nodes) {
  return run_text(demo(),
                  "scenario = \"producer_consumer\"\ndeadline = \"10m\"\nseed = 7\n[parameters]\n"
                      + parameters + "\n",
                  nodes);
}

channel_item<stock_item> moved(std::int64_t priority, std::uint64_t entered, std::uint64_t left) {
  return {{0, entered, 0}, priority, {}, entered, left};
}

} // namespace

TEST_CASE("every square of every producer is consumed once", "[producer_consumer]") {
  const auto nodes = where();
  const auto result = run_demo("producers = 2\nitems = 20", nodes);
  INFO(failures(result));
  CHECK(result.result_verdict == verdict::passed);
  CHECK(result.result.at("consumed") == 40);
  CHECK(result.result.at("sum") == 5740);
  CHECK(result.result.at("left_over") == 0);
  CHECK(result.result.at("per_producer").size() == 2);
  CHECK(result.result.at("per_consumer").at(0).at("items") == 40);
}

TEST_CASE("one after the other, the first item waits as long as the others take", "[producer_consumer]") {
  const auto nodes = where();
  const auto result = run_demo(
      "mode = \"sequential\"\nproducers = 2\nitems = 10\ncapacity = 20\nproduce_cost = [1]\nunit = \"2ms\"",
      nodes);
  INFO(failures(result));
  CHECK(result.result_verdict == verdict::passed);
  CHECK(result.result.at("waiting").at("units").at("max").get<double>() >= 19);
  CHECK(result.result.at("buffer").at("fill_max") == 20);
  // One producer after the other: no time is saved.
  CHECK(result.result.at("took_units").get<double>() >= 20);
}

TEST_CASE("a consumer that is faster than its producer lets no item wait a unit", "[producer_consumer]") {
  // In virtual time, where no other program can make them wait.
  const auto seed = GENERATE(1, 2, 3, 4, 5);
  const auto result =
      run_text(demo(),
               "scenario = \"producer_consumer\"\nseed = " + std::to_string(seed)
                   + "\n[parameters]\nitems = 20\ncapacity = 10\nproduce_cost = [0.5, 1.5]\n"
                     "consume_cost = [0.5]\nunit = \"100ms\"\n[topology]\nscheduler = \"seeded\"\n",
               0);
  INFO(failures(result));
  CHECK(result.result_verdict == verdict::passed);
  CHECK(result.result.at("sum") == 2870);
  CHECK(result.result.at("waiting").at("units").at("max").get<double>() < 1);
}

TEST_CASE("a consumer that pulls gets 21 Fibonacci numbers, and no 22nd is made", "[producer_consumer]") {
  const auto nodes = where();
  const auto cost = GENERATE("0", "0.1");
  const auto result = run_demo(
      "pull = true\ngenerator = \"fibonacci\"\nitems = 90\nuntil = 10_000\nunit = \"10ms\"\nproduce_cost = ["
          + std::string{cost} + "]",
      nodes);
  INFO(failures(result));
  CHECK(result.result_verdict == verdict::passed);
  CHECK(result.result.at("produced") == 21);
  CHECK(result.result.at("values") == nlohmann::json{1,   1,   2,    3,    5,    8,    13,
                                                     21,  34,  55,   89,   144,  233,  377,
                                                     610, 987, 1597, 2584, 4181, 6765, 10946});
}

TEST_CASE("a pulled run without a limit ends when everything is made", "[producer_consumer]") {
  const auto result = run_demo("pull = true\nproducers = 3\nconsumers = 4\nitems = 50\nbatch = 7", 0);
  INFO(failures(result));
  CHECK(result.result_verdict == verdict::passed);
  CHECK(result.result.at("consumed") == 150);
}

TEST_CASE("many producers and consumers around a small buffer", "[producer_consumer]") {
  const auto nodes = where();
  const auto batch = GENERATE(1, 20);
  const auto order = GENERATE("fifo", "priority");
  CAPTURE(nodes, batch, order);
  const auto result = run_demo("producers = 20\nconsumers = 20\nitems = 50\ncapacity = 7\nbatch = "
                                   + std::to_string(batch) + "\norder = \"" + order + "\"",
                               nodes);
  INFO(failures(result));
  CHECK(result.result_verdict == verdict::passed);
  CHECK(result.result.at("consumed") == 1'000);
  CHECK(result.result.at("buffer").at("fill_max").get<int>() <= 7);
  CHECK(result.result.at("overtakers") == 0);
}

TEST_CASE("a run that is stopped counts what was made and not consumed", "[producer_consumer]") {
  const auto nodes = where();
  // Five in the buffer, one in the consumer's hands, one more in each producer's.
  const auto result = run_text_to_deadline(
      demo(),
      "scenario = \"producer_consumer\"\n[parameters]\nproducers = 2\n"
      "items = 1000\ncapacity = 5\nunit = \"1s\"\nconsume_cost = [1000]\n",
      nodes, [](const outcome& run) { return run.result.is_object() && run.result.at("produced") == 8; });
  INFO(failures(result));
  CHECK(result.result_verdict == verdict::deadline);
  REQUIRE(result.result.is_object());
  const auto& told = result.result;
  CHECK(told.at("consumed") == 0);
  CHECK(told.at("produced") == 8);
  CHECK(told.at("left_over") == 8);
  CHECK(told.at("buffer").at("discarded") == 5);
}

TEST_CASE("impossible combinations are refused with a sentence", "[producer_consumer]") {
  const auto [parameters, sentence] = GENERATE(table<std::string, std::string>({
      {"pull = true\norder = \"priority\"", "choose one of the two"},
      {"pull = true\nmode = \"sequential\"", "choose one of the two"},
      {"until = 5", "until needs pull"},
      {"mode = \"sequential\"\nitems = 20\ncapacity = 19", "capacity must be at least that"},
      {"mode = \"sequential\"\nconsumers = 2\ncapacity = 20", "consumers must be 1"},
      {"produce_cost = [2, 1]", "must not be above its second"},
      {"generator = \"fibonacci\"\nitems = 91", "does not fit"},
      {"items = 10_000_000\nproducers = 1", "does not fit"},
      {"items = 5_000_000\nproducers = 3", "at most 10000000"},
      {"order = \"priority\"\npriorities = []", "needs priorities"},
  }));
  CHECK_THAT(refusal(demo(), "scenario = \"producer_consumer\"\n[parameters]\n" + parameters),
             Catch::Matchers::Contains(sentence));
}

namespace {

struct looked {
  std::uint64_t items = 0, overtakers = 0;
  bool operator==(const looked&) const = default;
};
looked look(const std::vector<channel_item<stock_item>>& items, bool by_priority) {
  departure_watch watch{by_priority};
  for (auto& item : items)
    watch.add(item);
  watch.finish();
  return {watch.looked_at(), watch.overtakers()};
}

} // namespace

TEST_CASE("who overtakes is found", "[producer_consumer]") {
  // entered, left: the second leaves before the first.
  CHECK(look({moved(1, 1, 3), moved(1, 2, 4)}, false) == looked{2, 0});
  CHECK(look({moved(1, 1, 4), moved(1, 2, 3)}, false) == looked{2, 1});
  CHECK(look({moved(1, 1, 4), moved(2, 2, 3)}, true) == looked{2, 0});
  CHECK(look({moved(1, 1, 3), moved(2, 2, 4)}, true) == looked{2, 1});
  // The one of higher priority came only after the other had left.
  CHECK(look({moved(1, 1, 2), moved(2, 3, 4)}, true) == looked{2, 0});
}

TEST_CASE("who overtakes is found in whatever order items are told of", "[producer_consumer]") {
  // Two of three leave in order, the third before the others: of the pair that it passed it is the one.
  std::vector<channel_item<stock_item>> items;
  for (std::uint64_t i = 0; i < 1'000; ++i) {
    const auto at = 6 * i;
    items.push_back(moved(1, at + 1, at + 5));
    items.push_back(moved(1, at + 2, at + 6));
    items.push_back(moved(1, at + 3, at + 4));
  }
  for (std::uint64_t seed = 0; seed < 10; ++seed) {
    std::mt19937_64 random{seed};
    draw_order(random, items);
    CHECK(look(items, false) == looked{3'000, 1'000});
  }
}

TEST_CASE("an item that stays in the buffer for very long is not waited for", "[producer_consumer]") {
  // Of low priority: it enters first and leaves last.
  std::vector<channel_item<stock_item>> items;
  const std::uint64_t others = departure_watch::pending_max;
  for (std::uint64_t i = 1; i <= others; ++i)
    items.push_back(moved(2, 2 * i, 2 * i + 1));
  items.push_back(moved(1, 1, 2 * others + 2));
  CHECK(look(items, true) == looked{others, 0});
}

TEST_CASE("percentiles of waiting times are right to within one percent", "[histogram]") {
  const auto seed = std::random_device{}();
  INFO("seed " << seed);
  std::mt19937_64 random{seed};
  histogram times;
  CHECK(times.at(0.5) == 0ns);
  std::vector<std::int64_t> all;
  for (int i = 0; i < 20'000; ++i) {
    all.push_back(
        static_cast<std::int64_t>(draw_below(random, std::uint64_t{1} << draw_between(random, 0, 45))));
    times.add(std::chrono::nanoseconds{all.back()});
  }
  std::sort(all.begin(), all.end());
  for (double share : {0.01, 0.5, 0.95, 0.999}) {
    const auto exact = static_cast<double>(all[static_cast<std::size_t>(share * 20'000) - 1]);
    CHECK(static_cast<double>(times.at(share).count()) == Approx(exact).epsilon(0.01).margin(1));
  }
  CHECK(times.max().count() == all.back());
}

TEST_CASE("times from another node are refused where nobody can have counted them", "[histogram]") {
  caf::actor_system_config config;
  caf::actor_system system{config};
  const auto read = [&](const std::vector<std::uint64_t>& buckets, std::int64_t max_ns) {
    std::vector<char> bytes;
    caf::binary_serializer out{system, bytes};
    auto max = std::chrono::nanoseconds{max_ns};
    auto copy = buckets;
    CHECK_FALSE(out(copy, max));
    histogram times;
    caf::binary_deserializer in{system, bytes};
    const bool refused = static_cast<bool>(in(times));
    return refused ? std::string{"refused"} : std::to_string(times.count());
  };
  CHECK(read({}, 0) == "0");
  CHECK(read({1, 0, 4}, 2) == "5");
  CHECK(read({1, 0, 4}, 1) == "refused"); // a duration above the longest
  CHECK(read({1}, -1) == "refused");
  CHECK(read({~std::uint64_t{0}, 1}, 1) == "refused"); // more than can be counted
  CHECK(read(std::vector<std::uint64_t>(100'000), std::numeric_limits<std::int64_t>::max()) == "refused");
  histogram sent, got;
  for (int i = 0; i < 1000; ++i)
    sent.add(std::chrono::microseconds{i * i});
  std::vector<char> bytes;
  caf::binary_serializer out{system, bytes};
  CHECK_FALSE(out(sent));
  caf::binary_deserializer in{system, bytes};
  CHECK_FALSE(in(got));
  CHECK(got.count() == 1000);
  CHECK(got.at(0.5) == sent.at(0.5));
  CHECK(got.max() == sent.max());
}
