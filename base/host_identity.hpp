// Which machine this process runs on, and which of its clocks it reads.
#pragma once

#include <string>

namespace troupe {

/// Of the running kernel: the same for all processes of one boot of one machine, in containers too.
/// Empty where it cannot be read.
std::string boot_id();

/// Processes of one boot share CLOCK_MONOTONIC only within a time namespace; this is the number of the
/// caller's. Empty where the kernel knows none.
std::string time_namespace();

} // namespace troupe
