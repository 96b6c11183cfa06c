// Runs a node's actors on the calling thread, one message at a time, in an order drawn
// from a seed, in virtual time: the same seed gives the same run.
#pragma once

#include <caf/actor_system.hpp>
#include <caf/scheduler/test_coordinator.hpp>

#include <chrono>
#include <cstdint>
#include <random>

namespace troupe {

/// For a system with scheduler policy "testing" that has no links: nothing but the seed
/// and the actors decide what happens next. Not thread-safe.
class seeded_turns {
 public:
  /// Throws std::bad_cast for a system with another scheduler.
  seeded_turns(caf::actor_system&, std::uint64_t seed);

  /// Lets one actor, drawn from those that have something to do, handle one message;
  /// where there is none, moves the clock to the next timer. False: nothing is left.
  bool turn();

  /// Virtual time since the start.
  std::chrono::nanoseconds elapsed() const;

 private:
  caf::scheduler::test_coordinator& scheduler_;
  std::mt19937_64 random_;
  caf::actor_clock::time_point start_;
};

} // namespace troupe
