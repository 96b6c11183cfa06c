// A reduction over a tree of actors, as a scenario.
#pragma once

#include "runner/api/scenario.hpp"
#include "scenarios/reduction/operators.hpp"

namespace troupe::scenarios {

/// `operators` are those that the parameter `operator` chooses from.
scenario reduction(const operator_catalog& operators = standard_operators());

} // namespace troupe::scenarios
