#include "scenarios/dining_philosophers/actors.hpp"

namespace troupe::scenarios::dining {

namespace {

void admit(waiter_actor* self, const waiter_book::admitted& seats) {
  for (auto& seat : seats)
    if (seat) self->state.answers[*seat].deliver(please_sit{});
}

} // namespace

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
