#include "scenarios/dining_philosophers/parts.hpp"

#include <algorithm>

namespace troupe::scenarios::dining {

// -- fork_book -----------------------------------------------------------------------

std::uint64_t fork_book::grant(std::uint64_t seat) {
  if (holder_) ++second_hands_;
  holder_ = seat;
  return ++grants_;
}

void fork_book::put(std::uint64_t seat, std::uint64_t grant_number, std::uint64_t meals,
                    const meal_times& when) {
  if (holder_ != seat || grant_number != grants_)
    ++second_hands_;
  else
    holder_.reset();
  if (meals == 0) return;
  meals_ += meals;
  if (when.clock == last_.clock && when.began < last_.ended) ++overlaps_;
  if (when.clock != last_.clock || when.ended > last_.ended) last_ = when;
}

// -- waiter_book -----------------------------------------------------------------------

waiter_book::waiter_book(waiter_rule rule, std::uint64_t seats) : rule_(rule), places_(seats) {}

bool waiter_book::blocks(std::uint64_t neighbour, std::uint64_t ticket) const {
  const auto& place = places_[neighbour];
  return place.eating || (place.ticket != 0 && place.ticket < ticket);
}

bool waiter_book::may_begin(std::uint64_t seat) const {
  const auto ticket = places_[seat].ticket;
  return ticket != 0 && !blocks(left_of(seat), ticket) && !blocks(right_of(seat), ticket);
}

waiter_book::admitted waiter_book::ask(std::uint64_t seat) {
  if (rule_ == waiter_rule::seats) {
    if (sitting_ + 1 < places_.size()) {
      ++sitting_;
      return {seat, std::nullopt};
    }
    queue_.push_back(seat);
    return {};
  }
  places_[seat].ticket = ++tickets_;
  if (!may_begin(seat)) return {};
  places_[seat] = {true, 0};
  return {seat, std::nullopt};
}

waiter_book::admitted waiter_book::leave(std::uint64_t seat) {
  if (rule_ == waiter_rule::seats) {
    if (queue_.empty()) {
      --sitting_;
      return {};
    }
    const auto next = queue_.front();
    queue_.erase(queue_.begin());
    return {next, std::nullopt};
  }
  places_[seat].eating = false;
  admitted result;
  std::size_t count = 0;
  // Only the neighbours can have waited for these two forks; with two philosophers they are one.
  for (auto neighbour : {left_of(seat), right_of(seat)})
    if (may_begin(neighbour)) {
      places_[neighbour] = {true, 0};
      result[count++] = neighbour;
    }
  return result;
}

// -- timeline --------------------------------------------------------------------------

void timeline::double_width() {
  for (std::size_t i = 0; i < intervals / 2; ++i)
    counts_[i] = counts_[2 * i] + counts_[2 * i + 1];
  std::fill(counts_.begin() + intervals / 2, counts_.end(), 0);
  width_ *= 2;
}

std::size_t timeline::used() const {
  std::size_t result = intervals;
  while (result > 0 && counts_[result - 1] == 0)
    --result;
  return result;
}

void timeline::count(duration since_start) {
  const auto at = std::max(since_start, duration{0});
  while (static_cast<std::size_t>(at / width_) >= intervals)
    double_width();
  ++counts_[static_cast<std::size_t>(at / width_)];
}

void timeline::add(const timeline& other) {
  auto copy = other;
  while (width_ < copy.width_)
    double_width();
  while (copy.width_ < width_)
    copy.double_width();
  for (std::size_t i = 0; i < intervals; ++i)
    counts_[i] += copy.counts_[i];
}

void timeline::coarsen(std::size_t most) {
  while (used() > std::max<std::size_t>(most, 1))
    double_width();
}

std::vector<std::uint64_t> timeline::counts() const {
  return {counts_.begin(), counts_.begin() + static_cast<std::ptrdiff_t>(used())};
}

double jain_index(const std::vector<double>& shares) {
  double sum = 0, squares = 0;
  for (auto share : shares) {
    sum += share;
    squares += share * share;
  }
  return squares > 0 ? sum * sum / (static_cast<double>(shares.size()) * squares) : 1;
}

} // namespace troupe::scenarios::dining
