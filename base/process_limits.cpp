#include "base/process_limits.hpp"

#include <algorithm>
#include <condition_variable>
#include <filesystem>
#include <limits>
#include <mutex>
#include <stdexcept>
#include <string>
#include <sys/resource.h>
#include <system_error>
#include <thread>
#include <unistd.h>
#include <vector>

namespace troupe {

namespace {

constexpr std::size_t no_limit = std::numeric_limits<std::size_t>::max();

std::size_t count_of(rlim_t limit) {
  return limit == RLIM_INFINITY ? no_limit : static_cast<std::size_t>(limit);
}

std::size_t open_files() {
  std::error_code error;
  std::size_t count = 0;
  for (std::filesystem::directory_iterator each("/proc/self/fd", error), end; !error && each != end;
       each.increment(error))
    ++count;
  return count;
}

} // namespace

std::size_t files_left(std::size_t wanted) {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return no_limit;
  const auto open = open_files();
  if (const auto needed = static_cast<rlim_t>(open + wanted); limit.rlim_cur < needed) {
    limit.rlim_cur = std::min(limit.rlim_max, needed);
    ::setrlimit(RLIMIT_NOFILE, &limit);
    ::getrlimit(RLIMIT_NOFILE, &limit);
  }
  const auto files = count_of(limit.rlim_cur);
  return files - std::min(files, open);
}

std::size_t files_max() {
  rlimit limit{};
  return ::getrlimit(RLIMIT_NOFILE, &limit) == 0 ? count_of(limit.rlim_max) : no_limit;
}

void demand_files(std::size_t count) {
  if (const auto left = files_left(count); left < count)
    throw std::runtime_error("a node needs " + std::to_string(count)
                             + " more open files, and this process may open " + std::to_string(left)
                             + ": raise the limit (`ulimit -n`)");
}

void demand_threads(std::size_t count) {
  std::mutex mutex;
  std::condition_variable changed;
  bool over = false;
  std::vector<std::thread> threads;
  const auto end_all = [&] {
    {
      const std::lock_guard lock(mutex);
      over = true;
      changed.notify_all();
    }
    for (auto& each : threads)
      each.join();
  };
  threads.reserve(count);
  try {
    while (threads.size() < count)
      threads.emplace_back([&] {
        std::unique_lock lock(mutex);
        changed.wait(lock, [&] { return over; });
      });
  } catch (const std::system_error& e) {
    end_all();
    throw std::runtime_error("a node needs " + std::to_string(count) + " threads, and only "
                             + std::to_string(threads.size()) + " could be started (" + e.code().message()
                             + "): raise the limit of processes and threads (`ulimit -u`)");
  }
  end_all();
}

std::size_t processes_max() {
  rlimit limit{};
  // The kernel does not count for root, and not for who may raise limits.
  if (::geteuid() == 0 || ::getrlimit(RLIMIT_NPROC, &limit) != 0) return no_limit;
  if (limit.rlim_cur != limit.rlim_max) {
    limit.rlim_cur = limit.rlim_max;
    ::setrlimit(RLIMIT_NPROC, &limit);
    ::getrlimit(RLIMIT_NPROC, &limit);
  }
  return count_of(limit.rlim_cur);
}

} // namespace troupe
