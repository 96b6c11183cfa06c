// What a dinner amounts to.
#pragma once

#include "actors/codec/message.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace troupe::scenarios::dining {

struct philosopher_row {
  std::uint64_t philosopher = 0;
  std::string node{};
  std::uint64_t meals = 0;
  double hunger_mean_s = 0, hunger_longest_s = 0;
  std::optional<std::uint64_t> failures{}; ///< with the strategy backoff
};
TROUPE_FIELDS(philosopher_row, philosopher, node, meals, hunger_mean_s, hunger_longest_s, failures)

struct meals_by_time {
  double interval_s = 0;
  std::vector<std::uint64_t> meals;
};
TROUPE_FIELDS(meals_by_time, interval_s, meals)

struct forks_row {
  std::uint64_t taken = 0, in_two_hands = 0;
  std::uint64_t neighbours_eating_together = 0;
  std::uint64_t with_other_counts = 0; ///< of meals, than their two users
};
TROUPE_FIELDS(forks_row, taken, in_two_hands, neighbours_eating_together, with_other_counts)

struct dinner {
  std::uint64_t philosophers = 0, meals_each = 0;
  std::vector<philosopher_row> per_philosopher{};
  std::uint64_t meals = 0, left_undone = 0;
  double fairness = 0; ///< Jain's index of the meals each had in a second
  double longest_hunger_s = 0, mean_hunger_s = 0;
  double elapsed_s = 0, meals_per_s = 0;
  meals_by_time meals_over_time{};
  forks_row forks{};
  std::optional<std::uint64_t> failures{}; ///< with the strategy backoff
};
TROUPE_FIELDS(dinner, philosophers, meals_each, per_philosopher, meals, left_undone, fairness,
              longest_hunger_s, mean_hunger_s, elapsed_s, meals_per_s, meals_over_time, forks, failures)

} // namespace troupe::scenarios::dining
