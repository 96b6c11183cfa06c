// A bounded buffer between producers and consumers: an actor that hands out credit.
//
//   producer              channel              consumer
//      |-- channel_want n -->|<-- channel_take n --|
//      |<- channel_credit m -|                     |      m of the n, as there is room
//      |-- channel_put<T> -->|- channel_batch<T> ->|      1 to n items
//      |-- channel_done ---->|-- channel_closed -->|      after the last item
//
// A producer asks for credit for what it has in its hands, puts as many items as it got
// credit for, and meanwhile handles other messages: nobody's thread waits. Free places
// are kept for credit on its way, so the buffer never holds more than its capacity. Works
// wherever the three live. An item goes to one consumer, at most once: what a consumer
// had taken when it died is gone.
#pragma once

#include "actors/patterns/channel_flow.hpp"
#include "actors/runtime/traced_actor.hpp"

#include <caf/all.hpp>

#include <deque>
#include <map>
#include <memory>

namespace troupe {

class message_catalog;

// -- messages -------------------------------------------------------------------------

/// Producer -> channel: I have this many more items to put. Answered by channel_credit,
/// once or in several pieces, or by channel_closed.
struct channel_want {
  std::uint64_t items = 0;
};
TROUPE_MESSAGE(channel_want, items)

/// Channel -> producer: put this many.
struct channel_credit {
  std::uint64_t items = 0;
};
TROUPE_MESSAGE(channel_credit, items)

/// Producer -> channel: I put nothing more. When all producers said so the channel closes.
struct channel_done {};
TROUPE_MESSAGE(channel_done)

/// Consumer -> channel: give me up to this many, as soon as there is one. Answered once,
/// by channel_batch or channel_closed.
struct channel_take {
  std::uint64_t items = 1;
};
TROUPE_MESSAGE(channel_take, items)

/// Channel -> consumer: there is nothing and will be nothing. Channel -> producer, in
/// answer to channel_want: there is no more credit.
struct channel_closed {};
TROUPE_MESSAGE(channel_closed)

/// Anyone -> channel: give no more credit. What is in the buffer is still handed out,
/// unless it is to be discarded; then it is counted.
struct close_channel {
  bool discard = false;
};
TROUPE_MESSAGE(close_channel, discard)

/// Anyone -> channel, a request: answered with channel_report.
struct ask_channel {};
TROUPE_MESSAGE(ask_channel)

struct channel_report {
  std::uint64_t capacity = 0;
  std::uint64_t put = 0;       ///< items that came in
  std::uint64_t taken = 0;     ///< items that went out to consumers
  std::uint64_t discarded = 0; ///< by close_channel
  std::uint64_t refused = 0;   ///< put without credit: a producer's bug
  std::uint64_t fill_max = 0;
  std::vector<fill_sample> fill; ///< over time, since the channel was made
};
TROUPE_MESSAGE(channel_report, capacity, put, taken, discarded, refused, fill_max, fill)

/// An item on its way. `entered` and `left` number what happens at the channel (1, 2, …
/// for puts and takes alike), so that anyone can tell afterwards who overtook whom.
template <class T>
struct channel_item {
  T value{};
  std::int64_t priority = 0; ///< higher goes first; without meaning in order fifo
  caf::timespan waited{0};   ///< in the producer's hands and in the buffer, each by its own clock
  std::uint64_t entered = 0;
  std::uint64_t left = 0;
};
template <class Inspector, class T>
auto inspect(Inspector& f, channel_item<T>& x) {
  return f(caf::meta::type_name("channel_item"), x.value, x.priority, x.waited, x.entered, x.left);
}

/// Producer -> channel: at most as many items as there is unused credit.
template <class T>
struct channel_put {
  std::vector<channel_item<T>> items;
};
template <class Inspector, class T>
auto inspect(Inspector& f, channel_put<T>& x) {
  return f(caf::meta::type_name("channel_put"), x.items);
}

/// Channel -> consumer.
template <class T>
struct channel_batch {
  std::vector<channel_item<T>> items;
};
template <class Inspector, class T>
auto inspect(Inspector& f, channel_batch<T>& x) {
  return f(caf::meta::type_name("channel_batch"), x.items);
}

/// The types that do not depend on the item's; adding them twice is fine.
void add_channel_messages(message_catalog&);
/// All types of a channel of T; `item` names T and must be unique in the program.
template <class T, class Catalog>
void add_channel_messages(Catalog& catalog, const std::string& item) {
  add_channel_messages(catalog);
  catalog.template add<channel_put<T>>(item + "_put");
  catalog.template add<channel_batch<T>>(item + "_batch");
}

// -- the buffer -------------------------------------------------------------------------

/// The items that wait, in the order in which they will leave. Not thread-safe.
template <class T>
class channel_buffer {
 public:
  explicit channel_buffer(channel_order order) : order_(order) {}

  /// `why` is the message that brought it, `now` the channel's time.
  void put(channel_item<T>&& item, caf::timespan now, message_token why) {
    item.entered = ++events_;
    auto& queue = lines_[order_ == channel_order::priority ? item.priority : 0];
    queue.push_back({std::move(item), now, why});
    ++size_;
  }
  /// The next one; there must be one. Adds the message that brought it to `causes`.
  channel_item<T> take(caf::timespan now, std::vector<message_token>& causes) {
    auto line = lines_.begin();
    auto& first = line->second.front();
    auto item = std::move(first.item);
    item.left = ++events_;
    item.waited += now - first.since;
    if (causes.empty() || causes.back().id != first.why.id) causes.push_back(first.why);
    line->second.pop_front();
    // A line that is likely to be used again is kept: there is only one in order fifo.
    if (line->second.empty() && order_ == channel_order::priority) lines_.erase(line);
    --size_;
    return item;
  }
  /// Returns how many there were.
  std::size_t clear() {
    lines_.clear();
    return std::exchange(size_, 0);
  }
  std::size_t size() const { return size_; }

 private:
  struct waiting {
    channel_item<T> item;
    caf::timespan since;
    message_token why;
  };
  channel_order order_;
  std::map<std::int64_t, std::deque<waiting>, std::greater<>> lines_; ///< by priority
  std::size_t size_ = 0;
  std::uint64_t events_ = 0;
};

/// What a producer made and has no credit for yet. Not thread-safe.
template <class T>
class channel_hand {
 public:
  void add(T value, std::int64_t priority, caf::actor_clock::time_point now) {
    items_.push_back({{std::move(value), priority, {}, 0, 0}, now});
  }
  /// The first n, or all there are, with the time that they waited.
  std::vector<channel_item<T>> give(std::uint64_t n, caf::actor_clock::time_point now) {
    std::vector<channel_item<T>> result;
    result.reserve(std::min<std::size_t>(n, items_.size()));
    for (; n > 0 && !items_.empty(); --n) {
      items_.front().item.waited = now - items_.front().since;
      result.push_back(std::move(items_.front().item));
      items_.pop_front();
    }
    return result;
  }
  std::size_t size() const { return items_.size(); }
  bool empty() const { return items_.empty(); }

 private:
  struct held {
    channel_item<T> item;
    caf::actor_clock::time_point since;
  };
  std::deque<held> items_;
};

// -- the actor --------------------------------------------------------------------------

template <class T>
struct channel_state {
  static inline const char* name = "channel";
  std::unique_ptr<channel_flow> flow;
  std::unique_ptr<channel_buffer<T>> buffer;
  fill_history history;
  channel_report report;
  caf::actor_clock::time_point began;
};

template <class T>
using channel_actor = actor_of<channel_state<T>>;

namespace detail {

/// Hands out what can be handed out after any event.
template <class T>
void channel_settle(channel_actor<T>* self) {
  auto& state = self->state;
  const caf::timespan now = self->clock().now() - state.began;
  for (auto& share : state.flow->shares(state.buffer->size())) {
    channel_batch<T> batch;
    batch.items.reserve(share.items);
    std::vector<message_token> causes{share.why};
    for (std::uint64_t i = 0; i < share.items; ++i)
      batch.items.push_back(state.buffer->take(now, causes));
    state.report.taken += share.items;
    const joining all{causes};
    self->send(share.who, std::move(batch));
  }
  state.history.note(now, state.buffer->size());
  for (auto& grant : state.flow->grants(state.buffer->size())) {
    const joining both{{grant.why}};
    self->send(grant.who, channel_credit{grant.items});
  }
  for (auto& who : state.flow->to_be_told(state.buffer->size()))
    self->send(who, channel_closed{});
}

template <class T>
void channel_on_put(channel_actor<T>* self, channel_put<T>& what) {
  auto& state = self->state;
  const caf::timespan now = self->clock().now() - state.began;
  const auto accepted =
      state.flow->use_credit(caf::actor_cast<caf::actor_addr>(self->current_sender()), what.items.size());
  state.report.refused += what.items.size() - accepted;
  state.report.put += accepted;
  what.items.resize(accepted);
  if (state.flow->discards()) {
    state.report.discarded += accepted;
  } else {
    for (auto& item : what.items)
      state.buffer->put(std::move(item), now, current_message());
    state.report.fill_max = std::max<std::uint64_t>(state.report.fill_max, state.buffer->size());
    state.history.note(now, state.buffer->size());
  }
  channel_settle(self);
}

} // namespace detail

/// The channel: spawn it with its options, or make it a role: `s.role("channel",
/// channel<my_item>, placement::main)`. It lives until it is told to exit.
template <class T>
caf::behavior channel(channel_actor<T>* self, const channel_options& options) {
  auto& state = self->state;
  state.flow = std::make_unique<channel_flow>(options);
  state.buffer = std::make_unique<channel_buffer<T>>(options.order);
  state.report.capacity = options.capacity;
  state.began = self->clock().now();
  self->set_down_handler([self](caf::down_msg& down) {
    self->state.flow->gone(down.source);
    detail::channel_settle(self);
  });
  auto sender = [self] { return caf::actor_cast<caf::actor>(self->current_sender()); };
  return {
      [self, sender](const channel_want& what) {
        if (self->state.flow->want(sender(), what.items, current_message())) self->monitor(sender());
        detail::channel_settle(self);
      },
      [self](channel_put<T>& what) { detail::channel_on_put(self, what); },
      [self, sender](const channel_take& what) {
        if (self->state.flow->take(sender(), what.items, current_message())) self->monitor(sender());
        detail::channel_settle(self);
      },
      [self, sender](const channel_done&) {
        self->state.flow->done(sender());
        detail::channel_settle(self);
      },
      [self](const close_channel& what) {
        self->state.flow->close(what.discard);
        if (what.discard) self->state.report.discarded += self->state.buffer->clear();
        detail::channel_settle(self);
      },
      [self](const ask_channel&) {
        auto& report = self->state.report;
        report.fill = self->state.history.samples();
        return report;
      },
  };
}

} // namespace troupe
