#include "scenarios/producer_consumer/actors.hpp"

#include "base/random.hpp"

namespace troupe::scenarios {

void add_stock_messages(message_catalog& catalog) {
  add_channel_messages<stock_item>(catalog, "stock_item");
  catalog.add<stock_settings, stock_begin, stock_stop, stock_item_ready, stock_crew, producer_report,
              stock_consumed, consumer_report>();
}

std::int64_t stock_value(stock_generator kind, std::uint64_t i) {
  if (kind == stock_generator::squares) return static_cast<std::int64_t>(i * i);
  std::int64_t before = 0, value = 1;
  for (; i > 1; --i)
    before = std::exchange(value, before + value);
  return value;
}

namespace {

/// A consumer tells what it used after so many items, or so long.
constexpr std::size_t told_items = 1'000;
constexpr std::chrono::milliseconds told_interval{100};

caf::timespan draw(const stock_cost& cost, std::mt19937_64& random) {
  if (cost.low == cost.high) return cost.low;
  return caf::timespan{draw_between(random, cost.low.count(), cost.high.count())};
}

// -- the producer -----------------------------------------------------------------------

using producer_actor = actor_of<producer_state>;

void end_producing(producer_actor* self) {
  auto& state = self->state;
  if (std::exchange(state.ended, true)) return;
  self->send(state.channel, channel_done{});
  self->send(state.manager,
             producer_report{state.index, self->node_name(), state.made, state.sum, state.cost});
  self->quit();
}

void put_what_may_be_put(producer_actor* self) {
  auto& state = self->state;
  const auto count = std::min<std::uint64_t>(state.credit, state.hand.size());
  if (count == 0) return;
  state.credit -= count;
  self->send(state.channel, channel_put<stock_item>{state.hand.give(count, self->clock().now())});
}

/// Into the producer's hands, where the item waits for credit.
void make_item(producer_actor* self) {
  auto& state = self->state;
  const auto number = ++state.made;
  const auto& priorities = state.settings.priorities;
  const auto priority = priorities.empty() ? 0 : priorities[(number - 1) % priorities.size()];
  const auto value = stock_value(state.settings.generator, number);
  state.sum += value;
  state.cost += state.cost_of_next;
  state.hand.add({state.index, number, value}, priority, self->clock().now());
}

/// How many items may be made before the next are put.
std::uint64_t hand_max(const producer_state& state) {
  return state.settings.pull ? state.credit : state.settings.batch;
}

void go_on_producing(producer_actor* self) {
  auto& state = self->state;
  if (state.making || state.ended) return;
  const auto& settings = state.settings;
  put_what_may_be_put(self);
  while (state.made < settings.items && state.hand.size() < hand_max(state)) {
    state.cost_of_next = draw(settings.produce, state.random);
    if (state.cost_of_next.count() > 0) {
      state.making = true;
      self->delayed_send(self, state.cost_of_next, stock_item_ready{});
      return;
    }
    make_item(self);
  }
  put_what_may_be_put(self);
  if (state.made == settings.items && state.hand.empty()) {
    end_producing(self);
    return;
  }
  // Who pulls asks for what it has not made yet; who pushes, for what it has in its hands.
  const auto wanted =
      settings.pull ? std::min(settings.batch, settings.items - state.made) : state.hand.size();
  if (state.asked == 0 && state.credit == 0 && wanted > 0) {
    state.asked = wanted;
    self->send(state.channel, channel_want{wanted});
  }
}

} // namespace

caf::behavior producer(producer_actor* self, const caf::actor& manager, const caf::actor& channel,
                       std::uint32_t index, const stock_settings& settings) {
  auto& state = self->state;
  state.manager = manager;
  state.channel = channel;
  state.index = index;
  state.settings = settings;
  state.random.seed(settings.seed + index);
  return {
      [self](const stock_begin&) { go_on_producing(self); },
      [self](const stock_item_ready&) {
        self->state.making = false;
        if (self->state.ended) return;
        make_item(self);
        go_on_producing(self);
      },
      [self](const channel_credit& what) {
        self->state.asked -= std::min(self->state.asked, what.items);
        self->state.credit += what.items;
        go_on_producing(self);
      },
      [self](const channel_closed&) { end_producing(self); },
      [self](const stock_stop&) { end_producing(self); },
  };
}

// -- the consumer -----------------------------------------------------------------------

namespace {

using consumer_actor = actor_of<consumer_state>;

void tell_used(consumer_actor* self, bool at_once) {
  auto& state = self->state;
  const auto now = self->clock().now();
  if (state.used.empty()
      || (!at_once && state.used.size() < told_items && now - state.told_at < told_interval))
    return;
  state.told_at = now;
  self->send(state.manager, stock_consumed{std::exchange(state.used, {})});
}

void end_consuming(consumer_actor* self) {
  auto& state = self->state;
  if (std::exchange(state.ended, true)) return;
  tell_used(self, true);
  self->send(state.manager, consumer_report{state.index, self->node_name(), state.items, state.sum});
  self->quit();
}

/// The first item in the hand has been used.
void use_item(consumer_actor* self) {
  auto& state = self->state;
  const auto value = state.hand.front().value.value;
  state.used.push_back(std::move(state.hand.front()));
  state.hand.pop_front();
  ++state.items;
  state.sum += value;
  if (state.settings.until != 0 && value > state.settings.until) self->send(state.channel, close_channel{});
}

void go_on_consuming(consumer_actor* self) {
  auto& state = self->state;
  while (!state.hand.empty()) {
    state.hand.front().waited += self->clock().now() - state.taken_at;
    const auto cost = draw(state.settings.consume, state.random);
    if (cost.count() > 0) {
      self->delayed_send(self, cost, stock_item_ready{});
      return;
    }
    use_item(self);
  }
  tell_used(self, false);
  self->send(state.channel, channel_take{state.settings.batch});
}

} // namespace

caf::behavior consumer(consumer_actor* self, const caf::actor& manager, const caf::actor& channel,
                       std::uint32_t index, const stock_settings& settings) {
  auto& state = self->state;
  state.manager = manager;
  state.channel = channel;
  state.index = index;
  state.settings = settings;
  state.random.seed(settings.seed + 0x9e3779b97f4a7c15ULL + index);
  return {
      [self](const stock_begin&) {
        self->state.told_at = self->clock().now();
        go_on_consuming(self);
      },
      [self](channel_batch<stock_item>& what) {
        auto& state = self->state;
        state.taken_at = self->clock().now();
        for (auto& item : what.items)
          state.hand.push_back(std::move(item));
        go_on_consuming(self);
      },
      [self](const stock_item_ready&) {
        if (self->state.ended) return;
        use_item(self);
        go_on_consuming(self);
      },
      [self](const channel_closed&) { end_consuming(self); },
      [self](const stock_stop&) { end_consuming(self); },
  };
}

} // namespace troupe::scenarios
