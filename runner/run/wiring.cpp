#include "runner/run/wiring.hpp"

#include <algorithm>

namespace troupe::scenarios {

namespace {

/// What a node may take to spawn an actor.
constexpr std::chrono::milliseconds spawn_patience{10'000};

} // namespace

const std::vector<std::string>& wiring::nodes_of(const std::string& role) const {
  const auto& place = run_.topology().place;
  auto found = place.find(role);
  if (found == place.end() || found->second.empty())
    throw std::logic_error("scenario " + run_.what.name + " has no role \"" + role + "\"");
  return found->second;
}

std::string wiring::why_not_spawned(const std::string& node, const std::string& role,
                                    const caf::error& why) const {
  if (why == errc::bad_arguments)
    return "role " + role + " of scenario " + run_.what.name + ' ' + why.context().get_as<std::string>(0);
  return "node " + node + " could not spawn role " + role + ": " + sentence_of(why);
}

std::vector<caf::actor> wiring::spawn_messages(const std::string& role,
                                               const std::vector<caf::message>& args) {
  using std::chrono::milliseconds;
  auto& nodes = nodes_of(role);
  auto& [name, next] = *spawned_of_.try_emplace(role).first;
  const auto first = next;
  std::vector<std::string> where;
  for (std::size_t i = 0; i < args.size(); ++i)
    where.push_back(nodes[next++ % nodes.size()]);
  auto patience = spawn_patience;
  if (const auto left = run_.clock.time_left())
    patience = std::clamp(ceil<milliseconds>(*left), milliseconds{1}, patience);
  const auto goes_on = [this] { return run_.goes_on(); };
  auto made = main_.spawn_each_on(where, run_.what.name + '/' + role, args, patience, goes_on);
  if (!goes_on()) throw std::runtime_error("the run ends before all actors of role " + role + " are spawned");
  std::vector<caf::actor> actors;
  for (std::size_t i = 0; i < made.size(); ++i) {
    if (!made[i]) throw std::runtime_error(why_not_spawned(where[i], role, made[i].error()));
    const auto who = tracing::address(main_.context(), *made[i]);
    spawned_[{who.incarnation, who.id}] = {&name, first + i};
    actors.push_back(caf::actor_cast<caf::actor>(*made[i]));
  }
  return actors;
}

std::string wiring::name_of(const actor_ref& who) const {
  const auto found = spawned_.find({who.incarnation, who.id});
  return found != spawned_.end() ? *found->second.role + ' ' + std::to_string(found->second.number) : "";
}

} // namespace troupe::scenarios
