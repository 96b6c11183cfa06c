// The actors of the producer-consumer scenario and what they say.
//
//   manager --- begin ---> producers --- channel_want/put ---> channel
//   manager --- begin ---> consumers --- channel_take -------> channel
//   producers --- producer_report ---> manager <--- stock_consumed, consumer_report --- consumers
#pragma once

#include "actors/codec/histogram_codec.hpp"
#include "actors/patterns/channel.hpp"
#include "runner/api/scenario.hpp"
#include "runner/plan/long_lists.hpp"

#include <functional>
#include <queue>
#include <random>
#include <set>

namespace troupe::scenarios {

/// What a producer makes: its `number`-th item, from 1.
struct stock_item {
  std::uint32_t producer = 0;
  std::uint64_t number = 0;
  std::int64_t value = 0;
};
TROUPE_FIELDS(stock_item, producer, number, value)

/// The i-th value, from 1.
enum class stock_generator : std::uint8_t { squares, fibonacci };
std::int64_t stock_value(stock_generator, std::uint64_t i);

/// A duration drawn anew each time, between two bounds.
struct stock_cost {
  caf::timespan low{0}, high{0};
};
TROUPE_FIELDS(stock_cost, low, high)

struct stock_settings {
  std::uint64_t items = 0; ///< of each producer
  std::uint64_t batch = 1; ///< items moved at a time
  stock_generator generator = stock_generator::squares;
  std::int64_t until = 0; ///< consumers stop the producers after a value above it; 0: never
  bool pull = false;
  bool sequential = false;
  stock_cost produce, consume;
  std::vector<std::int64_t> priorities; ///< of a producer's items in turn
  std::uint64_t seed = 0;
};
TROUPE_MESSAGE(stock_settings, items, batch, generator, until, pull, sequential, produce, consume, priorities,
               seed)

/// Manager -> producer, consumer.
struct stock_begin {};
TROUPE_MESSAGE(stock_begin)

/// Manager -> producer, consumer: leave it at that and report.
struct stock_stop {};
TROUPE_MESSAGE(stock_stop)

/// To itself, after the time that making or using an item takes.
struct stock_item_ready {};
TROUPE_MESSAGE(stock_item_ready)

/// Wiring -> manager: everybody is there.
struct stock_crew {
  std::vector<caf::actor> producers, consumers;
};
TROUPE_MESSAGE(stock_crew, producers, consumers)

/// Producer -> manager, its last message.
struct producer_report {
  std::uint32_t producer = 0; ///< from 0
  std::string node;
  std::uint64_t items = 0; ///< made
  std::int64_t sum = 0;
  caf::timespan cost{0}; ///< of making them
};
TROUPE_MESSAGE(producer_report, producer, node, items, sum, cost)

/// Consumer -> manager: used up since the last time, in this order. `waited` of each is
/// complete.
struct stock_consumed {
  std::vector<channel_item<stock_item>> items;
};
TROUPE_MESSAGE(stock_consumed, items)

/// Consumer -> manager, its last message.
struct consumer_report {
  std::uint32_t consumer = 0;
  std::string node;
  std::uint64_t items = 0;
  std::int64_t sum = 0;
};
TROUPE_MESSAGE(consumer_report, consumer, node, items, sum)

void add_stock_messages(message_catalog&);

struct producer_state {
  static inline const char* name = "producer";
  caf::actor manager, channel;
  std::uint32_t index = 0;
  stock_settings settings;
  std::mt19937_64 random;
  channel_hand<stock_item> hand;
  std::uint64_t made = 0;
  std::uint64_t asked = 0;  ///< credit asked for and not got
  std::uint64_t credit = 0; ///< got and not used
  std::int64_t sum = 0;
  caf::timespan cost{0}, cost_of_next{0};
  bool making = false; ///< an item is being made, for some time
  bool ended = false;
};
caf::behavior producer(actor_of<producer_state>* self, const caf::actor& manager, const caf::actor& channel,
                       std::uint32_t index, const stock_settings&);

struct consumer_state {
  static inline const char* name = "consumer";
  caf::actor manager, channel;
  std::uint32_t index = 0;
  stock_settings settings;
  std::mt19937_64 random;
  std::deque<channel_item<stock_item>> hand; ///< taken, the first of them being used
  caf::actor_clock::time_point taken_at, told_at;
  std::vector<channel_item<stock_item>> used; ///< and not told
  std::uint64_t items = 0;
  std::int64_t sum = 0;
  bool ended = false;
};
caf::behavior consumer(actor_of<consumer_state>* self, const caf::actor& manager, const caf::actor& channel,
                       std::uint32_t index, const stock_settings&);

/// Looks at the order in which items leave the channel, in memory for those that are in it or on
/// their way. Not thread-safe.
class departure_watch {
 public:
  /// Happenings that wait for earlier ones, which nobody has told of yet. Beyond that it goes on without
  /// them, and their items are not looked at.
  static constexpr std::size_t pending_max = 200'000;

  explicit departure_watch(bool by_priority) : by_priority_(by_priority) {}
  /// An item that has left, in any order.
  void add(const channel_item<stock_item>&);
  /// No item follows.
  void finish();
  std::uint64_t looked_at() const { return looked_at_; } ///< items
  /// How many left while another one, that should have gone before, was in it.
  std::uint64_t overtakers() const { return overtakers_; }

 private:
  using key = std::pair<std::int64_t, std::uint64_t>; ///< of an item: the lowest leaves first
  struct happening {
    std::uint64_t number; ///< the channel's
    key item;
    bool leaves;
    bool operator>(const happening& other) const { return number > other.number; }
  };
  void look_at_next();

  bool by_priority_;
  std::priority_queue<happening, std::vector<happening>, std::greater<>> pending_;
  std::set<key> inside_;
  std::uint64_t next_ = 1; ///< all before were looked at
  std::uint64_t looked_at_ = 0, overtakers_ = 0;
};

/// Keeps count: what was made, what was used, how long it waited, and in which order.
struct manager_state {
  static inline const char* name = "manager";
  caf::actor collector, channel;
  stock_settings settings;
  caf::timespan unit{1};
  stock_crew crew;
  std::size_t begun = 0; ///< producers, in mode sequential
  std::vector<producer_report> made;
  std::vector<consumer_report> used;
  std::vector<std::vector<bool>> seen; ///< by producer and number
  std::uint64_t consumed = 0, doubles = 0;
  histogram waits;
  departure_watch departures{false};
  std::vector<channel_item<stock_item>> first; ///< so many as a result shows
  caf::actor_clock::time_point began, last;
  bool stopped = false;
};
caf::behavior manager(actor_of<manager_state>* self, const caf::actor& collector, const caf::actor& channel,
                      const stock_settings&, caf::timespan unit);

} // namespace troupe::scenarios
