#include "actors/runtime/known_threads.hpp"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <mutex>
#include <set>
#include <string>
#include <unistd.h>

namespace troupe {

namespace {

/// Of all actor systems of the process.
struct {
  std::mutex mutex;
  std::set<pid_t> threads;
} caf_made;

bool has_known_name(const std::filesystem::path& task) {
  std::string name;
  std::getline(std::ifstream{task / "comm"}, name);
  return name.empty() // it has just ended
         || name.starts_with("troupe.") || name.starts_with("ZMQbg");
}

} // namespace

void thread_register::thread_started() {
  const std::lock_guard lock{caf_made.mutex};
  caf_made.threads.insert(::gettid());
}

void thread_register::thread_terminates() {
  const std::lock_guard lock{caf_made.mutex};
  caf_made.threads.erase(::gettid());
}

std::int64_t threads_of_nobody() {
  std::int64_t count = 0;
  std::error_code problem;
  std::filesystem::directory_iterator tasks{"/proc/self/task", problem};
  if (problem) return 1; // better too cautious than wrong
  for (const auto end = std::filesystem::directory_iterator{}; !problem && tasks != end;
       tasks.increment(problem)) {
    const auto id = static_cast<pid_t>(std::atol(tasks->path().filename().c_str()));
    if (id == ::getpid() || id == ::gettid()) continue;
    {
      const std::lock_guard lock{caf_made.mutex};
      if (caf_made.threads.contains(id)) continue;
    }
    count += has_known_name(tasks->path()) ? 0 : 1;
  }
  return count;
}

} // namespace troupe
