// What philosophers wait for: forks and the waiter.
#include "actors/codec/message_catalog.hpp"
#include "scenarios/dining_philosophers/actors.hpp"

namespace troupe::scenarios::dining {

void add_messages(message_catalog& catalog) {
  catalog.add<dining_rules>("dining_rules");
  catalog.add<place_setting>("place_setting");
  catalog.add<table_set>("table_set");
  catalog.add<lay_fork>("lay_fork");
  catalog.add<fork_laid>("fork_laid");
  catalog.add<start_dining>("start_dining");
  catalog.add<take_fork>("take_fork");
  catalog.add<try_fork>("try_fork");
  catalog.add<fork_taken>("fork_taken");
  catalog.add<fork_busy>("fork_busy");
  catalog.add<fork_wanted>("fork_wanted");
  catalog.add<put_fork>("put_fork");
  catalog.add<ask_to_sit>("ask_to_sit");
  catalog.add<please_sit>("please_sit");
  catalog.add<stand_up>("stand_up");
  catalog.add<done_thinking>("done_thinking");
  catalog.add<pause_over>("pause_over");
  catalog.add<done_eating>("done_eating");
  catalog.add<try_again>("try_again");
  catalog.add<meals_eaten>("meals_eaten");
  catalog.add<philosopher_report>("philosopher_report");
  catalog.add<dinner_spoilt>("dinner_spoilt");
  catalog.add<leave_table>("leave_table");
  catalog.add<clear_fork>("clear_fork");
  catalog.add<fork_report>("fork_report");
  catalog.add<table_cleared>("table_cleared");
}

namespace {

// -- the fork ------------------------------------------------------------------------

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

// -- the waiter ------------------------------------------------------------------------

void admit(waiter_actor* self, const waiter_book::admitted& seats) {
  for (auto& seat : seats)
    if (seat) self->state.answers[*seat].deliver(please_sit{});
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

caf::behavior waiter(waiter_actor* self, const dining_rules& rules) {
  self->call_me("the waiter");
  self->state.book.emplace(rules.waiter, rules.philosophers);
  self->state.answers.resize(rules.philosophers);
  return {
      [self](const ask_to_sit& what) -> caf::result<please_sit> {
        self->state.answers.at(what.seat) = self->make_response_promise();
        admit(self, self->state.book->ask(what.seat));
        return caf::delegated<please_sit>{};
      },
      [self](const stand_up& what) { admit(self, self->state.book->leave(what.seat)); },
      [self](const table_cleared&) { self->quit(); },
  };
}

} // namespace troupe::scenarios::dining
