// The processor cores that a process may use.
#pragma once

#include <cstddef>
#include <sys/types.h>
#include <vector>

namespace troupe {

/// The kernel's numbers of the cores on which the calling thread may run, or the main thread of process
/// `pid`, ascending; fewer than the machine has under taskset, in a container, or on a node whose run
/// splits them. At least one. Throws std::system_error.
std::vector<int> usable_cores(pid_t pid = 0);

/// Splits cores among so many users as evenly as they go, neighbours together: one set for each user. Where
/// there are more users than cores they take turns, one core each. `cores` must not be empty.
std::vector<std::vector<int>> split_cores(const std::vector<int>& cores, std::size_t users);

} // namespace troupe
