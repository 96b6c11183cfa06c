// The handler of one client's lines, one at a time and in order. It may fail: nobody
// else is concerned.
#include "scenarios/echo_server/actors.hpp"

#include <stdexcept>

namespace troupe::scenarios::echo {

namespace {

void answer(session_actor* self, const std::string& line) {
  auto& state = self->state;
  if (!state.rules.fails_on.empty() && line == state.rules.fails_on)
    throw std::runtime_error("it was told \"" + line + '"');
  const bool last = state.rules.mode == mode_kind::close_after_reply;
  self->send(state.outlet, echoed{state.client, std::string{echo_prefix} + line, last});
  if (last) self->quit();
}

void on_say(session_actor* self, say& what) {
  auto& state = self->state;
  if (state.rules.work.count() == 0) {
    answer(self, what.text);
    return;
  }
  state.waiting.push_back(std::move(what.text));
  if (state.waiting.size() == 1) self->delayed_send(self, state.rules.work, work_done{});
}

void on_work_done(session_actor* self) {
  auto& state = self->state;
  if (state.waiting.empty()) return;
  const auto line = std::move(state.waiting.front());
  state.waiting.pop_front();
  answer(self, line);
  if (!state.waiting.empty())
    self->delayed_send(self, state.rules.work, work_done{});
  else if (state.finishing)
    self->quit();
}

/// What is left will not be answered, and is counted.
void end(session_actor* self) {
  const auto& state = self->state;
  if (!state.waiting.empty())
    self->send(caf::actor_cast<caf::actor>(self->current_sender()),
               left_open{state.client, state.waiting.size()});
  self->quit();
}

} // namespace

caf::behavior session(session_actor* self, const caf::actor& outlet, std::uint64_t client,
                      const server_rules& rules) {
  self->state.outlet = outlet;
  self->state.client = client;
  self->state.rules = rules;
  self->set_exception_handler([](std::exception_ptr& problem) -> caf::error {
    try {
      std::rethrow_exception(problem);
    } catch (const std::exception& e) {
      return caf::make_error(caf::sec::runtime_error, e.what());
    } catch (...) {
      return caf::sec::runtime_error;
    }
  });
  return {
      [self](say& what) { on_say(self, what); },
      [self](const work_done&) { on_work_done(self); },
      [self](const hang_up&) { end(self); },
      [self](const give_up&) { end(self); },
      [self](const finish_up&) {
        self->state.finishing = true;
        if (self->state.waiting.empty()) self->quit();
      },
  };
}

} // namespace troupe::scenarios::echo
