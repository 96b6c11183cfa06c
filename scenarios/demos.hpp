// What the program `troupe` brings along.
#pragma once

#include <vector>

namespace troupe::scenarios {

class scenario;

/// Its scenarios by name, one of each folder here. They live as long as the program. The source is made
/// by cmake/rooms.cmake.
std::vector<const scenario*> demos();

} // namespace troupe::scenarios
