// The philosopher: thinks, gets hungry, takes two forks as its strategy says, eats.
#include "base/host_identity.hpp"
#include "base/random.hpp"
#include "runner/plan/times.hpp"
#include "scenarios/dining_philosophers/actors.hpp"

namespace troupe::scenarios::dining {

namespace {

using std::chrono::milliseconds;

/// The waiting time after a failure doubles this often at most.
constexpr unsigned doublings_max = 6;

/// Tells the clocks of different hosts, and of time namespaces, apart: their times are not compared.
std::uint64_t clock_of_this_host() {
  static const std::uint64_t result = [] {
    std::uint64_t hash = 14695981039346656037ULL;
    for (auto c : boot_id() + '/' + time_namespace())
      hash = (hash ^ static_cast<unsigned char>(c)) * 1099511628211ULL;
    return hash;
  }();
  return result;
}

caf::timespan drawn(philosopher_actor* self, caf::timespan mean) {
  const auto jitter = self->state.at.rules.jitter;
  if (mean.count() == 0 || jitter == 0) return mean;
  const auto low = 1 - jitter, high = 1 + jitter;
  const auto factor = draw_share(self->state.random) * (high - low) + low;
  return caf::timespan{static_cast<std::int64_t>(static_cast<double>(mean.count()) * factor)};
}

// -- forks -------------------------------------------------------------------------------

void on_fork(philosopher_actor*, hand&, std::uint64_t grant);
void think(philosopher_actor*);

hand& hand_with(philosopher_actor* self, std::uint64_t fork) {
  auto& hands = self->state.hands;
  return hands[hands[0].number == fork ? 0 : 1];
}

void on_lost(philosopher_actor* self, const std::string& what, const caf::error& why) {
  // When a node is lost the run itself knows and says so.
  if (self->state.now == phase::leaving || why == caf::exit_reason::remote_link_unreachable) return;
  self->send(self->state.at.table,
             dinner_spoilt{what + " did not answer philosopher " + std::to_string(self->state.at.seat) + ": "
                           + self->system().render(why)});
}

/// Philosopher i waits for fork j.
void take(philosopher_actor* self, hand& from) {
  self->request(from.fork, caf::infinite, take_fork{self->state.at.seat})
      .then([self, &from](const fork_taken& what) { on_fork(self, from, what.grant); },
            [self, &from](const caf::error& why) {
              on_lost(self, "fork " + std::to_string(from.number), why);
            });
}

void put_down(philosopher_actor* self, hand& from) {
  if (!from.holds) return;
  from.holds = false;
  from.wanted = false;
  put_fork what{self->state.at.seat, from.grant, from.meals, {}};
  if (from.meals != 0)
    what.when = {from.first_began.time_since_epoch(), from.last_ended.time_since_epoch(),
                 clock_of_this_host()};
  self->send(from.fork, what);
}

// -- eating --------------------------------------------------------------------------------

void tell_table(philosopher_actor* self, caf::actor_clock::time_point now) {
  auto& state = self->state;
  if (now - state.told < telling_interval) return;
  state.told = now;
  self->send(state.at.table, meals_eaten{state.at.seat, state.meals, self->node_name()});
}

void leave(philosopher_actor* self) {
  auto& state = self->state;
  state.now = phase::leaving;
  for (auto& each : state.hands)
    put_down(self, each);
  self->send(state.at.table,
             philosopher_report{state.at.seat, self->node_name(), state.meals, state.failures, state.hungry,
                                state.longest_hunger, state.last_meal - state.started, state.over_time});
}

void finish_meal(philosopher_actor* self) {
  auto& state = self->state;
  const auto& rules = state.at.rules;
  const auto now = self->clock().now();
  ++state.meals;
  state.last_meal = now;
  state.over_time.count(now - state.started);
  for (auto& each : state.hands) {
    if (each.meals++ == 0) each.first_began = state.began;
    each.last_ended = now;
    each.clean = false;
    if (rules.strategy != strategy_kind::chandy_misra || each.wanted) put_down(self, each);
  }
  if (rules.strategy == strategy_kind::waiter) self->send(state.at.waiter, stand_up{state.at.seat});
  if (state.meals == rules.meals) {
    leave(self);
    return;
  }
  tell_table(self, now);
  think(self);
}

void eat(philosopher_actor* self) {
  auto& state = self->state;
  state.now = phase::eating;
  state.began = self->clock().now();
  state.failures_in_row = 0;
  const auto hunger = state.began - state.hungry_since;
  state.hungry += hunger;
  state.longest_hunger = std::max<caf::timespan>(state.longest_hunger, hunger);
  if (state.at.rules.eating.count() == 0)
    finish_meal(self);
  else
    self->delayed_send(self, drawn(self, state.at.rules.eating), done_eating{});
}

// -- hunger ----------------------------------------------------------------------------------

void reach_for_second(philosopher_actor* self) {
  auto& state = self->state;
  if (state.at.rules.strategy == strategy_kind::backoff)
    self->send(state.hands[1].fork, try_fork{state.at.seat});
  else
    take(self, state.hands[1]);
}

void on_fork(philosopher_actor* self, hand& into, std::uint64_t grant) {
  auto& state = self->state;
  into.holds = true;
  into.clean = true;
  into.grant = grant;
  into.meals = 0;
  if (state.now == phase::leaving) {
    put_down(self, into);
    return;
  }
  const auto& rules = state.at.rules;
  if (state.hands[0].holds && state.hands[1].holds)
    eat(self);
  else if (rules.strategy == strategy_kind::chandy_misra)
    return; // the other one was asked for
  else if (rules.strategy == strategy_kind::waiter && rules.waiter == waiter_rule::both)
    return;
  else if (rules.pause.count() == 0)
    reach_for_second(self);
  else
    self->delayed_send(self, drawn(self, rules.pause), pause_over{});
}

void on_busy(philosopher_actor* self) {
  auto& state = self->state;
  if (state.now != phase::hungry) return;
  for (auto& each : state.hands)
    put_down(self, each);
  ++state.failures;
  const auto doublings = std::min(state.failures_in_row++, doublings_max);
  const auto wait = drawn(self, state.at.rules.backoff * (1U << doublings));
  if (wait.count() == 0)
    self->send(self, try_again{});
  else
    self->delayed_send(self, wait, try_again{});
}

void sit_down(philosopher_actor* self) {
  self->request(self->state.at.waiter, caf::infinite, ask_to_sit{self->state.at.seat})
      .then(
          [self](const please_sit&) {
            auto& state = self->state;
            if (state.now == phase::leaving) return;
            take(self, state.hands[0]);
            if (state.at.rules.waiter == waiter_rule::both) take(self, state.hands[1]);
          },
          [self](const caf::error& why) { on_lost(self, "the waiter", why); });
}

void get_hungry(philosopher_actor* self) {
  auto& state = self->state;
  state.now = phase::hungry;
  state.hungry_since = self->clock().now();
  switch (state.at.rules.strategy) {
  case strategy_kind::naive:
  case strategy_kind::ordered:
    take(self, state.hands[0]);
    break;
  case strategy_kind::waiter:
    sit_down(self);
    break;
  case strategy_kind::backoff:
    self->send(state.hands[0].fork, try_fork{state.at.seat});
    break;
  case strategy_kind::chandy_misra:
    for (auto& each : state.hands)
      if (!each.holds) take(self, each);
    if (state.hands[0].holds && state.hands[1].holds) eat(self);
    break;
  }
}

void think(philosopher_actor* self) {
  auto& state = self->state;
  state.now = phase::thinking;
  if (state.at.rules.thinking.count() != 0)
    self->delayed_send(self, drawn(self, state.at.rules.thinking), done_thinking{});
  else if (state.at.rules.strategy == strategy_kind::chandy_misra)
    self->send(self, done_thinking{}); // it may still have both forks: let others ask for them
  else
    get_hungry(self);
}

/// Chandy-Misra: a dirty fork is cleaned and given away, a clean one only after the meal.
void on_wanted(philosopher_actor* self, const fork_wanted& what) {
  auto& state = self->state;
  auto& which = hand_with(self, what.fork);
  if (state.now == phase::absent) { // a neighbour on another node heard of the start earlier
    which.wanted = true;
    return;
  }
  if (!which.holds || which.grant != what.grant) return; // it is on its way already
  if (state.now == phase::eating || (state.now == phase::hungry && which.clean)) {
    which.wanted = true;
    return;
  }
  put_down(self, which);
  if (state.now == phase::hungry) take(self, which);
}

void on_start(philosopher_actor* self, const start_dining& what) {
  auto& state = self->state;
  if (state.now != phase::absent) return;
  state.started = state.last_meal = state.told = self->clock().now();
  hand_with(self, state.at.seat).holds = what.holds_left;
  hand_with(self, (state.at.seat + 1) % state.at.rules.philosophers).holds = what.holds_right;
  for (auto& each : state.hands) {
    each.grant = each.holds ? 1 : 0;
    if (each.wanted) put_down(self, each);
  }
  think(self);
}

} // namespace

caf::behavior philosopher(philosopher_actor* self, const place_setting& at) {
  auto& state = self->state;
  state.at = at;
  self->call_me("philosopher " + std::to_string(at.seat));
  const auto& rules = state.at.rules;
  std::seed_seq seeds{static_cast<std::uint32_t>(rules.seed), static_cast<std::uint32_t>(rules.seed >> 32),
                      static_cast<std::uint32_t>(at.seat)};
  state.random.seed(seeds);
  state.hands[0].fork = at.left;
  state.hands[0].number = at.seat;
  state.hands[1].fork = at.right;
  state.hands[1].number = (at.seat + 1) % rules.philosophers;
  if (rules.strategy == strategy_kind::ordered && state.hands[1].number < state.hands[0].number)
    std::swap(state.hands[0], state.hands[1]);
  auto in = [self](phase expected) { return self->state.now == expected; };
  return {
      [self](const start_dining& what) { on_start(self, what); },
      [self, in](const done_thinking&) {
        if (in(phase::thinking)) get_hungry(self);
      },
      [self, in](const pause_over&) {
        if (in(phase::hungry)) reach_for_second(self);
      },
      [self, in](const done_eating&) {
        if (in(phase::eating)) finish_meal(self);
      },
      [self, in](const try_again&) {
        if (in(phase::hungry)) self->send(self->state.hands[0].fork, try_fork{self->state.at.seat});
      },
      [self](const fork_taken& what) { on_fork(self, hand_with(self, what.fork), what.grant); },
      [self](const fork_busy&) { on_busy(self); },
      [self](const fork_wanted& what) { on_wanted(self, what); },
      [self, in](const leave_table&) {
        if (!in(phase::leaving)) leave(self);
      },
      [self](const table_cleared&) { self->quit(); },
  };
}

} // namespace troupe::scenarios::dining
