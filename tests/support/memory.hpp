// What memory a process uses.
#pragma once

#include "tests/support/text.hpp"

#include <sys/types.h>
#include <unistd.h>

#include <cstdint>
#include <stdexcept>
#include <string>

namespace troupe::testing {

/// A field of proc(5)'s status file that is in KiB, without its colon.
inline std::int64_t status_kib(pid_t pid, const std::string& field) {
  const auto path = "/proc/" + std::to_string(pid) + "/status";
  const auto status = content_of(path);
  const auto at = status.find("\n" + field + ":");
  if (at == std::string::npos) throw std::runtime_error("no " + field + " in " + path);
  return std::stoll(status.substr(at + field.size() + 2));
}

/// The memory that a process has now.
inline std::int64_t resident_kib(pid_t pid = ::getpid()) { return status_kib(pid, "VmRSS"); }

/// The most memory that a process has had.
inline std::int64_t peak_kib(pid_t pid = ::getpid()) { return status_kib(pid, "VmHWM"); }

} // namespace troupe::testing
