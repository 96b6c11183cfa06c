// The manager of the producer-consumer scenario: begins, counts, and draws up the result.
#include "runner/plan/times.hpp"
#include "scenarios/producer_consumer/actors.hpp"

#include <algorithm>

namespace troupe::scenarios {

namespace {

using manager_actor = actor_of<manager_state>;
using nlohmann::json;

json waits_of(const manager_state& state) {
  const auto& waits = state.waits;
  const double unit = seconds(state.unit);
  json in_s, in_units;
  for (auto [label, wait] :
       {std::pair{"p50", waits.at(0.5)}, {"p95", waits.at(0.95)}, {"max", waits.max()}}) {
    in_s[label] = seconds(wait);
    in_units[label] = seconds(wait) / unit;
  }
  return {{"s", std::move(in_s)}, {"units", std::move(in_units)}};
}

json buffer_of(const channel_report& report) {
  json fill = json::array();
  for (auto& sample : report.fill)
    fill.push_back({{"from_s", seconds(sample.from)},
                    {"to_s", seconds(sample.to)},
                    {"least", sample.low},
                    {"most", sample.high}});
  return {{"capacity", report.capacity},
          {"fill_max", report.fill_max},
          {"refused", report.refused},
          {"discarded", report.discarded},
          {"fill", std::move(fill)}};
}

json producers_of(manager_state& state) {
  std::sort(state.made.begin(), state.made.end(), [](auto& a, auto& b) { return a.producer < b.producer; });
  json rows = json::array();
  for (auto& made : state.made)
    rows.push_back({{"producer", "producer-" + std::to_string(made.producer + 1)},
                    {"node", made.node},
                    {"items", made.items},
                    {"sum", made.sum},
                    {"cost_units", seconds(made.cost) / seconds(state.unit)}});
  return rows;
}

json consumers_of(manager_state& state) {
  std::sort(state.used.begin(), state.used.end(), [](auto& a, auto& b) { return a.consumer < b.consumer; });
  json rows = json::array();
  for (auto& used : state.used)
    rows.push_back({{"consumer", "consumer-" + std::to_string(used.consumer + 1)},
                    {"node", used.node},
                    {"items", used.items},
                    {"sum", used.sum}});
  return rows;
}

json result_of(manager_state& state, const channel_report& report) {
  std::uint64_t produced = 0;
  std::int64_t sum = 0;
  for (auto& made : state.made)
    produced += made.items;
  for (auto& used : state.used)
    sum += used.sum;
  const auto took = state.last - state.began;
  json result{{"produced", produced},
              {"consumed", state.consumed},
              {"left_over", produced - std::min(produced, state.consumed)},
              {"doubles", state.doubles},
              {"sum", sum},
              {"took_s", seconds(took)},
              {"took_units", seconds(took) / seconds(state.unit)},
              {"waiting", waits_of(state)},
              {"buffer", buffer_of(report)},
              {"per_producer", producers_of(state)},
              {"per_consumer", consumers_of(state)}};
  if (state.consumed <= list_shown_max) {
    std::sort(state.first.begin(), state.first.end(), [](auto& a, auto& b) { return a.left < b.left; });
    json values = json::array();
    for (auto& item : state.first)
      values.push_back(item.value.value);
    result["values"] = std::move(values);
  }
  state.departures.finish();
  result["order_looked_at"] = state.departures.looked_at();
  result["overtakers"] = state.departures.overtakers();
  return result;
}

void close_the_books(manager_actor* self) {
  auto& state = self->state;
  if (state.made.size() < state.crew.producers.size() || state.used.size() < state.crew.consumers.size())
    return;
  self->request(state.channel, caf::infinite, ask_channel{})
      .then(
          [self](const channel_report& report) {
            finish(self, self->state.collector, result_of(self->state, report));
            self->send_exit(self->state.channel, caf::exit_reason::user_shutdown);
            self->quit();
          },
          [self](const caf::error& why) {
            self->send(self->state.collector,
                       run_failed{"the channel did not report: " + self->system().render(why)});
            self->quit();
          });
}

/// In mode sequential one begins when the one before it is through.
void begin_next(manager_actor* self) {
  auto& state = self->state;
  if (state.stopped) return;
  const auto& crew = state.crew;
  if (state.begun < crew.producers.size())
    self->send(crew.producers[state.begun], stock_begin{});
  else if (state.begun == crew.producers.size())
    for (auto& who : crew.consumers)
      self->send(who, stock_begin{});
  ++state.begun;
}

void on_crew(manager_actor* self, stock_crew& crew) {
  auto& state = self->state;
  state.crew = std::move(crew);
  state.seen.resize(state.crew.producers.size());
  state.began = state.last = self->clock().now();
  if (state.settings.sequential) {
    begin_next(self);
    return;
  }
  for (auto& who : state.crew.producers)
    self->send(who, stock_begin{});
  for (auto& who : state.crew.consumers)
    self->send(who, stock_begin{});
}

void on_consumed(manager_actor* self, stock_consumed& what) {
  auto& state = self->state;
  state.last = self->clock().now();
  for (auto& item : what.items) {
    state.waits.add(item.waited);
    auto& seen = state.seen.at(item.value.producer);
    if (seen.size() < item.value.number) seen.resize(item.value.number);
    if (seen[item.value.number - 1]) ++state.doubles;
    seen[item.value.number - 1] = true;
    ++state.consumed;
    state.departures.add(item);
    if (state.first.size() < list_shown_max) state.first.push_back(std::move(item));
  }
  const auto total = state.settings.until != 0 ? 0 : state.settings.items * state.crew.producers.size();
  self->send(state.collector, run_progress{state.consumed, total, {}});
}

void stop(manager_actor* self) {
  auto& state = self->state;
  if (std::exchange(state.stopped, true)) return;
  self->send(state.channel, close_channel{true});
  for (auto& who : state.crew.producers)
    self->send(who, stock_stop{});
  for (auto& who : state.crew.consumers)
    self->send(who, stock_stop{});
}

} // namespace

caf::behavior manager(manager_actor* self, const caf::actor& collector, const caf::actor& channel,
                      const stock_settings& settings, caf::timespan unit) {
  auto& state = self->state;
  state.collector = collector;
  state.channel = channel;
  state.settings = settings;
  state.departures = departure_watch{!settings.priorities.empty()};
  state.unit = unit;
  return {
      [self](stock_crew& crew) { on_crew(self, crew); },
      [self](producer_report& what) {
        self->state.made.push_back(std::move(what));
        if (self->state.settings.sequential) begin_next(self);
        close_the_books(self);
      },
      [self](stock_consumed& what) { on_consumed(self, what); },
      [self](consumer_report& what) {
        self->state.used.push_back(std::move(what));
        self->state.last = self->clock().now();
        close_the_books(self);
      },
      [self](const stop_early&) { stop(self); },
  };
}

} // namespace troupe::scenarios
