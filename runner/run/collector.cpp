#include "runner/run/collector.hpp"

#include "actors/runtime/thread_state.hpp"
#include "runner/api/scenario.hpp"

namespace troupe::scenarios {

namespace {

struct collector_state {
  static inline const char* name = "run";
};

caf::behavior collect(actor_of<collector_state>*, std::shared_ptr<run_state> state,
                      std::shared_ptr<long_list_files> lists, run_observer observer) {
  return {
      [state](run_finished& x) {
        const auto why_not = why_not_json(x.result); // any program may have sent it
        std::lock_guard lock{state->mutex};
        if (why_not.empty() && !state->finished) {
          state->finished = std::move(x.result);
          state->finished_at = std::chrono::steady_clock::now();
        }
        if (!why_not.empty() && !state->failed) state->failed = "the result " + why_not;
        state->changed.notify_all();
      },
      [state](run_failed& x) {
        std::lock_guard lock{state->mutex};
        if (!state->failed) state->failed = std::move(x.why);
        state->changed.notify_all();
      },
      [lists, observer](const run_lines& x) {
        const auto problem = lists->append(x.name, x.lines);
        if (!problem.empty() && observer.on_warning) observer.on_warning(problem);
      },
      [observer](const run_progress& x) {
        if (observer.on_progress) observer.on_progress(x.done, x.total, x.per_node);
      },
      [observer](const run_announcement& x) {
        if (observer.on_warning) observer.on_warning(x.text);
      },
  };
}

} // namespace

caf::actor spawn_collector(node& main, std::shared_ptr<run_state> state,
                           std::shared_ptr<long_list_files> lists, const run_observer& observer) {
  const std::string role = "run";
  const role_scope named{&role};
  // Not hidden: the books are read when it has ended, and what ends a run is its last message.
  return main.system().spawn(collect, std::move(state), std::move(lists), observer);
}

} // namespace troupe::scenarios
