// The time of a run, against its deadline.
#pragma once

#include "actors/runtime/seeded_turns.hpp"

#include <chrono>
#include <optional>

namespace troupe::scenarios {

/// Begins when it is made, before any node has joined. The actors of a seeded run have a time of their own,
/// which begins when they do. Not thread-safe.
class run_clock {
 public:
  using clock = std::chrono::steady_clock;
  using nanoseconds = std::chrono::nanoseconds;

  explicit run_clock(std::optional<nanoseconds> deadline) : deadline_(deadline) {}

  /// All nodes are there.
  void on_nodes_there() { nodes_there_ = clock::now(); }
  /// In a seeded run: the turns that its actors take; null again before they are destroyed.
  void follow(const seeded_turns* turns) { turns_ = turns; }
  /// From now on the actors' own time counts for the deadline, if they have one.
  void on_wired() { wired_ = true; }

  clock::time_point begun() const { return begun_; }
  std::optional<clock::time_point> nodes_there() const { return nodes_there_; }
  /// Until the deadline; nothing: there is none.
  std::optional<nanoseconds> time_left() const {
    if (!deadline_) return std::nullopt;
    return *deadline_ - (wired_ && turns_ != nullptr ? turns_->elapsed() : clock::now() - begun_);
  }
  bool deadline_passed() const {
    const auto left = time_left();
    return left && left->count() <= 0;
  }
  /// Of a result that came at that time; a seeded run is looked at when its result has just come.
  bool in_time(clock::time_point finished_at) const {
    return !deadline_ || (turns_ != nullptr ? turns_->elapsed() : finished_at - begun_) <= *deadline_;
  }
  /// From when the nodes were there to `end`; virtual time, until now, in a seeded run.
  nanoseconds elapsed(clock::time_point end) const {
    return turns_ != nullptr ? turns_->elapsed() : end - nodes_there_.value_or(begun_);
  }

 private:
  const std::optional<nanoseconds> deadline_;
  const clock::time_point begun_ = clock::now();
  std::optional<clock::time_point> nodes_there_;
  const seeded_turns* turns_ = nullptr;
  bool wired_ = false;
};

} // namespace troupe::scenarios
