#include "runner/run/actor_failures.hpp"

#include <utility>

namespace troupe::scenarios {

void pending_failures::add(const failed_actor& who) {
  if (closed_) return;
  ++pending_.count;
  if (pending_.first.size() < actors_failed_max) pending_.first.push_back(who);
}

pending_failures::batch pending_failures::take() { return std::exchange(pending_, {}); }

std::vector<std::string> actor_failures::add(pending_failures::batch fresh, const namer& name_of) {
  std::vector<std::string> told;
  const auto before = std::exchange(count_, count_ + fresh.count);
  for (std::size_t i = 0; i < fresh.first.size(); ++i) {
    auto& [who, kind, node, why] = fresh.first[i];
    auto name = name_of(who);
    if (name.empty()) name = kind + ' ' + std::to_string(who.id);
    if (before + i < failures_told_max) told.push_back("actor " + name + " on " + node + " failed: " + why);
    if (first_.size() < actors_failed_max) first_.push_back({node, std::move(name), std::move(why)});
  }
  if (before <= failures_told_max && count_ > failures_told_max)
    told.push_back("more than " + std::to_string(failures_told_max)
                   + " actors failed; result.json counts them");
  return told;
}

} // namespace troupe::scenarios
