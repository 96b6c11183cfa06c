// The poison-pill worker pool: its parameters, its wiring and its checks. The actors are in
// worker_pool_actors.hpp, what they can compute in pool_tasks.hpp.
#include "scenarios/worker_pool/worker_pool.hpp"

#include "runner/plan/times.hpp"
#include "scenarios/worker_pool/actors.hpp"

namespace troupe::scenarios {

using nlohmann::json;

namespace {

void declare(scenario& s, const task_catalog& tasks) {
  std::vector<std::string> kinds;
  for (auto& [kind, factory] : tasks)
    kinds.push_back(kind);
  s.choice("task", kinds, kinds.front() == "factors" ? "is_prime" : kinds.front())
      .help("what is computed for each input");
  s.integers("inputs").help("the inputs, in the order of the results");
  s.texts("texts").help("instead of inputs, for tasks that take texts: for scrypt the passwords");
  s.integer("first", 0).range(0, 9e15).help("instead of inputs: the first of a range of numbers");
  s.integer("count", 0).range(0, 1'000'000).in("tasks").help("how many numbers of that range");
  s.integer("workers", 4).range(1, 10'000).help("how many workers, spread over the worker nodes");
  s.integer("prefetch", 2)
      .range(1, 1'000)
      .in("tasks")
      .help("tasks a worker may have at a time, worked on in slices; topped up at half, and less towards the "
            "end");
  s.choice("dispatch", {"pull", "round_robin"}, "pull")
      .help("tasks on demand, or all dealt out at the start");
  s.duration("unit", std::chrono::milliseconds{100})
      .range(0, 3600)
      .help("for sleep: how long a unit of time lasts");
  s.number("limit", 0).range(0, 1e6).in("units").help("for sleep: when a request times out; 0: never");
  s.integer("times", 20)
      .range(0, 1e12)
      .help("for iterate: how often f(x) = x^2 - x + 1 is applied to each input");
  s.integer("modulo", 0)
      .range(0, 9e18)
      .help("for iterate: what is left of each value; 0: all of it, with as many digits as it takes");
  s.text("salt", "NaCl").help("for scrypt");
  s.integer("scrypt_n", 16'384)
      .range(2, 1 << 20)
      .help("for scrypt: its cost, a power of two; 1 KiB of memory each");
}

bool takes_texts(const std::string& task) { return task == "scrypt"; }

std::string why_impossible(const parameters& values) {
  const bool list = !values.get<std::vector<std::int64_t>>("inputs").empty(),
             texts = !values.get<std::vector<std::string>>("texts").empty();
  const bool range = values.integer("count") != 0;
  const auto& task = values.text("task");
  if (list + texts + range > 1) return "give either inputs, or texts, or first and count";
  if (list + texts + range == 0) return "there is nothing to do: give inputs, or texts, or first and count";
  if (takes_texts(task) != texts && standard_tasks().contains(task))
    return "task " + task
           + (texts ? " takes numbers: give inputs instead of texts"
                    : " takes texts: give texts instead of inputs or count");
  const auto n = values.integer("scrypt_n");
  if ((n & (n - 1)) != 0) return "scrypt_n must be a power of two, such as 16384";
  if (task == "iterate" && values.integer("modulo") == 0
      && values.integer("times") > static_cast<std::int64_t>(iterate_big_max))
    return "times may be at most " + std::to_string(iterate_big_max)
           + " without modulo: the number of digits doubles each time";
  return {};
}

/// How the inputs are shown.
std::vector<json> labels_of(const parameters& values) {
  std::vector<json> labels;
  for (auto input : values.get<std::vector<std::int64_t>>("inputs"))
    labels.emplace_back(input);
  for (auto& text : values.get<std::vector<std::string>>("texts"))
    labels.emplace_back(text);
  for (std::int64_t i = 0; i < values.integer("count"); ++i)
    labels.emplace_back(values.integer("first") + i);
  return labels;
}

/// What the workers get: whatever a task needs to know is in its input.
json input_of(const parameters& values, const json& label) {
  const auto& task = values.text("task");
  if (task == "sleep")
    return {
        {"units", label}, {"limit", values.number("limit")}, {"unit_s", seconds(values.duration("unit"))}};
  if (task == "iterate")
    return {{"start", label}, {"times", values.integer("times")}, {"modulo", values.integer("modulo")}};
  if (task == "scrypt")
    return {{"password", label}, {"salt", values.text("salt")}, {"n", values.integer("scrypt_n")}};
  return label;
}

void wire_pool(run& r) {
  const auto& values = r.values();
  pool_settings settings;
  settings.task = values.text("task");
  settings.dispatch = values.text("dispatch");
  settings.prefetch = static_cast<std::uint64_t>(values.integer("prefetch"));
  settings.workers = static_cast<std::uint64_t>(values.integer("workers"));
  const auto labels = labels_of(values);
  settings.labels.reserve(labels.size());
  for (auto& label : labels) {
    settings.labels.push_back(dumped(label));
    auto input = input_of(values, label);
    if (input != label) settings.inputs.push_back(dumped(input));
  }
  const auto workers = settings.workers;
  auto coordinator = r.spawn("coordinator", r.collector(), std::move(settings));
  r.on_stop(coordinator);
  const auto coordinator_only = [&](std::size_t) { return message_with(coordinator); };
  for (auto& worker : r.spawn_each("worker", workers, coordinator_only))
    troupe::anon_send(coordinator, worker_hired{worker});
  r.spawn("customer", coordinator);
}

void add_pool_checks(scenario& s) {
  s.check("every task has one result", [](const finished_run& run) -> check_outcome {
    const auto tasks = run.result.at("tasks").get<std::size_t>();
    std::size_t counted = 0;
    auto with_result = length_of_list(run.result, "results");
    for (auto& worker : run.result.at("per_worker"))
      counted += worker.at("tasks").get<std::size_t>();
    for (auto& row : run.result.at("results")) // the beginning of them
      with_result -= !row.contains("output") && !row.contains("error");
    return {with_result == tasks && counted == tasks,
            std::to_string(with_result) + " of " + std::to_string(tasks)};
  });
  s.check("no task failed", [](const finished_run& run) -> check_outcome {
    const auto failed = run.result.at("failed").get<std::size_t>();
    for (auto& row : run.result.at("results"))
      if (row.contains("error"))
        return {false, json_text(row.at("input")) + ": " + row.at("error").get<std::string>()};
    return {failed == 0, std::to_string(failed) + " failed"
                             + (failed != 0 ? ", none of the first ones: see results.jsonl" : "")};
  });
  s.check("join returned when the last result was in", [](const finished_run& run) -> check_outcome {
    const auto at = run.result.at("joined_at").get<std::size_t>(),
               tasks = run.result.at("tasks").get<std::size_t>();
    return {at == tasks, "after " + std::to_string(at) + " of " + std::to_string(tasks)};
  });
  s.check("no worker took a task after its pill", [](const finished_run& run) -> check_outcome {
    const auto after = run.result.at("tasks_after_pill").get<std::size_t>();
    return {after == 0, std::to_string(after) + " after"};
  });
}

} // namespace

scenario worker_pool(const task_catalog& tasks) {
  scenario s{"worker_pool", "Workers take tasks from a coordinator until each gets its poison pill"};
  declare(s, tasks);
  s.validate(why_impossible);
  s.messages(add_worker_pool_messages);
  s.role("coordinator", pool_coordinator, placement::main, "hands out the tasks and collects the results");
  s.role("customer", pool_customer, placement::main, "waits until every task has its result");
  auto shared = std::make_shared<const task_catalog>(tasks);
  s.role(
      "worker",
      [shared](actor_of<worker_state>* self, const caf::actor& coordinator) {
        return pool_worker(self, coordinator, shared);
      },
      placement::workers, "computes its tasks in slices, until its pill");
  s.survives_node_loss();
  s.promise("each assign_task: one task_done");
  s.promise("order worker: assign_task before poison_pill");
  s.start(wire_pool);
  add_pool_checks(s);
  return s;
}

} // namespace troupe::scenarios
