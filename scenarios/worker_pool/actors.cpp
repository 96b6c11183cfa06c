#include "scenarios/worker_pool/actors.hpp"

#include "transport/session/send_burst.hpp"

#include <algorithm>

namespace troupe::scenarios {

using std::chrono::steady_clock;

void add_worker_pool_messages(message_catalog& catalog) {
  add_pool_messages(catalog);
  catalog.add<next_slice, resume_task, customer_served, pool_give_up, pool_settings>();
}

// -- the worker --------------------------------------------------------------------

namespace {

using worker_actor = actor_of<worker_state>;

/// Steps between two looks at the mailbox: well under a millisecond of work.
constexpr std::uint64_t slice_steps = 100'000;
/// Results of short tasks that leave together: each alone wakes five threads on its way to
/// another process, which on a machine with all cores at work costs as much as the task.
constexpr std::size_t results_together = 64;
/// How long the first of them waits for others, by the actors' clock, so that a seed replays it.
constexpr std::chrono::milliseconds results_wait{10};

void report_if_due(worker_actor* self) {
  auto& state = self->state;
  if (state.unreported.empty()) return;
  // While there is more to do than to tell.
  const bool few = state.unreported.size() < std::min(results_together, state.begun.size());
  if (few && self->clock().now() - state.unreported_since < results_wait) return;
  const transport::send_burst together;
  for (auto& [why, done] : std::exchange(state.unreported, {})) {
    const joining task{{why}};
    self->send(state.coordinator, std::move(done));
  }
}

void exit_if_through(worker_actor* self) {
  auto& state = self->state;
  if (!state.pill || !state.begun.empty() || !state.pausing.empty()) return;
  self->send(state.coordinator, worker_exiting{state.finished, state.after_pill});
  self->quit();
}

void go_on(worker_actor* self) {
  if (self->state.begun.empty() || std::exchange(self->state.slicing, true)) return;
  self->send(self, next_slice{});
}

void on_assign(worker_actor* self, const assign_task& what) {
  auto& state = self->state;
  if (state.pill) {
    ++state.after_pill;
    return;
  }
  try {
    auto kind = state.tasks->find(what.kind);
    if (kind == state.tasks->end()) throw std::invalid_argument("no such kind of task: " + what.kind);
    const auto input = parse_foreign(what.input);
    if (input.is_discarded()) throw std::invalid_argument("the input " + why_not_json(what.input));
    state.begun.push_back({what.task, kind->second(input), current_message(), {}});
    go_on(self);
  } catch (const std::exception& e) {
    ++state.finished;
    self->send(state.coordinator, task_done{what.task, {}, e.what(), {}});
  }
}

void pause_first(worker_actor* self, std::chrono::nanoseconds how_long) {
  auto& state = self->state;
  const joining task{{state.begun.front().why}};
  self->delayed_send(self, how_long, resume_task{state.begun.front().number});
  state.pausing.splice(state.pausing.end(), state.begun, state.begun.begin());
}

void on_resume(worker_actor* self, const resume_task& what) {
  auto& state = self->state;
  auto found = std::find_if(state.pausing.begin(), state.pausing.end(),
                            [&](auto& task) { return task.number == what.task; });
  if (found == state.pausing.end()) return;
  state.begun.splice(state.begun.end(), state.pausing, found);
  go_on(self);
}

void on_slice(worker_actor* self) {
  auto& state = self->state;
  state.slicing = false;
  if (state.begun.empty()) return;
  auto current = state.begun.begin();
  const auto begin = steady_clock::now();
  task_done done{current->number, {}, {}, {}};
  bool through = true;
  try {
    through = current->task->step(slice_steps);
    if (through) done.output = dumped(current->task->output());
  } catch (const std::exception& e) {
    done.error = e.what();
    through = true;
  }
  current->busy += steady_clock::now() - begin;
  if (through) {
    done.busy = current->busy;
    if (state.unreported.empty()) state.unreported_since = self->clock().now();
    state.unreported.push_back({current->why, std::move(done)});
    state.begun.erase(current);
    ++state.finished;
  } else if (const auto pause = current->task->pause(); pause.count() > 0) {
    pause_first(self, pause);
  } else {
    state.begun.splice(state.begun.end(), state.begun, current);
  }
  report_if_due(self);
  go_on(self);
  exit_if_through(self);
}

} // namespace

caf::behavior pool_worker(worker_actor* self, const caf::actor& coordinator,
                          std::shared_ptr<const task_catalog> tasks) {
  self->state.coordinator = coordinator;
  self->state.tasks = std::move(tasks);
  self->monitor(coordinator);
  self->set_down_handler([self](caf::down_msg&) { self->quit(caf::exit_reason::remote_link_unreachable); });
  self->send(coordinator, worker_ready{self->node_name()});
  return {
      [self](const assign_task& what) { on_assign(self, what); },
      [self](const next_slice&) { on_slice(self); },
      [self](const resume_task& what) { on_resume(self, what); },
      [self](const poison_pill&) {
        self->state.pill = true;
        exit_if_through(self);
      },
  };
}

// -- the customer ------------------------------------------------------------------------

caf::behavior pool_customer(actor_of<customer_state>* self, const caf::actor& coordinator) {
  self->request(coordinator, caf::infinite, join_pool{})
      .then(
          [self, coordinator](const pool_joined& what) {
            self->send(coordinator, customer_served{what.done});
            self->quit();
          },
          [self](const caf::error&) { self->quit(); });
  return {[](const caf::unit_t&) {}};
}

} // namespace troupe::scenarios
