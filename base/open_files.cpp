#include "base/open_files.hpp"

#include <algorithm>
#include <mutex>
#include <sys/resource.h>

namespace troupe {

namespace {

/// What this process needs for everything that reserves nothing.
constexpr std::size_t files_for_others = 256;

std::mutex mutex;
std::size_t reserved = 0; ///< by all reservations of this process

} // namespace

file_reservation::file_reservation(std::size_t wanted) {
  const std::lock_guard lock(mutex);
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) {
    granted_ = wanted; // what cannot be had will be told when it is opened
  } else {
    const auto needed = static_cast<rlim_t>(files_for_others + reserved + wanted);
    if (limit.rlim_cur < needed) {
      limit.rlim_cur = std::min(limit.rlim_max, needed);
      ::setrlimit(RLIMIT_NOFILE, &limit);
      ::getrlimit(RLIMIT_NOFILE, &limit);
    }
    const auto files = static_cast<std::size_t>(limit.rlim_cur);
    granted_ = std::min(wanted, files - std::min(files, files_for_others + reserved));
  }
  reserved += granted_;
}

file_reservation::~file_reservation() {
  const std::lock_guard lock(mutex);
  reserved -= granted_;
}

} // namespace troupe
