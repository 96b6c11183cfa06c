#include "actors/runtime/seeded_turns.hpp"

#include <algorithm>

namespace troupe {

seeded_turns::seeded_turns(caf::actor_system& system, std::uint64_t seed)
    : scheduler_(dynamic_cast<caf::scheduler::test_coordinator&>(system.scheduler())), random_(seed),
      start_(scheduler_.clock().now()) {}

bool seeded_turns::turn() {
  auto& jobs = scheduler_.jobs;
  if (jobs.empty()) return scheduler_.trigger_timeout();
  // Modulo rather than a distribution: those differ between standard libraries, and a
  // seed must mean the same everywhere. The bias is below 2^-40.
  const auto drawn = static_cast<std::ptrdiff_t>(random_() % jobs.size());
  std::swap(jobs.front(), *(jobs.begin() + drawn));
  scheduler_.run_once();
  return true;
}

std::chrono::nanoseconds seeded_turns::elapsed() const { return scheduler_.clock().now() - start_; }

} // namespace troupe
