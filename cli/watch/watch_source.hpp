// What is known of a run while it is on: the source of its metrics and of its picture.
#pragma once

#include "cli/terminal/progress.hpp"
#include "trace/live/live.hpp"

#include <deque>

namespace troupe::cli {

struct run_snapshot {
  struct presence {
    bool up = false;
    std::string why; ///< it is not
  };
  std::string scenario;
  trace::live_state live;
  std::map<std::string, presence> nodes; ///< that have joined so far; the launcher knows
  progress how_far;
  std::deque<std::string> messages;  ///< the last ones, one line each
  std::chrono::nanoseconds taken{0}; ///< CLOCK_MONOTONIC
};

/// Thread-safe.
class run_source {
 public:
  static constexpr std::size_t messages_max = 8;

  explicit run_source(std::string scenario);
  /// From now on there are files to look at.
  void begin(const std::filesystem::path& run_dir);
  void node_changed(const std::string& name, bool up, const std::string& why);
  void progressed(std::uint64_t done, std::uint64_t total);
  void said(std::string_view line);
  run_snapshot look();

 private:
  std::mutex mutex_;   ///< of what is told; nobody who tells waits for files to be read
  run_snapshot known_; ///< but for `live`
  std::mutex view_mutex_;
  std::optional<trace::live_view> view_;
  std::chrono::steady_clock::time_point began_;
};

} // namespace troupe::cli
