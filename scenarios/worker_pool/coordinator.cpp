// The coordinator of the worker pool; its bookkeeping is in actors/patterns/pool.hpp.
#include "runner/plan/times.hpp"
#include "scenarios/worker_pool/actors.hpp"
#include "transport/session/send_burst.hpp"

#include <fmt/format.h>

#include <thread>

namespace troupe::scenarios {

namespace {

using nlohmann::json;
using coordinator_actor = actor_of<coordinator_state>;

std::size_t count_of(const coordinator_state& state) { return state.tasks->inputs().size(); }

const std::string& label_of(const coordinator_state& state, std::size_t task) {
  return state.settings.labels.empty() ? state.tasks->inputs()[task] : state.settings.labels[task];
}

// Of what became of a task a text is made at once: all that goes into it is JSON text already, and there may
// be a million of them.

void add_row(coordinator_actor* self, const task_done& what) {
  auto& state = self->state;
  const auto& result = state.tasks->results()[what.task];
  const auto error = what.error.empty() ? std::string{} : json_text(what.error);
  const auto row = fmt::format(
      R"({{"input":{},"{}":{},"rank":{},"at_s":{:.9f},"worker":"{}"}})", label_of(state, what.task),
      what.error.empty() ? "output" : "error", what.error.empty() ? what.output : error, result.rank,
      seconds(self->clock().now() - state.began), state.tasks->workers()[result.worker].name);
  state.rows.add(what.task, row);
}

void tell_rows(coordinator_actor* self, bool all) {
  if (auto rows = self->state.rows.take(all))
    self->send(self->state.collector, run_lines{std::move(rows->name), std::move(rows->text)});
}

/// A task has its result.
void book(coordinator_actor* self, const task_done& what) {
  auto& state = self->state;
  add_row(self, what);
  tell_rows(self, false);
  const auto& label = label_of(state, what.task);
  state.failed += !what.error.empty();
  if (state.tasks->done() <= list_shown_max) (state.order += state.order.empty() ? "" : ",") += label;
  if (state.settings.task != "is_prime" || !what.error.empty() || what.output != "true") return;
  ++state.primes;
  state.sum_of_primes += parsed(label).get<std::uint64_t>();
}

/// What a user should know about how the work was shared.
std::string note_on(const coordinator_state& state, std::size_t with_tasks) {
  const auto workers = std::to_string(state.tasks->workers().size());
  const auto tasks = count_of(state);
  if (state.settings.task == "iterate")
    return "each chain of values is inherently sequential: every value needs the one before it. With "
           + std::to_string(tasks) + (tasks == 1 ? " chain" : " chains") + " at most " + std::to_string(tasks)
           + " of " + workers + " workers can be busy; more workers do not help";
  if (tasks < state.tasks->workers().size())
    return std::to_string(with_tasks) + " of " + workers
           + " workers had a task; the others got their pill at once";
  return {};
}

/// What became of the tasks, as members of a JSON object. The file of the rows is in the order of their
/// results.
std::string answers_of(const coordinator_state& state) {
  auto answers = fmt::format(R"({},"order":[{}])", state.rows.members(), state.order);
  if (state.tasks->done() > list_shown_max)
    answers += R"(,"order_cut":)" + dumped(told_of_cut(list_shown_max, state.tasks->done(), "results"));
  if (state.settings.task == "is_prime")
    answers += fmt::format(R"(,"primes":{{"count":{},"sum":{}}})", state.primes, state.sum_of_primes);
  return answers;
}

std::string result_of(const coordinator_state& state, caf::timespan took) {
  const auto& tasks = *state.tasks;
  json workers = json::array();
  std::size_t exited = 0, with_tasks = 0;
  caf::timespan busy{0};
  for (auto& worker : tasks.workers()) {
    exited += worker.exited;
    with_tasks += worker.tasks != 0;
    busy += worker.busy;
    workers.push_back({{"worker", worker.name},
                       {"node", worker.node},
                       {"tasks", worker.tasks},
                       {"busy_s", seconds(worker.busy)},
                       {"pill", worker.exited}});
  }
  json result{{"tasks", count_of(state)},
              {"per_worker", std::move(workers)},
              {"redelivered", tasks.redelivered()},
              {"duplicates_dropped", tasks.duplicates_dropped()},
              {"failed", state.failed},
              {"cancelled", count_of(state) - tasks.done()},
              {"joined_at", state.served},
              {"workers_exited", exited},
              {"tasks_after_pill", tasks.tasks_after_pill()},
              {"took_s", seconds(took)},
              {"busy_s", seconds(busy)},
              {"workers_busy", took.count() > 0 ? seconds(busy) / seconds(took) : 0}};
  if (auto note = note_on(state, with_tasks); !note.empty()) result["note"] = std::move(note);
  auto text = json_text(result);
  text.back() = ','; // was the closing brace
  return text + answers_of(state) + '}';
}

void tell_progress(coordinator_actor* self) {
  auto& state = self->state;
  const auto now = self->clock().now();
  if (now - state.told < std::chrono::milliseconds{100} && !state.tasks->all_done()) return;
  state.told = now;
  tell_rows(self, true);
  run_progress progress{state.tasks->done(), state.tasks->inputs().size(), {}};
  for (auto& worker : state.tasks->workers())
    progress.per_node[worker.node] += worker.tasks;
  self->send(state.collector, std::move(progress));
}

void answer_joiners(coordinator_actor* self) {
  auto& state = self->state;
  if (!state.tasks->all_done() && !state.cancelled) return;
  const joining all{state.results};
  for (auto& joiner : std::exchange(state.joiners, {}))
    joiner.deliver(pool_joined{state.tasks->done(), state.tasks->inputs().size()});
}

void end(coordinator_actor* self) {
  self->state.finished = true;
  self->quit();
}

void tell_result(coordinator_actor* self) {
  auto& state = self->state;
  for (std::size_t task = 0; !state.tasks->all_done() && task < count_of(state); ++task)
    if (!state.tasks->results()[task].done())
      state.rows.add(task, fmt::format(R"({{"input":{},"cancelled":true}})", label_of(state, task)));
  tell_rows(self, true);
  const joining all{state.goodbyes};
  self->send(state.collector, run_finished{result_of(state, self->clock().now() - state.began)});
  end(self);
}

void hand_out(coordinator_actor* self, const std::vector<pool::assignment>& assignments) {
  const transport::send_burst together;
  for (auto& each : assignments) {
    self->send(each.worker, each.what);
    auto& earlier = self->state.handed[each.what.task];
    if (earlier.id) self->repeats(earlier);
    earlier = last_sent();
  }
}

/// Sends what is to be sent, and looks whether everything is over.
void proceed(coordinator_actor* self, const std::vector<pool::assignment>& assignments) {
  auto& state = self->state;
  if (state.finished) return;
  hand_out(self, assignments);
  answer_joiners(self);
  const bool nothing_left = state.tasks->all_done() || state.cancelled;
  const bool everybody_here = state.tasks->workers().size() >= state.expected;
  if (nothing_left && everybody_here && !std::exchange(state.pills_sent, true)) {
    for (auto& worker : state.tasks->living())
      self->send(worker, poison_pill{});
    // The threads that transmit the pills may be waiting for this one's core.
    std::this_thread::yield();
  }
  if (state.pills_sent && state.tasks->all_ended() && state.customer_served) {
    tell_result(self);
  } else if (!nothing_left && everybody_here && state.tasks->all_ended()) {
    const auto why = "every worker is gone, with "
                     + std::to_string(state.tasks->inputs().size() - state.tasks->done()) + " tasks left";
    for (auto& joiner : std::exchange(state.joiners, {}))
      joiner.deliver(caf::make_error(caf::sec::runtime_error, why));
    self->send(state.collector, run_failed{why});
    end(self);
  }
}

/// Everybody is there, or will never be.
void begin_if_complete(coordinator_actor* self, std::vector<pool::assignment>& next) {
  auto& state = self->state;
  if (state.tasks->workers().size() < state.expected || std::exchange(state.begun, true)) return;
  state.began = self->clock().now();
  auto first = state.tasks->begin();
  next.insert(next.end(), first.begin(), first.end());
}

/// Any program can be a worker.
void refuse_what_is_not_json(task_done& what) {
  if (!what.error.empty()) return;
  if (const auto why = why_not_json(what.output); !why.empty()) what.error = "its worker's answer " + why;
}

void on_ready(coordinator_actor* self, const caf::actor& worker, const worker_ready& what) {
  auto& state = self->state;
  if (state.watched.insert(worker.address()).second) self->monitor(worker);
  auto next = state.tasks->on_ready(worker, what.node);
  begin_if_complete(self, next);
  proceed(self, next);
}

void on_done(coordinator_actor* self, const caf::actor& worker, task_done& what) {
  auto& state = self->state;
  refuse_what_is_not_json(what);
  bool counts = false;
  auto next = state.tasks->on_done(worker, what, counts);
  if (counts) book(self, what);
  state.results.push_back(current_message());
  tell_progress(self);
  proceed(self, next);
}

void on_down(coordinator_actor* self, const caf::down_msg& down) {
  auto& state = self->state;
  if (!state.tasks->knows(down.source)) --state.expected;
  auto next = state.tasks->on_down(down.source);
  begin_if_complete(self, next);
  proceed(self, next);
}

} // namespace

caf::behavior pool_coordinator(coordinator_actor* self, const caf::actor& collector,
                               const pool_settings& settings) {
  auto& state = self->state;
  state.collector = collector;
  state.settings = settings;
  state.expected = settings.workers;
  state.began = self->clock().now();
  const auto how = settings.dispatch == "pull" ? dispatch_kind::pull : dispatch_kind::round_robin;
  auto& inputs = state.settings.inputs.empty() ? state.settings.labels : state.settings.inputs;
  state.tasks = std::make_unique<pool>(settings.task, std::exchange(inputs, {}), how, settings.prefetch);
  state.rows = long_list{"results", count_of(state)};
  state.handed.resize(count_of(state));
  self->set_down_handler([self](caf::down_msg& down) { on_down(self, down); });
  auto sender = [self] { return caf::actor_cast<caf::actor>(self->current_sender()); };
  return {
      [self](const worker_hired& what) {
        if (self->state.watched.insert(what.worker.address()).second) self->monitor(what.worker);
      },
      [self, sender](const worker_ready& what) { on_ready(self, sender(), what); },
      [self, sender](task_done& what) { on_done(self, sender(), what); },
      [self, sender](const worker_exiting& what) {
        self->state.tasks->on_exiting(sender(), what);
        self->state.goodbyes.push_back(current_message());
        proceed(self, {});
      },
      [self](const join_pool&) -> caf::result<pool_joined> {
        auto promise = self->make_response_promise();
        self->state.joiners.push_back(promise);
        answer_joiners(self);
        return caf::delegated<pool_joined>{};
      },
      [self](const customer_served& what) {
        self->state.served = what.done;
        self->state.customer_served = true;
        proceed(self, {});
      },
      [self](const stop_early&) {
        self->state.tasks->cancel();
        self->state.cancelled = true;
        self->delayed_send(self, stop_grace, pool_give_up{});
        proceed(self, {});
      },
      [self](const pool_give_up&) { tell_result(self); },
  };
}

} // namespace troupe::scenarios
