// Producers and consumers around a bounded channel, as a scenario.
#pragma once

#include "scenarios/scenario.hpp"

namespace troupe::scenarios {

scenario producer_consumer();

} // namespace troupe::scenarios
