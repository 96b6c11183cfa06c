#include "scenarios/dining_philosophers/dining_philosophers.hpp"

#include "runner/plan/times.hpp"
#include "scenarios/dining_philosophers/actors.hpp"
#include "scenarios/dining_philosophers/result.hpp"

#include <fmt/format.h>

namespace troupe::scenarios {

namespace dining {

namespace {

/// Intervals of `meals_over_time`; as many numbers as a terminal shows in a line.
constexpr std::size_t intervals_shown = 16;

// -- the table: begins the dinner, counts at its end -----------------------------------------

/// Chandy-Misra begins with every fork at the lower-numbered of its two users: then
/// nobody waits in a circle.
std::uint64_t first_holder(std::uint64_t fork) { return fork == 0 ? 0 : fork - 1; }

void on_set(table_actor* self, table_set& set) {
  auto& state = self->state;
  state.set = std::move(set);
  const auto seats = state.set.philosophers.size();
  state.philosophers.resize(seats);
  state.meals.resize(seats);
  state.nodes.resize(seats);
  state.forks.resize(seats);
  const bool in_hand = state.set.rules.strategy == strategy_kind::chandy_misra;
  for (std::uint64_t i = 0; i < seats; ++i) {
    lay_fork how;
    if (in_hand) how = {state.set.philosophers[first_holder(i)], first_holder(i)};
    self->request(state.set.forks[i], caf::infinite, how).then([self](const fork_laid&) {
      auto& state = self->state;
      if (++state.forks_laid != state.set.forks.size() || state.ended_early) return;
      state.started = true;
      state.began = state.told = self->clock().now();
      const auto n = state.set.philosophers.size();
      const bool in_hand = state.set.rules.strategy == strategy_kind::chandy_misra;
      for (std::uint64_t i = 0; i < n; ++i)
        self->send(state.set.philosophers[i],
                   start_dining{in_hand && first_holder(i) == i, in_hand && first_holder((i + 1) % n) == i});
    });
  }
}

std::uint64_t total(const std::vector<std::uint64_t>& xs) {
  std::uint64_t sum = 0;
  for (auto x : xs)
    sum += x;
  return sum;
}

void tell_progress(table_actor* self, std::uint64_t seat, std::uint64_t meals, const std::string& node) {
  auto& state = self->state;
  state.meals.at(seat) = meals;
  state.nodes[seat] = node;
  const auto now = self->clock().now();
  if (now - state.told < telling_interval) return;
  state.told = now;
  run_progress progress{total(state.meals), state.set.rules.meals * state.set.rules.philosophers, {}};
  for (std::size_t i = 0; i < state.meals.size(); ++i)
    if (!state.nodes[i].empty()) progress.per_node[state.nodes[i]] += state.meals[i];
  self->send(state.collector, std::move(progress));
}

// -- the result --------------------------------------------------------------------------------

std::vector<philosopher_row> rows_of(const table_state& state) {
  std::vector<philosopher_row> rows;
  for (auto& each : state.philosophers) {
    philosopher_row row{.philosopher = each->seat,
                        .node = each->node,
                        .meals = each->meals,
                        .hunger_longest_s = seconds(each->longest_hunger)};
    if (each->meals != 0) row.hunger_mean_s = seconds(each->hungry) / static_cast<double>(each->meals);
    if (state.set.rules.strategy == strategy_kind::backoff) row.failures = each->failures;
    rows.push_back(std::move(row));
  }
  return rows;
}

/// Of the meals each had in a second, up to its last one.
double fairness(const table_state& state) {
  std::vector<double> rates;
  for (auto& each : state.philosophers) {
    const auto time = state.ended_early ? seconds(state.ended - state.began) : seconds(each->elapsed);
    rates.push_back(static_cast<double>(each->meals) / std::max(time, 1e-9));
  }
  return jain_index(rates);
}

/// Fork i is for the philosophers i and i - 1 alone: who ate with it as often as it says?
std::uint64_t forks_that_disagree(const table_state& state) {
  std::uint64_t result = 0;
  const auto n = state.forks.size();
  for (std::size_t i = 0; i < n; ++i)
    result +=
        state.forks[i]->meals != state.philosophers[i]->meals + state.philosophers[(i + n - 1) % n]->meals;
  return result;
}

dinner result_of(const table_state& state) {
  dinner result{.philosophers = state.set.rules.philosophers, .meals_each = state.set.rules.meals};
  timeline over_time;
  std::uint64_t failures = 0;
  caf::timespan longest{0}, hungry{0};
  for (auto& each : state.philosophers) {
    result.meals += each->meals;
    failures += each->failures;
    longest = std::max(longest, each->longest_hunger);
    hungry += each->hungry;
    over_time.add(each->over_time);
  }
  for (auto& each : state.forks) {
    result.forks.taken += each->grants;
    result.forks.in_two_hands += each->second_hands;
    result.forks.neighbours_eating_together += each->overlaps;
  }
  result.forks.with_other_counts = forks_that_disagree(state);
  over_time.coarsen(intervals_shown);
  result.meals_over_time = {seconds(over_time.width()), over_time.counts()};
  result.per_philosopher = rows_of(state);
  result.left_undone = result.meals_each * result.philosophers - result.meals;
  result.fairness = fairness(state);
  result.longest_hunger_s = seconds(longest);
  if (result.meals != 0) result.mean_hunger_s = seconds(hungry) / static_cast<double>(result.meals);
  result.elapsed_s = seconds(state.ended - state.began);
  if (result.elapsed_s > 0) result.meals_per_s = static_cast<double>(result.meals) / result.elapsed_s;
  if (state.set.rules.strategy == strategy_kind::backoff) result.failures = failures;
  return result;
}

void finish_dinner(table_actor* self) {
  auto& state = self->state;
  if (std::exchange(state.finished, true)) return;
  finish(self, state.collector, result_of(state));
  for (auto& each : state.set.philosophers)
    self->send(each, table_cleared{});
  for (auto& each : state.set.forks)
    self->send(each, table_cleared{});
  if (state.set.waiter) self->send(state.set.waiter, table_cleared{});
  self->quit();
}

void on_report(table_actor* self, philosopher_report& report) {
  auto& state = self->state;
  auto& place = state.philosophers.at(report.seat);
  if (place) return;
  tell_progress(self, report.seat, report.meals, report.node);
  place = std::move(report);
  if (++state.reports != state.philosophers.size()) return;
  state.ended = self->clock().now();
  for (auto& each : state.set.forks)
    self->request(each, caf::infinite, clear_fork{}).then([self](const fork_report& what) {
      self->state.forks.at(what.fork) = what;
      if (++self->state.fork_reports == self->state.forks.size()) finish_dinner(self);
    });
}

} // namespace

caf::behavior table(table_actor* self, const caf::actor& collector) {
  self->state.collector = collector;
  self->call_me("the table");
  return {
      [self](table_set& set) { on_set(self, set); },
      [self](const meals_eaten& what) { tell_progress(self, what.seat, what.meals, what.node); },
      [self](philosopher_report& what) { on_report(self, what); },
      [self](dinner_spoilt& what) {
        if (!self->state.ended_early) self->send(self->state.collector, run_failed{std::move(what.why)});
      },
      [self](const stop_early&) {
        auto& state = self->state;
        state.ended_early = true;
        if (!state.started) state.began = self->clock().now();
        for (std::size_t i = 0; i < state.philosophers.size(); ++i)
          if (!state.philosophers[i]) self->send(state.set.philosophers[i], leave_table{});
      },
  };
}

} // namespace dining

// -- parameters, wiring, checks ------------------------------------------------------------------

namespace {

using namespace dining;

const std::vector<std::string> strategies{"naive", "ordered", "waiter", "chandy_misra", "backoff"};

dining_rules rules_of(const run& r) {
  const auto& values = r.values();
  const auto strategy =
      std::find(strategies.begin(), strategies.end(), values.text("strategy")) - strategies.begin();
  return {.strategy = static_cast<strategy_kind>(strategy),
          .waiter = values.text("waiter_rule") == "both" ? waiter_rule::both : waiter_rule::seats,
          .philosophers = static_cast<std::uint64_t>(values.integer("philosophers")),
          .meals = static_cast<std::uint64_t>(values.integer("meals")),
          .seed = r.seed(),
          .thinking = values.duration("thinking"),
          .eating = values.duration("eating"),
          .pause = values.duration("pause"),
          .backoff = values.duration("backoff"),
          .jitter = values.number("jitter")};
}

void lay_table(run& r) {
  table_set set;
  set.rules = rules_of(r);
  const auto n = set.rules.philosophers;
  auto table = r.spawn("table", r.collector());
  r.on_stop(table);
  if (set.rules.strategy == strategy_kind::waiter) set.waiter = r.spawn("waiter", set.rules);
  set.forks = r.spawn_each("fork", n, [&](std::uint64_t i) {
    return message_with(i, set.rules.strategy == strategy_kind::chandy_misra);
  });
  set.philosophers = r.spawn_each("philosopher", n, [&](std::uint64_t i) {
    return message_with(place_setting{i, set.rules, set.forks[i], set.forks[(i + 1) % n], set.waiter, table});
  });
  troupe::anon_send(table, std::move(set));
}

void add_dining_parameters(scenario& s) {
  s.integer("philosophers", 5).range(2, 100'000).help("how many sit around the table; as many forks");
  s.integer("meals", 20).range(1, 1'000'000'000).help("meals that each of them eats");
  s.choice("strategy", strategies, "ordered").help("how forks are taken; naive can deadlock");
  s.duration("thinking", std::chrono::milliseconds{1}).range(0, 3600).help("time between two meals");
  s.duration("eating", std::chrono::milliseconds{1}).range(0, 3600).help("time a meal takes");
  s.duration("pause", {}).range(0, 3600).help("time between taking the first fork and asking for the second");
  s.number("jitter", 0.5).range(0, 1).help("share by which all these times vary, both ways; 0: not at all");
  s.choice("waiter_rule", {"seats", "both"}, "seats")
      .help("strategy waiter: lets all but one sit, or lets sit who finds both forks free");
  s.duration("backoff", std::chrono::milliseconds{1})
      .range(0, 60)
      .help("strategy backoff: wait after a busy fork, doubled with each failure in a row up to 64 times");
}

std::string why_impossible(const parameters& values) {
  if (values.text("strategy") == "backoff" && values.duration("backoff").count() == 0)
    return "strategy = \"backoff\" waits before it tries again, and backoff = \"0s\" is no wait: everybody "
           "would "
           "try without end";
  return {};
}

void add_dining_checks(scenario& s) {
  s.check<dinner>("no fork was in two hands", [](const dinner& x, const parameters&) -> check_outcome {
    const auto bad = x.forks.in_two_hands;
    return {bad == 0, fmt::format("taken {} times, {} times from another hand", x.forks.taken, bad)};
  });
  s.check<dinner>("no neighbours ate together", [](const dinner& x, const parameters&) -> check_outcome {
    const auto bad = x.forks.neighbours_eating_together;
    return {bad == 0, fmt::format("{} of {} meals", bad, x.meals)};
  });
  s.check<dinner>("every meal was eaten", [](const dinner& x, const parameters&) -> check_outcome {
    const auto disagree = x.forks.with_other_counts;
    auto detail = fmt::format("{} eaten, {} left undone", x.meals, x.left_undone);
    if (disagree != 0)
      detail += fmt::format("; {} forks counted other numbers of meals than their users", disagree);
    return {x.left_undone == 0 && disagree == 0, std::move(detail)};
  });
}

} // namespace

scenario dining_philosophers() {
  scenario s{"dining_philosophers",
             "Philosophers share forks with their neighbours: who starves, who waits for whom?"};
  add_dining_parameters(s);
  s.validate(why_impossible);
  s.messages(dining::add_messages);
  s.role("philosopher", dining::philosopher, placement::workers,
         "thinks, gets hungry, takes two forks, eats");
  s.role("fork", dining::fork, placement::workers, "lies between two philosophers; one at a time has it");
  s.role("waiter", dining::waiter, placement::main, "strategy waiter: says who may sit down");
  s.role("table", dining::table, placement::main, "begins the dinner and counts at its end");
  s.promise("exclusive fork: fork_taken until put_fork");
  s.start(lay_table);
  add_dining_checks(s);
  return s;
}

} // namespace troupe::scenarios
