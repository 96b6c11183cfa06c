#include "actors/patterns/reducer.hpp"
#include "base/random.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/test_system.hpp"

#include <numeric>
#include <random>

using namespace troupe;
using troupe::testing::test_system;

namespace {

using sum = std::int64_t;

void add_sum_messages(message_catalog& catalog) { add_reducer_messages<sum>(catalog, "sum"); }

struct told {
  std::vector<tree_partial<sum>> results;
  std::vector<std::string> failures;
};

struct root_state {
  static inline const char* name = "root";
};
caf::behavior root(actor_of<root_state>*, std::shared_ptr<told> log) {
  return {
      [log](const tree_result<sum>& x) { log->results.push_back(x.whole); },
      [log](const tree_failed& x) { log->failures.push_back(x.why); },
  };
}

sum add(sum a, const sum& b) {
  if (a + b > 1'000'000'000) throw std::overflow_error("too much");
  return a + b;
}

struct tree {
  tree(std::uint64_t arity, std::size_t reducers, bool tells_all = true)
      : sys(trace::level::headers, add_sum_messages), arity(arity) {
    top = sys.system().spawn(root, log);
    for (std::size_t i = 0; i < reducers; ++i)
      crew.push_back(sys.system().spawn(reducer<sum>, top, arity, tree_operator<sum>{add}));
    if (tells_all)
      for (auto& who : crew)
        tell(who);
  }
  void tell(const caf::actor& who) { caf::anon_send(who, tree_crew{crew}); }
  ~tree() {
    for (auto& who : crew)
      caf::anon_send_exit(who, caf::exit_reason::user_shutdown);
    caf::anon_send_exit(top, caf::exit_reason::user_shutdown);
    crew.clear();
    top = nullptr;
    sys.run();
  }
  void leaf(std::uint64_t index, sum value) {
    caf::anon_send(crew[index / arity % crew.size()],
                   tree_partial<sum>{0, index, value, 1, tree_mark(index)});
  }
  void end(std::uint64_t leaves) {
    for (auto& who : crew)
      caf::anon_send(who, tree_size{leaves});
  }
  std::vector<std::uint64_t> joins() {
    std::vector<std::uint64_t> result;
    caf::scoped_actor asker{sys.system()};
    for (auto& who : crew) {
      auto answer = asker->request(who, caf::infinite, ask_reducer{});
      sys.run();
      answer.receive(
          [&](const reducer_report& x) {
            result.resize(std::max(result.size(), x.joins.size()));
            for (std::size_t i = 0; i < x.joins.size(); ++i)
              result[i] += x.joins[i];
          },
          [](const caf::error&) { FAIL("no report"); });
    }
    return result;
  }

  test_system sys;
  std::shared_ptr<told> log = std::make_shared<told>();
  std::uint64_t arity;
  caf::actor top;
  std::vector<caf::actor> crew;
};

} // namespace

TEST_CASE("six leaves in pairs make three levels, three pairs at once at most", "[actors][reducer]") {
  const tree_shape shape{6, 2};
  CHECK(shape.levels() == 3);
  CHECK(shape.joins(1) == 3);
  CHECK(shape.joins(2) == 1);
  CHECK(shape.joins(3) == 1);
  tree t{2, 3};
  const sum values[] = {1, 4, 8, 3, 2, 5};
  for (std::uint64_t i = 0; i < 6; ++i)
    t.leaf(i, values[i]);
  t.end(6);
  t.sys.run();
  REQUIRE(t.log->results.size() == 1);
  CHECK(t.log->results[0].value == 23);
  CHECK(t.log->results[0].elements == 6);
  CHECK(t.joins() == std::vector<std::uint64_t>{3, 1, 1});
}

TEST_CASE("the shape of a tree adds up for any number of leaves and any arity", "[actors][reducer]") {
  for (std::uint64_t arity = tree_arity_min; arity <= tree_arity_max; ++arity)
    for (std::uint64_t leaves = 0; leaves < 300; ++leaves) {
      const tree_shape shape{leaves, arity};
      std::uint64_t joined = 0;
      for (std::uint32_t level = 1; level <= shape.levels(); ++level) {
        std::uint64_t members = 0;
        for (std::uint64_t i = 0; i < shape.width(level); ++i) {
          members += shape.members(level, i);
          joined += shape.members(level, i) - 1;
        }
        REQUIRE(members == shape.width(level - 1));
        REQUIRE(shape.joins(level) <= shape.width(level));
      }
      REQUIRE(joined == (leaves == 0 ? 0 : leaves - 1));
      REQUIRE(shape.width(shape.levels()) == std::min<std::uint64_t>(leaves, 1));
    }
}

TEST_CASE("each leaf goes into the result once, in whatever order all arrive", "[actors][reducer]") {
  const auto seed = std::random_device{}();
  INFO("seed " << seed);
  std::mt19937_64 random{seed};
  for (const std::uint64_t leaves : {1U, 2U, 3U, 5U, 16U, 17U, 31U, 97U, 256U, 257U})
    for (const std::uint64_t arity : {2U, 3U, 4U, 7U, 16U}) {
      CAPTURE(leaves, arity);
      tree t{arity, 1 + random() % 5};
      t.sys.run();
      std::vector<std::uint64_t> order(leaves);
      std::iota(order.begin(), order.end(), 0);
      draw_order(random, order);
      // The size may become known at any time.
      const auto when = random() % (leaves + 1);
      for (std::uint64_t i = 0; i < leaves; ++i) {
        if (i == when) t.end(leaves);
        t.leaf(order[i], static_cast<sum>(order[i]));
        if (random() % 2 == 0) t.sys.run();
      }
      if (when == leaves) t.end(leaves);
      t.sys.run();
      REQUIRE(t.log->failures.empty());
      REQUIRE(t.log->results.size() == 1);
      const auto& whole = t.log->results[0];
      CHECK(whole.value == static_cast<sum>(leaves * (leaves - 1) / 2));
      CHECK(whole.elements == leaves);
      std::uint64_t marks = 0;
      for (std::uint64_t i = 0; i < leaves; ++i)
        marks += tree_mark(i);
      CHECK(whole.marks == marks);
      const tree_shape shape{leaves, arity};
      std::vector<std::uint64_t> expected;
      for (std::uint32_t level = 1; level <= shape.levels(); ++level)
        expected.push_back(shape.joins(level));
      CHECK(t.joins() == expected);
    }
}

TEST_CASE("what others send may overtake the word of who the reducers are", "[actors][reducer]") {
  for (std::size_t late = 0; late < 3; ++late) {
    tree t{2, 3, false};
    for (std::size_t i = 0; i < 3; ++i)
      if (i != late) t.tell(t.crew[i]);
    for (std::uint64_t i = 0; i < 12; ++i)
      t.leaf(i, 1);
    t.sys.run();
    CHECK(t.log->results.empty());
    t.tell(t.crew[late]);
    t.end(12);
    t.sys.run();
    REQUIRE(t.log->results.size() == 1);
    CHECK(t.log->results[0].value == 12);
    CHECK(t.log->failures.empty());
  }
}

TEST_CASE("an operator that fails, and a leaf that comes twice, are told", "[actors][reducer]") {
  tree t{2, 1};
  SECTION("it fails") {
    t.leaf(0, 900'000'000);
    t.leaf(1, 900'000'000);
    t.end(2);
    t.sys.run();
    CHECK(t.log->failures == std::vector<std::string>{"too much"});
  }
  SECTION("it comes twice") {
    t.leaf(0, 1);
    t.leaf(0, 1);
    t.end(2);
    t.sys.run();
    CHECK(t.log->failures == std::vector<std::string>{"a partial result came twice"});
  }
  CHECK(t.log->results.empty());
}
