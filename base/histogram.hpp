// Many durations in little memory: their percentiles, to within one percent.
#pragma once

#include <chrono>
#include <cstdint>
#include <vector>

namespace troupe {

/// Counts durations in buckets whose width grows with the duration; up to 64 KiB however
/// many there are. Negative ones count as 0. Not thread-safe.
class histogram {
 public:
  void add(std::chrono::nanoseconds);
  void add(const histogram&);
  std::uint64_t count() const { return count_; }
  /// The duration that a share of all (0 … 1) does not exceed; 0 if there is none.
  std::chrono::nanoseconds at(double share) const;
  std::chrono::nanoseconds max() const { return max_; } ///< exact

  /// For a serialiser: its parts, of which recount() says whether they can be those of one.
  template <class Visit>
  auto with_parts(Visit visit) {
    return visit(buckets_, max_);
  }
  /// After with_parts() has changed them: false if nobody can have counted these.
  bool recount();

 private:
  std::vector<std::uint64_t> buckets_;
  std::uint64_t count_ = 0;
  std::chrono::nanoseconds max_{0};
};

} // namespace troupe
