// A reduction over a tree of actors, as a scenario.
#pragma once

#include "scenarios/reduction_operators.hpp"
#include "scenarios/scenario.hpp"

namespace troupe::scenarios {

/// `operators` are those that the parameter `operator` chooses from.
scenario reduction(const operator_catalog& operators = standard_operators());

} // namespace troupe::scenarios
