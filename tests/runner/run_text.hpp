// Runs a scenario from the text of a file, as `troupe run` does, but in this process: its
// worker nodes are hosted here and connected by links.
#pragma once

#include "runner/api/scenario.hpp"
#include "runner/file/scenario_file.hpp"
#include "runner/run/runner.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/temporary_directory.hpp"
#include "tests/support/text.hpp"

#include <atomic>
#include <cstdint>
#include <functional>
#include <map>
#include <mutex>
#include <string>
#include <vector>

namespace troupe::testing {

/// What a run warned of. That the machine stood still is no news of the run: it may happen to any test.
class kept_warnings {
 public:
  /// For run_observer::on_warning.
  auto keep() {
    return [this](const std::string& text) {
      const std::lock_guard lock{mutex_};
      if (!text.starts_with(standstill_told)) all_.push_back(text);
    };
  }
  std::vector<std::string> all() const {
    const std::lock_guard lock{mutex_};
    return all_;
  }

 private:
  mutable std::mutex mutex_;
  std::vector<std::string> all_;
};

/// Spreads the roles over worker nodes that live in this process, connected by links.
inline void host_nodes(scenarios::plan& what, const scenarios::scenario& how, int nodes) {
  std::vector<std::string> workers;
  for (int i = 1; i <= nodes; ++i)
    workers.push_back("w" + std::to_string(i));
  what.topology.nodes = nodes;
  what.topology.endpoint = scenarios::endpoint_kind::inproc;
  for (auto& role : how.roles) {
    auto& place = what.topology.place[role.name];
    if (role.where == scenarios::placement::workers) place = workers;
    if (role.where == scenarios::placement::all) place.insert(place.end(), workers.begin(), workers.end());
  }
}

/// `nodes`: how many worker nodes besides the main one, all of them in this process.
/// Throws std::runtime_error with the mistakes of a text that is refused.
inline scenarios::outcome run_text(const scenarios::scenario& what, const std::string& text, int nodes = 0,
                                   const std::atomic<int>* interrupts = nullptr,
                                   const scenarios::run_observer& observer = {}) {
  const auto loaded = scenarios::parse(text, "test.toml", {&what}, {}, {});
  std::string mistakes;
  for (auto& mistake : loaded.mistakes)
    mistakes += render(mistake).plain();
  if (!loaded.result) throw std::runtime_error(mistakes);
  if (auto why = what.why_invalid(loaded.result->values); !why.empty()) throw std::runtime_error(why);
  const temporary_directory directory;
  scenarios::run_options options;
  options.what = *loaded.result;
  options.run_dir = directory.path();
  options.interrupts = interrupts;
  options.observer = observer;
  if (nodes > 0) host_nodes(options.what, what, nodes);
  return execute(what, options);
}

/// As run_text(), until the first word of progress: then it is interrupted, as by Ctrl-C.
inline scenarios::outcome run_text_until_progress(const scenarios::scenario& what, const std::string& text,
                                                  int nodes = 0) {
  std::atomic<int> interrupts{0};
  scenarios::run_observer observer;
  observer.on_progress = [&](std::uint64_t, std::uint64_t, const std::map<std::string, std::uint64_t>&) {
    interrupts = 1;
  };
  return run_text(what, text, nodes, &interrupts, observer);
}

/// As run_text(), until a deadline: the first of three with which the run came as far as the test needs it,
/// since a busy machine may not even have started all of it within one that is short.
inline scenarios::outcome
run_text_to_deadline(const scenarios::scenario& what, const std::string& text, int nodes,
                     const std::function<bool(const scenarios::outcome&)>& is_enough) {
  scenarios::outcome last;
  for (const std::string deadline : {"1s", "8s", "64s"}) {
    last = run_text(what, "deadline = \"" + deadline + "\"\n" + text, nodes);
    if (last.result_verdict != scenarios::verdict::deadline) break;
    if (is_enough(last)) break;
  }
  return last;
}

/// The sentence that refuses the text; empty if it is not refused.
inline std::string refusal(const scenarios::scenario& what, const std::string& text) {
  const auto loaded = scenarios::parse(text, "test.toml", {&what}, {}, {});
  if (!loaded.result) return loaded.mistakes.front().message;
  return what.why_invalid(loaded.result->values);
}

inline std::string failures(const scenarios::outcome& run) {
  std::string text = run.reason;
  for (auto& check : run.checks)
    if (!check.passed) text += "\n" + check.name + ": " + check.detail;
  return text;
}

} // namespace troupe::testing
