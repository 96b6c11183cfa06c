// How far a run is, on a terminal as a bar, elsewhere as an occasional line.
#pragma once

#include "cli/terminal/console.hpp"

#include <chrono>
#include <map>
#include <mutex>

namespace troupe::cli {

struct progress {
  std::uint64_t done = 0;
  std::uint64_t total = 0; ///< 0: unknown
  std::map<std::string, std::uint64_t> per_node;
  std::chrono::nanoseconds elapsed{0};
};

/// "[=====>    ]  50/100  50 %  10/s  5 s left  w1 20 w2 30"; without the bar if `bar`
/// is false.
std::string progress_line(const progress&, bool bar);

/// Thread-safe.
class progress_display {
 public:
  using clock = std::chrono::steady_clock;
  static constexpr std::chrono::milliseconds bar_interval{100};
  static constexpr std::chrono::seconds line_interval{5};

  progress_display(console& out, clock::time_point start) : out_(out), start_(start), shown_(start) {}
  void update(std::uint64_t done, std::uint64_t total, const std::map<std::string, std::uint64_t>& per_node,
              clock::time_point now);
  void end() { out_.status(""); }

 private:
  console& out_;
  const clock::time_point start_;
  std::mutex mutex_;
  clock::time_point shown_;
  bool any_ = false;
};

} // namespace troupe::cli
