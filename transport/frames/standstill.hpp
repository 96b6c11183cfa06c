// Whoever measures the absence of others must know when it was absent itself.
#pragma once

#include "transport/frames/limits.hpp"

#include <algorithm>
#include <chrono>

namespace troupe::transport {

/// Finds that this process did not run: it was stopped, or its machine stood still. Knows no clock;
/// whoever has one says when it will look again at the latest, and then looks. Not thread-safe.
class standstill_watch {
 public:
  using time_point = std::chrono::steady_clock::time_point;
  using duration = std::chrono::nanoseconds;

  explicit standstill_watch(time_point now, duration least = limits::local_standstill)
      : least_(least), expected_(now) {}

  /// How often to look, so that what is at least twice as long as `least` is found for certain.
  duration interval() const { return least_; }
  /// The caller may sleep now, until then.
  void sleeps_until(time_point t) { expected_ = std::max(expected_, t); }
  /// How long it was late, if that is worth the name; else zero.
  duration look(time_point now) {
    const duration late = now - expected_;
    expected_ = now;
    return late >= least_ ? late : duration{0};
  }

 private:
  duration least_;
  time_point expected_;
};

/// A limit of time for others to do something. It begins anew when this process stood still,
/// so that nobody is blamed for that. It is to be asked several times a limits::local_standstill.
class waiting_limit {
 public:
  using time_point = standstill_watch::time_point;

  waiting_limit(std::chrono::nanoseconds whole, time_point now) : whole_(whole), watch_(now) { renew(now); }

  void renew(time_point now) {
    const bool for_ever = whole_ >= time_point::max() - now;
    until_ = for_ever ? time_point::max() : now + std::chrono::duration_cast<time_point::duration>(whole_);
  }
  bool is_over(time_point now) {
    if (watch_.look(now).count() > 0) renew(now);
    return now >= until_;
  }

 private:
  std::chrono::nanoseconds whole_;
  standstill_watch watch_;
  time_point until_{};
};

} // namespace troupe::transport
