#include "scenarios/worker_pool.hpp"

#include "actors/pool.hpp"

#include <chrono>
#include <list>

namespace troupe::scenarios {

namespace {

using std::chrono::steady_clock;

// -- the worker --------------------------------------------------------------------

/// A worker tells itself to go on with its tasks; between two slices it reads its mailbox.
struct next_slice {};
template <class Inspector>
auto inspect(Inspector& f, next_slice&) {
  return f(caf::meta::type_name("next_slice"));
}

/// Steps between two looks at the mailbox: well under a millisecond of work.
constexpr std::uint64_t slice_steps = 100'000;

struct worker_state {
  static inline const char* name = "worker";
  struct current {
    std::uint64_t number;
    std::unique_ptr<running_task> task;
    caf::timespan busy{0};
  };
  std::shared_ptr<const task_catalog> tasks;
  caf::actor coordinator;
  std::list<current> begun; ///< round robin, so that short tasks overtake long ones
  std::uint64_t finished = 0;
  std::uint64_t after_pill = 0;
  bool pill = false;
  bool slicing = false;
};

using worker_actor = actor_of<worker_state>;

void exit_if_through(worker_actor* self) {
  auto& state = self->state;
  if (!state.pill || !state.begun.empty()) return;
  self->send(state.coordinator, worker_exiting{state.finished, state.after_pill});
  self->quit();
}

void go_on(worker_actor* self) {
  if (std::exchange(self->state.slicing, true)) return;
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
    state.begun.push_back({what.task, kind->second(nlohmann::json::parse(what.input)), {}});
    go_on(self);
  } catch (const std::exception& e) {
    ++state.finished;
    self->send(state.coordinator, task_done{what.task, {}, e.what(), {}});
  }
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
    if (through) done.output = current->task->output().dump();
  } catch (const std::exception& e) {
    done.error = e.what();
  }
  current->busy += steady_clock::now() - begin;
  if (through) {
    done.busy = current->busy;
    state.begun.erase(current);
    ++state.finished;
    self->send(state.coordinator, std::move(done));
  } else {
    state.begun.splice(state.begun.end(), state.begun, current);
  }
  if (!state.begun.empty()) go_on(self);
  exit_if_through(self);
}

caf::behavior work(worker_actor* self, const caf::actor& coordinator, std::shared_ptr<const task_catalog> tasks) {
  self->state.coordinator = coordinator;
  self->state.tasks = std::move(tasks);
  self->monitor(coordinator);
  self->set_down_handler([self](caf::down_msg&) { self->quit(caf::exit_reason::remote_link_unreachable); });
  self->send(coordinator, worker_ready{self->node_name()});
  return {
    [self](const assign_task& what) { on_assign(self, what); },
    [self](const next_slice&) { on_slice(self); },
    [self](const poison_pill&) {
      self->state.pill = true;
      exit_if_through(self);
    },
  };
}

// -- the coordinator -----------------------------------------------------------------

struct coordinator_state {
  static inline const char* name = "coordinator";
  std::unique_ptr<pool> tasks;
  caf::actor collector;
  std::size_t expected = 0; ///< workers that will get ready, less those that died before
  bool pills_sent = false;
  bool finished = false;
  std::size_t cancelled = 0;
  steady_clock::time_point told{};
};

using coordinator_actor = actor_of<coordinator_state>;

nlohmann::json result_of(const coordinator_state& state) {
  using nlohmann::json;
  const auto& tasks = *state.tasks;
  json results = json::array();
  std::size_t failed = 0;
  for (std::size_t i = 0; i < tasks.inputs().size(); ++i) {
    const auto& result = tasks.results()[i];
    json row{{"input", json::parse(tasks.inputs()[i])}};
    if (!result.done) row["cancelled"] = true;
    else if (!result.error.empty()) row["error"] = result.error;
    else row["output"] = json::parse(result.output);
    failed += !result.error.empty();
    results.push_back(std::move(row));
  }
  json workers = json::array();
  std::size_t exited = 0;
  for (auto& worker : tasks.workers()) {
    exited += worker.exited;
    workers.push_back({{"worker", worker.name},
                       {"node", worker.node},
                       {"tasks", worker.tasks},
                       {"busy_s", std::chrono::duration<double>(worker.busy).count()}});
  }
  return {{"tasks", tasks.inputs().size()},
          {"results", std::move(results)},
          {"per_worker", std::move(workers)},
          {"redelivered", tasks.redelivered()},
          {"duplicates_dropped", tasks.duplicates_dropped()},
          {"failed", failed},
          {"cancelled", state.cancelled},
          {"workers_exited", exited},
          {"tasks_after_pill", tasks.tasks_after_pill()}};
}

void tell_progress(coordinator_actor* self) {
  auto& state = self->state;
  const auto now = steady_clock::now();
  if (now - state.told < std::chrono::milliseconds{100} && !state.tasks->all_done()) return;
  state.told = now;
  run_progress progress{state.tasks->done(), state.tasks->inputs().size(), {}};
  for (auto& worker : state.tasks->workers())
    progress.per_node[worker.node] += worker.tasks;
  self->send(state.collector, std::move(progress));
}

/// Sends what is to be sent, and looks whether everything is over.
void proceed(coordinator_actor* self, const std::vector<pool::assignment>& assignments) {
  auto& state = self->state;
  for (auto& each : assignments)
    self->send(each.worker, each.what);
  const bool nothing_left = state.tasks->all_done() || state.cancelled != 0;
  const bool everybody_here = state.tasks->workers().size() >= state.expected;
  if (nothing_left && everybody_here && !std::exchange(state.pills_sent, true))
    for (auto& worker : state.tasks->living())
      self->send(worker, poison_pill{});
  if (state.finished) return;
  if (state.pills_sent && state.tasks->all_ended()) {
    state.finished = true;
    finish(self, state.collector, result_of(state));
    self->quit();
  } else if (!nothing_left && everybody_here && state.tasks->all_ended()) {
    state.finished = true;
    self->send(state.collector,
               run_failed{"every worker is gone, with " + std::to_string(state.tasks->inputs().size() - state.tasks->done())
                          + " tasks left"});
    self->quit();
  }
}

caf::behavior coordinate(coordinator_actor* self, const caf::actor& collector, const std::string& kind,
                         const std::vector<std::string>& inputs, const std::string& dispatch, std::uint64_t prefetch,
                         std::uint64_t workers) {
  auto& state = self->state;
  state.collector = collector;
  state.expected = workers;
  const auto how = dispatch == "pull" ? dispatch_kind::pull : dispatch_kind::round_robin;
  state.tasks = std::make_unique<pool>(kind, inputs, how, prefetch);
  self->set_down_handler([self](caf::down_msg& down) { proceed(self, self->state.tasks->on_down(down.source)); });
  auto sender = [self] { return caf::actor_cast<caf::actor>(self->current_sender()); };
  return {
    [self, sender](const worker_ready& what) {
      auto worker = sender();
      self->monitor(worker);
      auto& tasks = *self->state.tasks;
      auto next = tasks.on_ready(worker, what.node);
      if (tasks.workers().size() == self->state.expected) {
        auto dealt = tasks.deal();
        next.insert(next.end(), dealt.begin(), dealt.end());
      }
      proceed(self, next);
    },
    [self, sender](task_done& what) {
      auto next = self->state.tasks->on_done(sender(), what);
      tell_progress(self);
      proceed(self, next);
    },
    [self, sender](const worker_exiting& what) {
      self->demonitor(sender());
      self->state.tasks->on_exiting(sender(), what);
      proceed(self, {});
    },
    [self](const stop_early&) {
      self->state.cancelled = self->state.tasks->cancel();
      proceed(self, {});
    },
  };
}

// -- parameters, wiring, checks --------------------------------------------------------

std::vector<std::string> inputs_of(const parameters& values) {
  std::vector<std::string> result;
  if (values.has("inputs"))
    for (auto input : values.get<std::vector<std::int64_t>>("inputs"))
      result.push_back(std::to_string(input));
  if (values.has("first"))
    for (std::int64_t i = 0; i < values.integer("count"); ++i)
      result.push_back(std::to_string(values.integer("first") + i));
  return result;
}

void add_checks(scenario& s) {
  s.check("every task has one result", [](const finished_run& run) -> check_outcome {
    const auto tasks = run.result.at("tasks").get<std::size_t>();
    std::size_t counted = 0, with_result = 0;
    for (auto& worker : run.result.at("per_worker"))
      counted += worker.at("tasks").get<std::size_t>();
    for (auto& row : run.result.at("results"))
      with_result += row.contains("output") || row.contains("error");
    return {with_result == tasks && counted == tasks, std::to_string(with_result) + " of " + std::to_string(tasks)};
  });
  s.check("no task failed", [](const finished_run& run) -> check_outcome {
    const auto failed = run.result.at("failed").get<std::size_t>();
    for (auto& row : run.result.at("results"))
      if (row.contains("error")) return {false, row.at("input").dump() + ": " + row.at("error").get<std::string>()};
    return {failed == 0, std::to_string(failed) + " failed"};
  });
  s.check("no worker took a task after its pill", [](const finished_run& run) -> check_outcome {
    const auto after = run.result.at("tasks_after_pill").get<std::size_t>();
    return {after == 0, std::to_string(after) + " after"};
  });
}

} // namespace

scenario worker_pool(const task_catalog& tasks) {
  scenario s{"worker_pool", "Workers take tasks from a coordinator until each gets its poison pill"};
  std::vector<std::string> kinds;
  for (auto& [kind, factory] : tasks)
    kinds.push_back(kind);
  s.choice("task", kinds, "is_prime").help("what is computed for each input");
  s.integers("inputs").help("the inputs, in the order of the results");
  s.integer("first", 0).range(0, 9e15).help("instead of inputs: the first of a range of numbers");
  s.integer("count", 0).range(0, 1'000'000).in("tasks").help("how many numbers of that range");
  s.integer("workers", 4).range(1, 10'000).help("how many workers, spread over the worker nodes");
  s.integer("prefetch", 2).range(1, 1'000).in("tasks").help("tasks a worker may have at a time");
  s.choice("dispatch", {"pull", "round_robin"}, "pull").help("tasks on demand, or all dealt out at the start");
  s.validate([](const parameters& values) -> std::string {
    const bool list = values.has("inputs") && !values.get<std::vector<std::int64_t>>("inputs").empty();
    if (list && values.integer("count") != 0) return "give either inputs or first and count, not both";
    if (!list && values.integer("count") == 0) return "there is nothing to do: give inputs, or first and count";
    return {};
  });

  s.messages(add_pool_messages);
  s.message<next_slice>("next_slice");
  s.role("coordinator", coordinate, placement::main, "hands out the tasks and collects the results");
  auto shared = std::make_shared<const task_catalog>(tasks);
  s.role(
    "worker",
    [shared](worker_actor* self, const caf::actor& coordinator) { return work(self, coordinator, shared); },
    placement::workers, "computes one task after the other, until its pill");
  s.survives_node_loss();
  s.start([](run& r) {
    const auto& values = r.values();
    const auto workers = static_cast<std::uint64_t>(values.integer("workers"));
    auto coordinator = r.spawn("coordinator", r.collector(), values.text("task"), inputs_of(values), values.text("dispatch"),
                               static_cast<std::uint64_t>(values.integer("prefetch")), workers);
    r.on_stop(coordinator);
    for (std::uint64_t i = 0; i < workers; ++i)
      r.spawn("worker", coordinator);
  });
  add_checks(s);
  return s;
}

} // namespace troupe::scenarios
