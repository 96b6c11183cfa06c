// What the start function of a scenario works with; see run in runner/api/scenario.hpp.
#pragma once

#include "runner/api/scenario.hpp"
#include "runner/run/run_context.hpp"

#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

namespace troupe::scenarios {

/// Spawns actors on the nodes of their roles in turn, and knows them by role and number afterwards. Not
/// thread-safe. Context and node outlive it.
class wiring final : public run {
 public:
  wiring(const run_context& context, node& main, std::uint64_t seed, caf::actor collector)
      : run_(context), main_(main), seed_(seed), collector_(std::move(collector)) {}

  /// "teller 3"; empty for who was not spawned as a role.
  std::string name_of(const actor_ref&) const;
  /// Who is told to stop early; null: nobody.
  const caf::actor& stopper() const { return stopper_; }

  // -- run ---------------------------------------------------------------------
  const parameters& values() const override { return run_.options.what.values; }
  std::uint64_t seed() const override { return seed_; }
  const std::vector<std::string>& nodes_of(const std::string& role) const override;
  caf::actor collector() const override { return collector_; }
  void on_stop(const caf::actor& who) override { stopper_ = who; }
  node& main_node() override { return main_; }

 private:
  std::vector<caf::actor> spawn_messages(const std::string& role,
                                         const std::vector<caf::message>& args) override;
  std::string why_not_spawned(const std::string& node, const std::string& role, const caf::error&) const;

  const run_context& run_;
  node& main_;
  const std::uint64_t seed_;
  const caf::actor collector_;
  caf::actor stopper_;
  std::map<std::string, std::size_t> spawned_of_; ///< by role: how many
  struct role_number {
    const std::string* role = nullptr; ///< a key of spawned_of_
    std::size_t number = 0;
  };
  std::map<std::pair<std::uint64_t, std::uint64_t>, role_number> spawned_; ///< by incarnation and id
};

} // namespace troupe::scenarios
