// What is kept of actors that fail, and of which of them people are told.
#include "runner/run/actor_failures.hpp"

#include "tests/support/catch.hpp"

using namespace troupe;
using namespace troupe::scenarios;

namespace {

failed_actor failed(std::uint64_t id) { return {{1, id}, "teller", "w1", "it threw"}; }

/// Actors with an odd number were spawned as roles.
std::string name_of(const actor_ref& who) { return who.id % 2 == 1 ? "role " + std::to_string(who.id) : ""; }

pending_failures::batch batch(std::uint64_t count) {
  pending_failures pending;
  for (std::uint64_t i = 1; i <= count; ++i)
    pending.add(failed(i));
  return pending.take();
}

} // namespace

TEST_CASE("a failure is told by role, or by kind", "[run][failure]") {
  actor_failures all;
  CHECK(all.add(batch(2), name_of)
        == std::vector<std::string>{"actor role 1 on w1 failed: it threw",
                                    "actor teller 2 on w1 failed: it threw"});
  REQUIRE(all.first().size() == 2);
  CHECK(all.first()[0].actor == "role 1");
  CHECK(all.first()[1].node == "w1");
  CHECK(all.first()[1].why == "it threw");
}

TEST_CASE("what was taken is not taken again, and nothing comes after the end", "[run][failure]") {
  pending_failures pending;
  pending.add(failed(1));
  CHECK(pending.take().count == 1);
  CHECK(pending.take().count == 0);
  pending.close();
  pending.add(failed(2));
  CHECK(pending.take().count == 0);
}

TEST_CASE("the first failures are told, more are listed, all are counted", "[run][failure]") {
  actor_failures all;
  const auto told = all.add(batch(150), name_of);
  REQUIRE(told.size() == failures_told_max + 1);
  CHECK(told[19] == "actor teller 20 on w1 failed: it threw");
  CHECK(told.back() == "more than 20 actors failed; result.json counts them");
  CHECK(all.count() == 150);
  CHECK(all.first().size() == actors_failed_max);
  CHECK(all.add(batch(3), name_of).empty());
  CHECK(all.count() == 153);
}

TEST_CASE("that there are too many failures is told when the next one comes", "[run][failure]") {
  actor_failures all;
  CHECK(all.add(batch(20), name_of).size() == 20);
  CHECK(all.add(batch(1), name_of)
        == std::vector<std::string>{"more than 20 actors failed; result.json counts them"});
}
