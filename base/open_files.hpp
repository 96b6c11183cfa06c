// How many files (sockets count as such) a process may have open.
#pragma once

#include <cstddef>

namespace troupe {

/// Open files kept for one purpose, until it is destroyed. The limit that the system sets a
/// process (RLIMIT_NOFILE) is raised for it, as far as the hard limit lets it. The limit is
/// that of the whole process, so all of these count together. Thread-safe.
class file_reservation {
 public:
  explicit file_reservation(std::size_t wanted);
  ~file_reservation();
  file_reservation(const file_reservation&) = delete;
  file_reservation& operator=(const file_reservation&) = delete;

  /// At most as many as were wanted; fewer where the limit is too low.
  std::size_t granted() const { return granted_; }

 private:
  std::size_t granted_ = 0;
};

} // namespace troupe
