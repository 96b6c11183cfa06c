// What the actors around the table say to each other.
//
// A philosopher who waits has an open request: `take_fork` to a fork, or `ask_to_sit` to
// the waiter; the answer comes when it is its turn.
#pragma once

#include "scenarios/dining_philosophers/parts.hpp"

#include <caf/actor.hpp>
#include <caf/meta/type_name.hpp>
#include <caf/timespan.hpp>

#include <string>

namespace troupe {
class message_catalog;
}

namespace troupe::scenarios::dining {

enum class strategy_kind : std::uint8_t { naive, ordered, waiter, chandy_misra, backoff };

/// What all philosophers of a run have in common.
struct dining_rules {
  strategy_kind strategy = strategy_kind::ordered;
  waiter_rule waiter = waiter_rule::seats;
  std::uint64_t philosophers = 0;
  std::uint64_t meals = 0; ///< each
  std::uint64_t seed = 0;
  caf::timespan thinking{0}, eating{0};
  caf::timespan pause{0};   ///< between the first and the second fork
  caf::timespan backoff{0}; ///< after the first failure
  double jitter = 0;        ///< share by which times vary, both ways
};
TROUPE_MESSAGE(dining_rules, strategy, waiter, philosophers, meals, seed, thinking, eating, pause, backoff,
               jitter)

/// Wiring -> philosopher, as it is spawned.
struct place_setting {
  std::uint64_t seat = 0;
  dining_rules rules;
  caf::actor left, right; ///< forks
  caf::actor waiter;      ///< null without one
  caf::actor table;
};
TROUPE_MESSAGE(place_setting, seat, rules, left, right, waiter, table)

/// Wiring -> table: everybody is there.
struct table_set {
  dining_rules rules;
  std::vector<caf::actor> forks, philosophers;
  caf::actor waiter;
};
TROUPE_MESSAGE(table_set, rules, forks, philosophers, waiter)

// -- the beginning -----------------------------------------------------------------------

/// Table -> fork, a request: lie on the table, or in the hand of one who has it at first.
struct lay_fork {
  caf::actor holder; ///< null: nobody
  std::uint64_t seat = 0;
};
TROUPE_MESSAGE(lay_fork, holder, seat)
struct fork_laid {};
TROUPE_MESSAGE(fork_laid)
/// Table -> philosopher, when all forks lie.
struct start_dining {
  bool holds_left = false, holds_right = false;
};
TROUPE_MESSAGE(start_dining, holds_left, holds_right)

// -- forks ---------------------------------------------------------------------------------

/// Philosopher -> fork, a request: answered with fork_taken when it is free.
struct take_fork {
  std::uint64_t seat = 0;
};
TROUPE_MESSAGE(take_fork, seat)
/// Philosopher -> fork: answered at once, with fork_taken or fork_busy.
struct try_fork {
  std::uint64_t seat = 0;
};
TROUPE_MESSAGE(try_fork, seat)
struct fork_taken {
  std::uint64_t fork = 0;
  std::uint64_t grant = 0; ///< counts the times this fork was taken
};
TROUPE_MESSAGE(fork_taken, fork, grant)
struct fork_busy {
  std::uint64_t fork = 0;
};
TROUPE_MESSAGE(fork_busy, fork)
/// Fork -> its holder (Chandy-Misra): your neighbour asks for it.
struct fork_wanted {
  std::uint64_t fork = 0;
  std::uint64_t grant = 0;
};
TROUPE_MESSAGE(fork_wanted, fork, grant)
/// Philosopher -> fork.
struct put_fork {
  std::uint64_t seat = 0;
  std::uint64_t grant = 0;
  std::uint64_t meals = 0; ///< eaten with it since it was taken
  meal_times when;         ///< from the first one's begin to the last one's end
};
TROUPE_MESSAGE(put_fork, seat, grant, meals, when)

// -- the waiter ----------------------------------------------------------------------------

/// Philosopher -> waiter, a request: answered with please_sit when it may begin.
struct ask_to_sit {
  std::uint64_t seat = 0;
};
TROUPE_MESSAGE(ask_to_sit, seat)
struct please_sit {};
TROUPE_MESSAGE(please_sit)
struct stand_up {
  std::uint64_t seat = 0;
};
TROUPE_MESSAGE(stand_up, seat)

// -- what a philosopher tells itself -----------------------------------------------------

struct done_thinking {};
TROUPE_MESSAGE(done_thinking)
struct pause_over {};
TROUPE_MESSAGE(pause_over)
struct done_eating {};
TROUPE_MESSAGE(done_eating)
struct try_again {};
TROUPE_MESSAGE(try_again)

// -- the end -------------------------------------------------------------------------------

/// Philosopher -> table, now and then.
struct meals_eaten {
  std::uint64_t seat = 0;
  std::uint64_t meals = 0;
  std::string node;
};
TROUPE_MESSAGE(meals_eaten, seat, meals, node)
/// Philosopher -> table, once: it is through, or was told to leave.
struct philosopher_report {
  std::uint64_t seat = 0;
  std::string node;
  std::uint64_t meals = 0;
  std::uint64_t failures = 0; ///< times it found a fork busy and gave up
  caf::timespan hungry{0};    ///< in all
  caf::timespan longest_hunger{0};
  caf::timespan elapsed{0}; ///< from the start to its last meal
  timeline over_time;
};
TROUPE_MESSAGE(philosopher_report, seat, node, meals, failures, hungry, longest_hunger, elapsed, over_time)
/// Philosopher -> table: a fork or the waiter is gone.
struct dinner_spoilt {
  std::string why;
};
TROUPE_MESSAGE(dinner_spoilt, why)
/// Table -> philosopher: the dinner ends early.
struct leave_table {};
TROUPE_MESSAGE(leave_table)
/// Table -> fork, a request: answered with fork_report when it lies on the table.
struct clear_fork {};
TROUPE_MESSAGE(clear_fork)
struct fork_report {
  std::uint64_t fork = 0;
  std::uint64_t grants = 0;
  std::uint64_t meals = 0;
  std::uint64_t second_hands = 0;
  std::uint64_t overlaps = 0;
};
TROUPE_MESSAGE(fork_report, fork, grants, meals, second_hands, overlaps)
/// Table -> everybody: go home.
struct table_cleared {};
TROUPE_MESSAGE(table_cleared)

void add_messages(message_catalog&);

} // namespace troupe::scenarios::dining
