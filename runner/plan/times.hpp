// What the scenarios have in common about time.
#pragma once

#include <chrono>

namespace troupe::scenarios {

/// How often the progress of a run is told.
inline constexpr std::chrono::milliseconds telling_interval{100};

inline double seconds(std::chrono::nanoseconds x) { return std::chrono::duration<double>(x).count(); }

} // namespace troupe::scenarios
