// The same two actors for every actor system that is measured: a source that sends
// messages within a window, and a sink that counts them and gives credit back.
#pragma once

#include <caf/all.hpp>

#include <chrono>
#include <cstdint>
#include <vector>

namespace bench {

struct blob {
  std::vector<char> bytes;
};
TROUPE_MESSAGE(blob, bytes)

/// Sink -> source: that many messages have arrived.
struct credit {
  std::uint64_t messages = 0;
};
TROUPE_MESSAGE(credit, messages)

/// To a source: send so many messages of that size to `sink`; answered when all arrived.
struct begin_sending {
  caf::actor sink;
  std::uint64_t messages = 0;
  std::uint64_t bytes = 0;
  std::uint64_t window = 0; ///< messages under way
};
TROUPE_MESSAGE(begin_sending, sink, messages, bytes, window)

struct ping {
  std::uint64_t number = 0;
};
TROUPE_MESSAGE(ping, number)

/// To a pinger: that many round trips with `whom`; answered with each one's nanoseconds.
struct begin_pinging {
  caf::actor whom;
  std::uint64_t rounds = 0;
};
TROUPE_MESSAGE(begin_pinging, whom, rounds)

struct round_trips {
  std::vector<std::int64_t> nanoseconds;
};
TROUPE_MESSAGE(round_trips, nanoseconds)

struct source_state {
  begin_sending job;
  std::uint64_t sent = 0, arrived = 0;
  caf::response_promise done;
};

/// Handlers of a sink: counts, gives credit each quarter of a window.
template <class Self>
caf::behavior sink(Self* self, std::uint64_t every) {
  auto count = std::make_shared<std::uint64_t>(0);
  return {
      [=](const blob&) {
        if (++*count % every == 0)
          self->send(caf::actor_cast<caf::actor>(self->current_sender()), credit{every});
      },
      [=](const ping& x) { return x; },
  };
}

template <class Self>
void send_more(Self* self, const std::shared_ptr<source_state>& state) {
  const blob message{std::vector<char>(state->job.bytes, 'x')};
  while (state->sent < state->job.messages && state->sent - state->arrived < state->job.window) {
    self->send(state->job.sink, message);
    ++state->sent;
  }
}

template <class Self>
caf::behavior source(Self* self) {
  auto state = std::make_shared<source_state>();
  return {
      [=](begin_sending& job) {
        *state = {std::move(job), 0, 0, self->make_response_promise()};
        send_more(self, state);
        return caf::delegated<std::uint64_t>{};
      },
      [=](const credit& x) {
        state->arrived += x.messages;
        if (state->arrived >= state->job.messages)
          state->done.deliver(state->arrived);
        else
          send_more(self, state);
      },
  };
}

struct pinger_state {
  begin_pinging job;
  round_trips times;
  caf::response_promise done;
  std::chrono::steady_clock::time_point began;
};

template <class Self>
caf::behavior pinger(Self* self) {
  auto state = std::make_shared<pinger_state>();
  return {
      [=](begin_pinging& job) {
        *state = {std::move(job), {}, self->make_response_promise(), std::chrono::steady_clock::now()};
        self->send(state->job.whom, ping{0});
        return caf::delegated<round_trips>{};
      },
      [=](const ping& x) {
        const auto now = std::chrono::steady_clock::now();
        state->times.nanoseconds.push_back((now - state->began).count());
        if (x.number + 1 == state->job.rounds) {
          state->done.deliver(std::move(state->times));
          return;
        }
        state->began = now;
        self->send(state->job.whom, ping{x.number + 1});
      },
  };
}

} // namespace bench
