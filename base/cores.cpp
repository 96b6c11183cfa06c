#include "base/cores.hpp"

#include <cerrno>
#include <sched.h>
#include <system_error>

namespace troupe {

std::vector<int> usable_cores(pid_t pid) {
  cpu_set_t set;
  if (::sched_getaffinity(pid, sizeof set, &set) != 0)
    throw std::system_error(errno, std::generic_category(), "sched_getaffinity");
  std::vector<int> cores;
  for (int i = 0; i < CPU_SETSIZE; ++i)
    if (CPU_ISSET(static_cast<unsigned>(i), &set)) cores.push_back(i);
  return cores;
}

std::vector<std::vector<int>> split_cores(const std::vector<int>& cores, std::size_t users) {
  std::vector<std::vector<int>> parts(users);
  const auto begin_of = [&](std::size_t user) {
    return cores.begin() + static_cast<std::ptrdiff_t>(user * cores.size() / users);
  };
  for (std::size_t i = 0; i < users; ++i)
    parts[i] = users < cores.size() ? std::vector(begin_of(i), begin_of(i + 1))
                                    : std::vector{cores[i % cores.size()]};
  return parts;
}

} // namespace troupe
