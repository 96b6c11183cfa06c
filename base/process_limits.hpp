// What the system lets this process have, asked for before something that cannot bear to be refused:
// ZeroMQ ends the process that has no file or thread left for it.
#pragma once

#include <cstddef>

namespace troupe {

/// How many more files this process may open. Its limit (RLIMIT_NOFILE) is raised for `wanted` more, as
/// far as the hard limit lets it.
std::size_t files_left(std::size_t wanted);

/// The most files that this process may ever have open: its hard limit.
std::size_t files_max();

/// Throws std::runtime_error that names the numbers and `ulimit -n` where fewer are left.
void demand_files(std::size_t count);

/// Throws std::runtime_error that names the number and `ulimit -u` where so many threads cannot be
/// started. It starts and ends them, which takes some ten microseconds each.
void demand_threads(std::size_t count);

/// How many processes and threads this user may have (RLIMIT_NPROC), raised to the hard limit; the largest
/// number where there is no limit, or none for this user.
std::size_t processes_max();

} // namespace troupe
