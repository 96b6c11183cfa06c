// Which traces of a run that is on have ended before their nodes, and why.
#pragma once

#include <chrono>
#include <filesystem>
#include <set>
#include <string>
#include <vector>

namespace troupe::scenarios {

/// Looks at the traces in a run directory, as their nodes write them. Not thread-safe.
class trace_endings {
 public:
  enum class when { now, due }; ///< due: once a second

  explicit trace_endings(std::filesystem::path run_dir) : run_dir_(std::move(run_dir)) {}
  /// What has ended since the last call, a sentence for each reason. Times are told since `started`.
  std::vector<std::string> look(when, std::chrono::steady_clock::time_point started);

 private:
  const std::filesystem::path run_dir_;
  std::set<std::filesystem::path> told_;
  std::chrono::steady_clock::time_point next_{};
};

} // namespace troupe::scenarios
