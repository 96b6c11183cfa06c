// Producers and consumers around a bounded channel, as a scenario.
#pragma once

#include "runner/api/scenario.hpp"

namespace troupe::scenarios {

scenario producer_consumer();

} // namespace troupe::scenarios
