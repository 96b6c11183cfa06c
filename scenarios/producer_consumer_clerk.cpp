// The clerk of the producer-consumer scenario: begins, counts, and draws up the result.
#include "scenarios/producer_consumer_actors.hpp"
#include "scenarios/times.hpp"

#include <algorithm>
#include <set>

namespace troupe::scenarios {

std::uint64_t count_overtakers(std::vector<channel_item<stock_item>> items, bool by_priority) {
  struct event {
    std::uint64_t number; ///< the channel's
    const channel_item<stock_item>* item;
    bool leaves;
  };
  std::vector<event> events;
  events.reserve(items.size() * 2);
  for (auto& item : items) {
    events.push_back({item.entered, &item, false});
    events.push_back({item.left, &item, true});
  }
  std::sort(events.begin(), events.end(), [](auto& a, auto& b) { return a.number < b.number; });
  using key = std::pair<std::int64_t, std::uint64_t>;
  auto key_of = [&](const channel_item<stock_item>& item) {
    return key{by_priority ? -item.priority : 0, item.entered};
  };
  std::set<key> inside;
  std::uint64_t overtakers = 0;
  for (auto& event : events) {
    if (!event.leaves) {
      inside.insert(inside.end(), key_of(*event.item));
      continue;
    }
    const auto leaving = inside.find(key_of(*event.item));
    overtakers += leaving != inside.begin() || leaving == inside.end();
    if (leaving != inside.end()) inside.erase(leaving);
  }
  return overtakers;
}

namespace {

using clerk_actor = actor_of<clerk_state>;
using nlohmann::json;

json waits_of(const clerk_state& state) {
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

json producers_of(clerk_state& state) {
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

json consumers_of(clerk_state& state) {
  std::sort(state.used.begin(), state.used.end(), [](auto& a, auto& b) { return a.consumer < b.consumer; });
  json rows = json::array();
  for (auto& used : state.used)
    rows.push_back({{"consumer", "consumer-" + std::to_string(used.consumer + 1)},
                    {"node", used.node},
                    {"items", used.items},
                    {"sum", used.sum}});
  return rows;
}

json result_of(clerk_state& state, const channel_report& report) {
  std::uint64_t produced = 0;
  std::int64_t sum = 0;
  for (auto& made : state.made)
    produced += made.items;
  for (auto& used : state.used)
    sum += used.sum;
  const auto took = state.last - state.began;
  const bool by_priority = !state.settings.priorities.empty();
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
  std::sort(state.order.begin(), state.order.end(), [](auto& a, auto& b) { return a.left < b.left; });
  constexpr std::size_t values_shown_max = 1'000;
  if (state.consumed <= values_shown_max) {
    json values = json::array();
    for (auto& item : state.order)
      values.push_back(item.value.value);
    result["values"] = std::move(values);
  }
  result["order_looked_at"] = state.order.size();
  result["overtakers"] = count_overtakers(std::move(state.order), by_priority);
  return result;
}

void close_the_books(clerk_actor* self) {
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
void begin_next(clerk_actor* self) {
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

void on_crew(clerk_actor* self, stock_crew& crew) {
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

void on_consumed(clerk_actor* self, stock_consumed& what) {
  auto& state = self->state;
  state.last = self->clock().now();
  for (auto& item : what.items) {
    state.waits.add(item.waited);
    auto& seen = state.seen.at(item.value.producer);
    if (seen.size() < item.value.number) seen.resize(item.value.number);
    if (seen[item.value.number - 1]) ++state.doubles;
    seen[item.value.number - 1] = true;
    ++state.consumed;
    if (state.order.size() < order_looked_at_max) state.order.push_back(std::move(item));
  }
  const auto total = state.settings.until != 0 ? 0 : state.settings.items * state.crew.producers.size();
  self->send(state.collector, run_progress{state.consumed, total, {}});
}

void stop(clerk_actor* self) {
  auto& state = self->state;
  if (std::exchange(state.stopped, true)) return;
  self->send(state.channel, close_channel{true});
  for (auto& who : state.crew.producers)
    self->send(who, stock_stop{});
  for (auto& who : state.crew.consumers)
    self->send(who, stock_stop{});
}

} // namespace

caf::behavior clerk(clerk_actor* self, const caf::actor& collector, const caf::actor& channel,
                    const stock_settings& settings, caf::timespan unit) {
  auto& state = self->state;
  state.collector = collector;
  state.channel = channel;
  state.settings = settings;
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
