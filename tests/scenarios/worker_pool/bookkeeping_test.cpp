// The pool's books alone: who has which task, whatever happens to workers.
#include "actors/patterns/pool.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/test_system.hpp"

#include <random>

using namespace troupe;
using troupe::testing::test_system;

namespace {

struct crew {
  explicit crew(std::size_t count) {
    for (std::size_t i = 0; i < count; ++i)
      workers.push_back(sys.system().spawn([](plain_actor*) { return caf::behavior{[](int) {}}; }));
  }
  ~crew() {
    for (auto& each : workers)
      caf::anon_send_exit(each, caf::exit_reason::user_shutdown);
    workers.clear();
    sys.run();
  }
  std::size_t index(const caf::actor& who) const {
    return static_cast<std::size_t>(std::find(workers.begin(), workers.end(), who) - workers.begin());
  }
  test_system sys;
  std::vector<caf::actor> workers;
};

task_done answer(std::uint64_t task) { return {task, "\"" + std::to_string(task) + "\"", {}, {}}; }

/// Where it does not matter whether it counts.
std::vector<pool::assignment> tell(pool& books, const caf::actor& who, const task_done& what) {
  bool counts = false;
  return books.on_done(who, what, counts);
}

std::vector<std::string> tasks(std::size_t count) { return std::vector<std::string>(count, "1"); }

} // namespace

TEST_CASE("nobody gets a task before everybody is there, and few tasks are spread", "[pool]") {
  crew c{3};
  pool books{"t", tasks(4), dispatch_kind::pull, 2};
  for (auto& each : c.workers)
    CHECK(books.on_ready(each, "n").empty());
  std::vector<std::size_t> given(3);
  for (auto& each : books.begin())
    ++given[c.index(each.worker)];
  CHECK(given == std::vector<std::size_t>{2, 1, 1});
}

TEST_CASE("a worker has at most as many tasks as it may prefetch, and gets one for each result", "[pool]") {
  crew c{1};
  pool books{"t", tasks(5), dispatch_kind::pull, 2};
  books.on_ready(c.workers[0], "n");
  CHECK(books.begin().size() == 2);
  for (std::uint64_t task = 0; task < 3; ++task) {
    auto done = answer(task);
    const auto next = tell(books, c.workers[0], done);
    REQUIRE(next.size() == 1);
    CHECK(next[0].what.task == task + 2);
  }
}

TEST_CASE("a worker gets as many tasks as it may prefetch, when half of those it had are done", "[pool]") {
  crew c{1};
  pool books{"t", tasks(20), dispatch_kind::pull, 4};
  books.on_ready(c.workers[0], "n");
  CHECK(books.begin().size() == 4);
  auto first = answer(0), second = answer(1);
  CHECK(tell(books, c.workers[0], first).empty());
  const auto next = tell(books, c.workers[0], second);
  REQUIRE(next.size() == 2);
  CHECK(next[0].what.task == 4);
  CHECK(next[1].what.task == 5);
}

TEST_CASE("towards the end a worker gets a fair share of what is left, at last one at a time", "[pool]") {
  crew c{2};
  pool books{"t", tasks(32), dispatch_kind::pull, 8};
  for (auto& each : c.workers)
    books.on_ready(each, "n");
  std::deque<std::uint64_t> has; // the first worker
  for (auto& each : books.begin())
    if (each.worker == c.workers[0]) has.push_back(each.what.task);
  REQUIRE(has.size() == 8);
  std::vector<std::size_t> handed, held; // to it, whenever it gets any; by it then
  while (!has.empty()) {
    auto done = answer(has.front());
    has.pop_front();
    const auto next = tell(books, c.workers[0], done);
    for (auto& each : next)
      has.push_back(each.what.task);
    if (next.empty()) continue;
    handed.push_back(next.size());
    held.push_back(has.size());
  }
  // 16 are left: it may have 16/2, and gets what it lacks when the half is done; then 12/2, 9/2, 7/2 …
  CHECK(handed == std::vector<std::size_t>{4, 3, 2, 2, 1, 1, 1, 1, 1});
  CHECK(held == std::vector<std::size_t>{8, 6, 4, 3, 2, 2, 1, 1, 1});
}

TEST_CASE("what a dead worker had is handed to others, and a result that comes twice is dropped", "[pool]") {
  crew c{2};
  pool books{"t", tasks(3), dispatch_kind::pull, 2};
  books.on_ready(c.workers[0], "n");
  books.on_ready(c.workers[1], "m");
  books.begin();
  auto done = answer(1);
  CHECK(tell(books, c.workers[1], done).empty());
  const auto again = books.on_down(c.workers[0].address());
  REQUIRE(again.size() == 2);
  CHECK(again[0].worker == c.workers[1]);
  CHECK(books.redelivered() == 2);
  // The dead worker's result arrives all the same, then that of the one who did it again.
  auto late = answer(0), twice = answer(0);
  tell(books, c.workers[0], late);
  tell(books, c.workers[1], twice);
  CHECK(books.duplicates_dropped() == 1);
  CHECK(books.workers()[0].tasks == 1);
  CHECK_FALSE(books.all_done());
  auto last = answer(2);
  tell(books, c.workers[1], last);
  CHECK(books.all_done());
}

TEST_CASE("every task has one result in the end, however many workers die in whatever order", "[pool]") {
  const auto dispatch = GENERATE(dispatch_kind::pull, dispatch_kind::round_robin);
  crew c{6};
  for (std::uint64_t seed = 0; seed < 300; ++seed) {
    INFO("seed " << seed);
    std::mt19937_64 random{seed};
    pool books{"t", tasks(25), dispatch, 1 + random() % 3};
    std::vector<std::pair<caf::actor, std::uint64_t>>
        open; // with whom, also of the dead: results on their way
    auto send = [&](const std::vector<pool::assignment>& out) {
      for (auto& each : out) {
        CHECK(books.workers()[c.index(each.worker)].alive);
        open.emplace_back(each.worker, each.what.task);
      }
    };
    for (auto& each : c.workers)
      send(books.on_ready(each, "n"));
    send(books.begin());
    std::vector<int> results(25);
    std::size_t deaths = 0;
    while (!books.all_done()) {
      REQUIRE_FALSE(open.empty());
      if (deaths < 5 && random() % 8 == 0) {
        ++deaths;
        const auto victim = c.workers[random() % 5]; // the sixth lives
        // Some of its results were on their way already, the others never come.
        std::erase_if(open, [&](auto& x) { return x.first == victim && random() % 2 == 0; });
        send(books.on_down(victim.address()));
        continue;
      }
      const auto pick = random() % open.size();
      auto [who, task] = open[pick];
      open.erase(open.begin() + static_cast<std::ptrdiff_t>(pick));
      bool counts = false;
      send(books.on_done(who, answer(task), counts));
      if (counts) ++results[task];
    }
    std::uint64_t counted = 0;
    for (auto& each : books.workers())
      counted += each.tasks;
    CHECK(counted == 25);
    CHECK(results == std::vector<int>(25, 1));
  }
}

TEST_CASE("what nobody has begun is taken back when a run ends early", "[pool]") {
  crew c{1};
  pool books{"t", tasks(10), dispatch_kind::pull, 3};
  books.on_ready(c.workers[0], "n");
  CHECK(books.begin().size() == 3);
  CHECK(books.cancel() == 10);
  auto done = answer(0);
  CHECK(tell(books, c.workers[0], done).empty());
}
