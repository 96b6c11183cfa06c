// Philosophers around a table who need two forks to eat, and five ways to share them.
#pragma once

#include "runner/api/scenario.hpp"

namespace troupe::scenarios {

scenario dining_philosophers();

} // namespace troupe::scenarios
