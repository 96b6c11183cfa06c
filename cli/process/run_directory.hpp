// Makes the directory that one run owns.
#pragma once

#include <chrono>
#include <filesystem>
#include <stdexcept>
#include <string>

namespace troupe::cli {

/// Its what() is a sentence for the user.
struct run_directory_error : std::runtime_error {
  using std::runtime_error::runtime_error;
};

/// Makes OUT/<scenario>-<UTC time>-<random>, and OUT before it where that is missing.
/// Nobody else has a directory of this name, runs that start at once included.
std::filesystem::path make_run_directory(const std::filesystem::path& out, const std::string& scenario,
                                         std::chrono::system_clock::time_point now);

/// Points OUT/latest at `run`, in one step: whoever reads it sees the old or the new one.
void point_latest_at(const std::filesystem::path& run);

/// Follows `run` (a run directory, or OUT/latest). Throws run_directory_error if there is
/// none.
std::filesystem::path find_run(const std::filesystem::path& run);

} // namespace troupe::cli
