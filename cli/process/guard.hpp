// A small process that cleans up after a launcher that was killed.
#pragma once

#include "base/descriptor.hpp"

#include <filesystem>
#include <string>
#include <sys/types.h>
#include <vector>

namespace troupe::cli {

/// What a killed launcher cannot do any more, a guard does: kill the process groups that
/// are left (processes that a node started are not reached by the death signal of their
/// grandparent) and remove the socket files of the run. It is told through a socket and
/// acts when that ends without a goodbye. It is no child of the launcher, and in a
/// session of its own, so that nothing that is aimed at the launcher hits it.
class guard {
 public:
  /// Executes `program` with these arguments, which must end up in serve_guard(). Throws
  /// std::system_error.
  guard(const std::string& program, const std::vector<std::string>& arguments);
  /// Nothing is left to clean up.
  ~guard();
  guard(const guard&) = delete;
  guard& operator=(const guard&) = delete;

  void watch_group(pid_t leader);
  void forget_group(pid_t leader);
  /// The sockets in that directory are to be removed, then the directory if it is empty.
  void watch_sockets(const std::filesystem::path& directory);

 private:
  void tell(const std::string& line);
  descriptor line_;
};

/// The guard process itself: reads stdin to its end. Returns the exit code.
int serve_guard();

} // namespace troupe::cli
