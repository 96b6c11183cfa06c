// The actors around the table.
#pragma once

#include "actors/runtime/traced_actor.hpp"
#include "scenarios/dining_philosophers/messages.hpp"

#include <caf/all.hpp>

#include <random>

namespace troupe::scenarios::dining {

struct fork_state {
  static inline const char* name = "fork";
  struct waiting {
    std::uint64_t seat;
    caf::actor who;
    caf::response_promise answer;
  };
  std::uint64_t number = 0;
  bool wants_back = false; ///< Chandy-Misra: holders keep it until they are asked
  fork_book book;
  caf::actor holder;
  std::vector<waiting> queue; ///< at most one: a fork has two users
  caf::response_promise clearing;
  bool cleared = false;
};
using fork_actor = actor_of<fork_state>;
caf::behavior fork(fork_actor*, std::uint64_t number, bool wants_back);

struct waiter_state {
  static inline const char* name = "waiter";
  std::optional<waiter_book> book;
  std::vector<caf::response_promise> answers; ///< by seat
};
using waiter_actor = actor_of<waiter_state>;
caf::behavior waiter(waiter_actor*, const dining_rules&);

/// A fork as its user sees it.
struct hand {
  caf::actor fork;
  std::uint64_t number = 0;
  bool holds = false;
  bool clean = false;  ///< Chandy-Misra: not used since it was taken
  bool wanted = false; ///< Chandy-Misra: the neighbour gets it after the meal
  std::uint64_t grant = 0;
  std::uint64_t meals = 0;
  caf::actor_clock::time_point first_began{}, last_ended{};
};

///   absent -> thinking -> hungry -> eating -> thinking ... -> leaving
enum class phase : std::uint8_t { absent, thinking, hungry, eating, leaving };

struct philosopher_state {
  static inline const char* name = "philosopher";
  place_setting at;
  std::array<hand, 2> hands; ///< in the order of taking
  phase now = phase::absent;
  std::uint64_t meals = 0;
  std::uint64_t failures = 0;
  unsigned failures_in_row = 0;
  caf::timespan hungry{0}, longest_hunger{0};
  caf::actor_clock::time_point started{}, hungry_since{}, began{}, last_meal{}, told{};
  timeline over_time;
  std::mt19937_64 random;
};
using philosopher_actor = actor_of<philosopher_state>;
caf::behavior philosopher(philosopher_actor*, const place_setting&);

struct table_state {
  static inline const char* name = "table";
  caf::actor collector;
  table_set set;
  std::vector<std::optional<philosopher_report>> philosophers;
  std::vector<std::optional<fork_report>> forks;
  std::size_t forks_laid = 0, reports = 0, fork_reports = 0;
  bool started = false, ended_early = false, finished = false;
  std::vector<std::uint64_t> meals; ///< as far as told
  std::vector<std::string> nodes;
  caf::actor_clock::time_point began{}, ended{}, told{};
};
using table_actor = actor_of<table_state>;
caf::behavior table(table_actor*, const caf::actor& collector);

} // namespace troupe::scenarios::dining
