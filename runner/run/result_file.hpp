// The files that the launcher itself writes into the run directory: the plan and the result.
#pragma once

#include "base/files.hpp"
#include "runner/plan/plan.hpp"
#include "runner/run/runner.hpp"

namespace troupe::scenarios {

/// Writes plan.json, with the seed of this run: with it the run can be replayed. Throws file_error, and
/// std::runtime_error if the directory is another run's.
void write_plan(const std::filesystem::path& run_dir, const plan&, std::uint64_t seed);

/// Room for result.json is taken before the traces get any. Not thread-safe.
class result_file {
 public:
  /// Throws file_error.
  explicit result_file(const std::filesystem::path& run_dir);
  /// Why it could not be written, a sentence; empty: it is in its place, and on the disk.
  std::string write(const outcome&);

 private:
  whole_file file_;
};

} // namespace troupe::scenarios
