// What the program `troupe` brings along.
#pragma once

#include <vector>

namespace troupe::scenarios {

class scenario;

/// Its scenarios by name. They live as long as the program.
std::vector<const scenario*> demos();

} // namespace troupe::scenarios
