#include "scenarios/dining_philosophers/actors.hpp"

namespace troupe::scenarios::dining {

namespace {

/// Who waits for this fork waits for the philosopher who holds it.
void tell_holder(fork_actor* self) {
  auto& state = self->state;
  if (state.queue.empty())
    self->held_by_nobody();
  else
    self->held_by(state.holder);
}

fork_taken give(fork_actor* self, const caf::actor& to, std::uint64_t seat) {
  auto& state = self->state;
  const auto grant = state.book.grant(seat);
  state.holder = to;
  return {state.number, grant};
}

void ask_back(fork_actor* self) {
  auto& state = self->state;
  if (state.wants_back) self->send(state.holder, fork_wanted{state.number, state.book.grants()});
}

fork_report report_of(const fork_state& state) {
  return {state.number, state.book.grants(), state.book.meals(), state.book.second_hands(),
          state.book.overlaps()};
}

caf::result<fork_taken> on_take(fork_actor* self, const take_fork& what) {
  auto& state = self->state;
  if (state.cleared) return caf::make_error(caf::sec::runtime_error, "the table is cleared");
  auto who = caf::actor_cast<caf::actor>(self->current_sender());
  if (!state.book.held()) return give(self, who, what.seat);
  state.queue.push_back({what.seat, std::move(who), self->make_response_promise()});
  tell_holder(self);
  if (state.queue.size() == 1) ask_back(self);
  return caf::delegated<fork_taken>{};
}

void on_try(fork_actor* self, const try_fork& what) {
  auto& state = self->state;
  auto who = caf::actor_cast<caf::actor>(self->current_sender());
  if (state.book.held() || state.cleared)
    self->send(who, fork_busy{state.number});
  else
    self->send(who, give(self, who, what.seat));
}

void on_put(fork_actor* self, const put_fork& what) {
  auto& state = self->state;
  state.book.put(what.seat, what.grant, what.meals, what.when);
  if (state.book.held()) return;
  state.holder = nullptr;
  if (state.cleared) {
    state.clearing.deliver(report_of(state));
    return;
  }
  if (state.queue.empty()) return;
  auto next = std::move(state.queue.front());
  state.queue.erase(state.queue.begin());
  next.answer.deliver(give(self, next.who, next.seat));
  tell_holder(self);
  if (!state.queue.empty()) ask_back(self);
}

/// Those who wait get nothing any more; the one who holds it still puts it down.
caf::result<fork_report> on_clear(fork_actor* self) {
  auto& state = self->state;
  state.cleared = true;
  self->held_by_nobody();
  for (auto& each : std::exchange(state.queue, {}))
    each.answer.deliver(caf::make_error(caf::sec::runtime_error, "the table is cleared"));
  if (!state.book.held()) return report_of(state);
  state.clearing = self->make_response_promise();
  return caf::delegated<fork_report>{};
}

} // namespace

caf::behavior fork(fork_actor* self, std::uint64_t number, bool wants_back) {
  self->state.number = number;
  self->state.wants_back = wants_back;
  self->call_me("fork " + std::to_string(number));
  return {
      [self](const lay_fork& what) {
        if (what.holder) give(self, what.holder, what.seat);
        return fork_laid{};
      },
      [self](const take_fork& what) { return on_take(self, what); },
      [self](const try_fork& what) { on_try(self, what); },
      [self](const put_fork& what) { on_put(self, what); },
      [self](const clear_fork&) { return on_clear(self); },
      [self](const table_cleared&) { self->quit(); },
  };
}

} // namespace troupe::scenarios::dining
