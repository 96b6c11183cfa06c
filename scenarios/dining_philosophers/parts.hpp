// The bookkeeping of the dining philosophers, without any actor: who may eat, what a
// fork saw, and what it all amounts to.
//
// Seats and forks are numbered from 0 around the table. Fork i lies to the left of
// philosopher i; its right one is fork i + 1, and fork 0 for the last philosopher.
#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <optional>
#include <vector>

namespace troupe::scenarios::dining {

using duration = std::chrono::nanoseconds;

/// A meal as its eater measured it, by the steady clock of its host.
struct meal_times {
  duration began{0};
  duration ended{0};
  std::uint64_t clock = 0; ///< whose clock; times of different ones are not compared
};
template <class Inspector>
auto inspect(Inspector& f, meal_times& x) {
  return f(x.began, x.ended, x.clock);
}

/// What a fork counts about its users. It trusts nobody: each grant has a number, and
/// who puts the fork down says which grant it was and when the meals with it were.
class fork_book {
 public:
  /// The fork goes into the hand of `seat`; returns the number of this grant, from 1.
  std::uint64_t grant(std::uint64_t seat);
  /// The fork comes back, after `meals` meals between the two times.
  void put(std::uint64_t seat, std::uint64_t grant_number, std::uint64_t meals, const meal_times&);

  bool held() const { return holder_.has_value(); }
  std::uint64_t meals() const { return meals_; }
  std::uint64_t grants() const { return grants_; }
  /// Granted while in somebody's hand, or put down by one who did not hold it.
  std::uint64_t second_hands() const { return second_hands_; }
  /// Meals with this fork that began before an earlier one had ended: its two users,
  /// who are neighbours, ate together.
  std::uint64_t overlaps() const { return overlaps_; }

 private:
  std::optional<std::uint64_t> holder_;
  std::uint64_t grants_ = 0;
  std::uint64_t meals_ = 0;
  std::uint64_t second_hands_ = 0;
  std::uint64_t overlaps_ = 0;
  meal_times last_{};
};

enum class waiter_rule : std::uint8_t {
  seats, ///< all but one may sit and take their forks as they like
  both,  ///< who may begin finds both forks on the table
};

/// Whom the waiter lets begin. In order of asking, so that nobody starves: with `both`,
/// nobody gets a fork that a neighbour waits for longer.
class waiter_book {
 public:
  /// At most two seats can begin because of one event.
  using admitted = std::array<std::optional<std::uint64_t>, 2>;

  waiter_book(waiter_rule, std::uint64_t seats);
  admitted ask(std::uint64_t seat);
  admitted leave(std::uint64_t seat);

 private:
  struct place {
    bool eating = false;
    std::uint64_t ticket = 0; ///< order of asking; 0: does not wait
  };
  bool may_begin(std::uint64_t seat) const;
  bool blocks(std::uint64_t neighbour, std::uint64_t ticket) const;
  std::uint64_t left_of(std::uint64_t seat) const { return (seat + places_.size() - 1) % places_.size(); }
  std::uint64_t right_of(std::uint64_t seat) const { return (seat + 1) % places_.size(); }

  waiter_rule rule_;
  std::vector<place> places_;
  std::uint64_t tickets_ = 0;
  std::uint64_t sitting_ = 0;
  std::vector<std::uint64_t> queue_; ///< with `seats`: who waits, first come first
};

/// Meals over time in a fixed number of intervals, which double in width when the time
/// runs out of them.
class timeline {
 public:
  static constexpr std::size_t intervals = 32;
  static constexpr duration finest{std::chrono::milliseconds{1}};

  /// Counts one at this time since the start.
  void count(duration since_start);
  void add(const timeline&);
  /// Joins neighbours until at most `most` intervals are in use.
  void coarsen(std::size_t most);

  duration width() const { return width_; }
  /// Up to the last one that is not 0.
  std::vector<std::uint64_t> counts() const;

  template <class Inspector>
  friend auto inspect(Inspector& f, timeline& x) {
    return f(x.width_, x.counts_);
  }

 private:
  void double_width();
  std::size_t used() const;

  duration width_ = finest;
  std::array<std::uint64_t, intervals> counts_{};
};

/// Jain's index: 1 where all are equal, 1/n where one has everything; 1 for nobody.
double jain_index(const std::vector<double>&);

} // namespace troupe::scenarios::dining
