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
template <class Inspector>
auto inspect(Inspector& f, dining_rules& x) {
  return f(caf::meta::type_name("dining_rules"), x.strategy, x.waiter, x.philosophers, x.meals, x.seed,
           x.thinking, x.eating, x.pause, x.backoff, x.jitter);
}

/// Wiring -> philosopher, as it is spawned.
struct place_setting {
  std::uint64_t seat = 0;
  dining_rules rules;
  caf::actor left, right; ///< forks
  caf::actor waiter;      ///< null without one
  caf::actor table;
};
template <class Inspector>
auto inspect(Inspector& f, place_setting& x) {
  return f(caf::meta::type_name("place_setting"), x.seat, x.rules, x.left, x.right, x.waiter, x.table);
}

/// Wiring -> table: everybody is there.
struct table_set {
  dining_rules rules;
  std::vector<caf::actor> forks, philosophers;
  caf::actor waiter;
};
template <class Inspector>
auto inspect(Inspector& f, table_set& x) {
  return f(caf::meta::type_name("table_set"), x.rules, x.forks, x.philosophers, x.waiter);
}

// -- the beginning -----------------------------------------------------------------------

/// Table -> fork, a request: lie on the table, or in the hand of one who has it at first.
struct lay_fork {
  caf::actor holder; ///< null: nobody
  std::uint64_t seat = 0;
};
template <class Inspector>
auto inspect(Inspector& f, lay_fork& x) {
  return f(caf::meta::type_name("lay_fork"), x.holder, x.seat);
}
struct fork_laid {};
template <class Inspector>
auto inspect(Inspector& f, fork_laid&) {
  return f(caf::meta::type_name("fork_laid"));
}
/// Table -> philosopher, when all forks lie.
struct start_dining {
  bool holds_left = false, holds_right = false;
};
template <class Inspector>
auto inspect(Inspector& f, start_dining& x) {
  return f(caf::meta::type_name("start_dining"), x.holds_left, x.holds_right);
}

// -- forks ---------------------------------------------------------------------------------

/// Philosopher -> fork, a request: answered with fork_taken when it is free.
struct take_fork {
  std::uint64_t seat = 0;
};
template <class Inspector>
auto inspect(Inspector& f, take_fork& x) {
  return f(caf::meta::type_name("take_fork"), x.seat);
}
/// Philosopher -> fork: answered at once, with fork_taken or fork_busy.
struct try_fork {
  std::uint64_t seat = 0;
};
template <class Inspector>
auto inspect(Inspector& f, try_fork& x) {
  return f(caf::meta::type_name("try_fork"), x.seat);
}
struct fork_taken {
  std::uint64_t fork = 0;
  std::uint64_t grant = 0; ///< counts the times this fork was taken
};
template <class Inspector>
auto inspect(Inspector& f, fork_taken& x) {
  return f(caf::meta::type_name("fork_taken"), x.fork, x.grant);
}
struct fork_busy {
  std::uint64_t fork = 0;
};
template <class Inspector>
auto inspect(Inspector& f, fork_busy& x) {
  return f(caf::meta::type_name("fork_busy"), x.fork);
}
/// Fork -> its holder (Chandy-Misra): your neighbour asks for it.
struct fork_wanted {
  std::uint64_t fork = 0;
  std::uint64_t grant = 0;
};
template <class Inspector>
auto inspect(Inspector& f, fork_wanted& x) {
  return f(caf::meta::type_name("fork_wanted"), x.fork, x.grant);
}
/// Philosopher -> fork.
struct put_fork {
  std::uint64_t seat = 0;
  std::uint64_t grant = 0;
  std::uint64_t meals = 0; ///< eaten with it since it was taken
  meal_times when;         ///< from the first one's begin to the last one's end
};
template <class Inspector>
auto inspect(Inspector& f, put_fork& x) {
  return f(caf::meta::type_name("put_fork"), x.seat, x.grant, x.meals, x.when);
}

// -- the waiter ----------------------------------------------------------------------------

/// Philosopher -> waiter, a request: answered with please_sit when it may begin.
struct ask_to_sit {
  std::uint64_t seat = 0;
};
template <class Inspector>
auto inspect(Inspector& f, ask_to_sit& x) {
  return f(caf::meta::type_name("ask_to_sit"), x.seat);
}
struct please_sit {};
template <class Inspector>
auto inspect(Inspector& f, please_sit&) {
  return f(caf::meta::type_name("please_sit"));
}
struct stand_up {
  std::uint64_t seat = 0;
};
template <class Inspector>
auto inspect(Inspector& f, stand_up& x) {
  return f(caf::meta::type_name("stand_up"), x.seat);
}

// -- what a philosopher tells itself -----------------------------------------------------

struct done_thinking {};
template <class Inspector>
auto inspect(Inspector& f, done_thinking&) {
  return f(caf::meta::type_name("done_thinking"));
}
struct pause_over {};
template <class Inspector>
auto inspect(Inspector& f, pause_over&) {
  return f(caf::meta::type_name("pause_over"));
}
struct done_eating {};
template <class Inspector>
auto inspect(Inspector& f, done_eating&) {
  return f(caf::meta::type_name("done_eating"));
}
struct try_again {};
template <class Inspector>
auto inspect(Inspector& f, try_again&) {
  return f(caf::meta::type_name("try_again"));
}

// -- the end -------------------------------------------------------------------------------

/// Philosopher -> table, now and then.
struct meals_eaten {
  std::uint64_t seat = 0;
  std::uint64_t meals = 0;
  std::string node;
};
template <class Inspector>
auto inspect(Inspector& f, meals_eaten& x) {
  return f(caf::meta::type_name("meals_eaten"), x.seat, x.meals, x.node);
}
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
template <class Inspector>
auto inspect(Inspector& f, philosopher_report& x) {
  return f(caf::meta::type_name("philosopher_report"), x.seat, x.node, x.meals, x.failures, x.hungry,
           x.longest_hunger, x.elapsed, x.over_time);
}
/// Philosopher -> table: a fork or the waiter is gone.
struct dinner_spoilt {
  std::string why;
};
template <class Inspector>
auto inspect(Inspector& f, dinner_spoilt& x) {
  return f(caf::meta::type_name("dinner_spoilt"), x.why);
}
/// Table -> philosopher: the dinner ends early.
struct leave_table {};
template <class Inspector>
auto inspect(Inspector& f, leave_table&) {
  return f(caf::meta::type_name("leave_table"));
}
/// Table -> fork, a request: answered with fork_report when it lies on the table.
struct clear_fork {};
template <class Inspector>
auto inspect(Inspector& f, clear_fork&) {
  return f(caf::meta::type_name("clear_fork"));
}
struct fork_report {
  std::uint64_t fork = 0;
  std::uint64_t grants = 0;
  std::uint64_t meals = 0;
  std::uint64_t second_hands = 0;
  std::uint64_t overlaps = 0;
};
template <class Inspector>
auto inspect(Inspector& f, fork_report& x) {
  return f(caf::meta::type_name("fork_report"), x.fork, x.grants, x.meals, x.second_hands, x.overlaps);
}
/// Table -> everybody: go home.
struct table_cleared {};
template <class Inspector>
auto inspect(Inspector& f, table_cleared&) {
  return f(caf::meta::type_name("table_cleared"));
}

void add_messages(message_catalog&);

} // namespace troupe::scenarios::dining
