// Actors that fail while a run is on: what is kept of them, and which of them people are told of.
#pragma once

#include "actors/runtime/context.hpp"
#include "runner/run/runner.hpp"

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

namespace troupe::scenarios {

/// Failures that are told one by one; result.json lists more.
inline constexpr std::uint64_t failures_told_max = 20;

/// Failures that nobody has looked at yet: the first of them, and how many there are. Not thread-safe.
class pending_failures {
 public:
  struct batch {
    std::vector<failed_actor> first; ///< at most actors_failed_max
    std::uint64_t count = 0;         ///< those included
  };

  void add(const failed_actor&);
  /// What was added since the last call.
  batch take();
  /// Who fails from now on is of no interest.
  void close() { closed_ = true; }

 private:
  batch pending_;
  bool closed_ = false;
};

/// All failures of a run, for result.json. Not thread-safe.
class actor_failures {
 public:
  /// "teller 3"; empty: it was not spawned as a role.
  using namer = std::function<std::string(const actor_ref&)>;

  /// Adds a batch. Returns what people are to be told of it, a sentence each.
  std::vector<std::string> add(pending_failures::batch, const namer&);

  const std::vector<actor_report>& first() const { return first_; } ///< at most actors_failed_max
  std::uint64_t count() const { return count_; }

 private:
  std::vector<actor_report> first_;
  std::uint64_t count_ = 0;
};

} // namespace troupe::scenarios
