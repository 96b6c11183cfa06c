// Many durations in little memory: their percentiles, to within one percent.
#pragma once

#include <caf/error.hpp>
#include <caf/meta/load_callback.hpp>
#include <caf/sec.hpp>

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

  /// Travels as its buckets. What cannot have been counted is refused.
  template <class Inspector>
  friend typename Inspector::result_type inspect(Inspector& f, waiting_times& x) {
    auto look = [&x]() -> caf::error {
      return x.recount() ? caf::error{} : caf::error{caf::sec::invalid_argument};
    };
    return f(x.buckets_, x.max_, caf::meta::load_callback(look));
  }

 private:
  /// After the buckets came from elsewhere: false if these are none.
  bool recount();

  std::vector<std::uint64_t> buckets_;
  std::uint64_t count_ = 0;
  std::chrono::nanoseconds max_{0};
};

} // namespace troupe::scenarios
