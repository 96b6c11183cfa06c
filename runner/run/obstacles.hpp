// What keeps this machine from starting a plan, as far as that can be known before.
#pragma once

#include "runner/plan/plan.hpp"

#include <string>
#include <vector>

namespace troupe::scenarios {

/// Open files that the launcher needs for each node, at the least and with what makes it safe.
inline constexpr std::size_t files_a_node_min = 6, files_a_node = 12;

/// A sentence for each; empty where nothing stands in the way. Limits of this process are raised as far as
/// the nodes need.
std::vector<std::string> obstacles(const topology_plan&);

} // namespace troupe::scenarios
