// Many durations in little memory: their percentiles, to within one percent.
#pragma once

#include <chrono>
#include <cstdint>
#include <vector>

namespace troupe::scenarios {

/// Counts durations in buckets whose width grows with the duration; up to 64 KiB however
/// many there are. Negative ones count as 0. Not thread-safe.
class waiting_times {
 public:
  void add(std::chrono::nanoseconds);
  void add(const waiting_times&);
  std::uint64_t count() const { return count_; }
  /// The duration that a share of all (0 … 1) does not exceed; 0 if there is none.
  std::chrono::nanoseconds at(double share) const;
  std::chrono::nanoseconds max() const { return max_; } ///< exact

  /// Travels as its buckets; the sender is trusted.
  template <class Inspector>
  friend auto inspect(Inspector& f, waiting_times& x) {
    return f(x.buckets_, x.count_, x.max_);
  }

 private:
  std::vector<std::uint64_t> buckets_;
  std::uint64_t count_ = 0;
  std::chrono::nanoseconds max_{0};
};

} // namespace troupe::scenarios
