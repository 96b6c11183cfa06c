// The programs of bench_scenarios, each written once over the actor class: with
// caf::event_based_actor it is plain CAF, with troupe::plain_actor it is troupe.
#pragma once

#include <caf/all.hpp>

#include <deque>
#include <functional>
#include <memory>
#include <numeric>
#include <vector>

namespace bench {

using finished = std::function<void()>;

// -- ping-pong: two actors, one message under way ------------------------------------

template <class Self>
void ping_pong(caf::actor_system& system, std::int64_t rounds) {
  auto pong = system.spawn([](Self*) { return caf::behavior{[](std::int64_t x) { return x; }}; });
  system.spawn([pong, rounds](Self* self) {
    self->send(pong, std::int64_t{1});
    return caf::behavior{[=](std::int64_t x) {
      if (x < rounds) {
        self->send(pong, x + 1);
        return;
      }
      self->send_exit(pong, caf::exit_reason::user_shutdown);
      self->quit();
    }};
  });
}

// -- counting: one sender, one receiver, no answers ------------------------------------

template <class Self>
void counting(caf::actor_system& system, std::int64_t messages) {
  auto counter = system.spawn([messages](Self* self) {
    auto count = std::make_shared<std::int64_t>(0);
    return caf::behavior{[=](std::int64_t) {
      if (++*count == messages) self->quit();
    }};
  });
  system.spawn([counter, messages](Self* self) {
    for (std::int64_t i = 0; i < messages; ++i)
      self->send(counter, i);
    return caf::behavior{};
  });
}

// -- bounded buffer: an actor between producers and consumers ---------------------------

struct buffer_state {
  std::deque<std::int64_t> items;
  std::deque<caf::actor> producers, consumers; ///< who waits
  std::int64_t left = 0;                       ///< items still to pass
};

/// Messages: i64 an item from a producer; get_atom a consumer wants one; ok_atom "go on".
template <class Self>
caf::behavior buffer(Self* self, std::int64_t items, std::size_t capacity) {
  auto state = std::make_shared<buffer_state>();
  state->left = items;
  auto sender = [self] { return caf::actor_cast<caf::actor>(self->current_sender()); };
  auto deliver = [=](const caf::actor& consumer) {
    self->send(consumer, state->items.front());
    state->items.pop_front();
    if (!state->producers.empty()) {
      self->send(state->producers.front(), caf::ok_atom_v);
      state->producers.pop_front();
    }
    if (--state->left != 0) return;
    for (auto& each : state->consumers)
      self->send_exit(each, caf::exit_reason::user_shutdown);
    self->quit();
  };
  return {
      [=](std::int64_t item) {
        state->items.push_back(item);
        if (state->items.size() < capacity)
          self->send(sender(), caf::ok_atom_v);
        else
          state->producers.push_back(sender());
        if (state->consumers.empty()) return;
        auto consumer = state->consumers.front();
        state->consumers.pop_front();
        deliver(consumer);
      },
      [=](caf::get_atom) {
        if (state->items.empty())
          state->consumers.push_back(sender());
        else
          deliver(sender());
      },
  };
}

template <class Self>
void bounded_buffer(caf::actor_system& system, std::int64_t each) {
  constexpr std::int64_t producers = 40, consumers = 40;
  auto middle = system.spawn(buffer<Self>, producers * each, std::size_t{50});
  for (std::int64_t p = 0; p < producers; ++p)
    system.spawn([middle, each](Self* self) {
      auto made = std::make_shared<std::int64_t>(1);
      self->send(middle, *made);
      return caf::behavior{[=](caf::ok_atom) {
        if (*made == each)
          self->quit();
        else
          self->send(middle, ++*made);
      }};
    });
  for (std::int64_t c = 0; c < consumers; ++c)
    system.spawn([middle](Self* self) {
      self->link_to(middle);
      self->send(middle, caf::get_atom_v);
      return caf::behavior{[=](std::int64_t) { self->send(middle, caf::get_atom_v); }};
    });
}

// -- philosophers with an arbiter ----------------------------------------------------------

inline constexpr std::size_t seats = 20;

struct table_state {
  std::vector<bool> taken = std::vector<bool>(seats, false);
  std::deque<std::pair<std::size_t, caf::actor>> hungry;
  std::size_t leaving = 0;
};

template <class Self>
void serve_hungry(Self* self, table_state& table) {
  for (auto it = table.hungry.begin(); it != table.hungry.end();) {
    const auto left = it->first, right = (it->first + 1) % seats;
    if (table.taken[left] || table.taken[right]) {
      ++it;
      continue;
    }
    table.taken[left] = table.taken[right] = true;
    self->send(it->second, caf::ok_atom_v);
    it = table.hungry.erase(it);
  }
}

/// Messages: get_atom with a seat asks for both forks, put_atom gives them back.
template <class Self>
caf::behavior arbitrate(Self* self) {
  auto table = std::make_shared<table_state>();
  return {
      [=](caf::get_atom, std::uint64_t seat) {
        table->hungry.emplace_back(seat, caf::actor_cast<caf::actor>(self->current_sender()));
        serve_hungry(self, *table);
      },
      [=](caf::put_atom, std::uint64_t seat) {
        table->taken[seat] = table->taken[(seat + 1) % seats] = false;
        serve_hungry(self, *table);
      },
      [=](caf::leave_atom) {
        if (++table->leaving == seats) self->quit();
      },
  };
}

template <class Self>
void philosophers(caf::actor_system& system, std::int64_t meals) {
  auto arbiter = system.spawn(arbitrate<Self>);
  for (std::uint64_t seat = 0; seat < seats; ++seat)
    system.spawn([arbiter, seat, meals](Self* self) {
      auto eaten = std::make_shared<std::int64_t>(0);
      self->send(arbiter, caf::get_atom_v, seat);
      return caf::behavior{[=](caf::ok_atom) {
        self->send(arbiter, caf::put_atom_v, seat);
        if (++*eaten < meals) {
          self->send(arbiter, caf::get_atom_v, seat);
          return;
        }
        self->send(arbiter, caf::leave_atom_v);
        self->quit();
      }};
    });
}

// -- reduction: a binary tree of actors --------------------------------------------------

inline constexpr std::int64_t leaves_an_actor = 16;

/// Sums `count` leaves from `first` on; a leaf actor for every `leaves_an_actor` of them.
template <class Self>
caf::behavior reduce(Self* self, const caf::actor& parent, std::int64_t first, std::int64_t count) {
  if (count <= leaves_an_actor) {
    std::int64_t sum = 0;
    for (std::int64_t i = 0; i < count; ++i)
      sum += first + i;
    if (parent) self->send(parent, sum);
    return {};
  }
  auto me = caf::actor_cast<caf::actor>(self);
  self->spawn(reduce<Self>, me, first, count / 2);
  self->spawn(reduce<Self>, me, first + count / 2, count - count / 2);
  auto partial = std::make_shared<std::pair<int, std::int64_t>>(0, 0);
  return {[=](std::int64_t x) {
    partial->second += x;
    if (++partial->first < 2) return;
    if (parent) self->send(parent, partial->second);
    self->quit();
  }};
}

template <class Self>
void reduction(caf::actor_system& system, std::int64_t leaves) {
  system.spawn(reduce<Self>, caf::actor{}, std::int64_t{0}, leaves);
}

// -- creation: actors that answer once and end ---------------------------------------------

template <class Self>
void creation(caf::actor_system& system, std::int64_t actors) {
  for (std::int64_t i = 0; i < actors; ++i)
    caf::anon_send(
        system.spawn([](Self* self) { return caf::behavior{[=](std::int64_t) { self->quit(); }}; }), i);
}

} // namespace bench
