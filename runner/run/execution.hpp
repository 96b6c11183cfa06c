// One execution of a plan, from the first node to the last. Behind execute().
#pragma once

#include "runner/plan/long_lists.hpp"
#include "runner/run/ending.hpp"
#include "runner/run/fault_injector.hpp"
#include "runner/run/launcher_endpoint.hpp"
#include "runner/run/members.hpp"
#include "runner/run/result_file.hpp"
#include "runner/run/run_context.hpp"
#include "runner/run/trace_endings.hpp"
#include "runner/run/trace_intake.hpp"
#include "runner/run/wiring.hpp"

#include <memory>
#include <optional>

namespace troupe::scenarios {

/// Used on one thread, which waits for what others tell run_state.
class execution final : private fault_target {
 public:
  /// Both outlive it.
  execution(const scenario&, const run_options&);
  ~execution() override;
  outcome run_all();

 private:
  using clock = std::chrono::steady_clock;

  void start_nodes();
  void begin();
  /// Lets the scenario spawn its actors.
  void wire();
  void watch_for_stalls();
  std::string node_name(std::uint64_t incarnation) const;

  /// Waits for the end of the work or a reason to end early.
  run_end await_end();
  run_snapshot snapshot(stuck_detector::news) const; ///< under the lock
  /// Waits until every node has shown that it is still there, or one is lost: a loss may make actors
  /// elsewhere fail before it is known here.
  void probe_members();
  void wait_a_moment(std::unique_lock<std::mutex>&);
  /// Tells the links of the processes that ended, so that nobody waits for a sign of life.
  void reap_exited();
  void inject(fault_plan::action_kind, const std::string& node) override;
  /// Of the actors that failed since the last time.
  void tell_failures();
  /// Warns of traces that ended before their nodes.
  void tell_ended_traces(trace_endings::when);

  void end(outcome&);
  void drain();
  void stop();
  void tell_missing_traces();
  void report(outcome&);
  void add_checks(outcome&);
  std::map<std::uint64_t, trace::ledger_counts> all_books() const; ///< by incarnation

  const scenario& scenario_;
  const run_options& options_;
  const plan& plan_;
  const std::uint64_t seed_;
  run_context run_;
  const std::shared_ptr<run_state> state_ = run_.state;
  launcher_endpoint endpoint_;
  const std::shared_ptr<stuck_detector> detector_ = std::make_shared<stuck_detector>();
  const std::shared_ptr<long_list_files> lists_;
  const std::shared_ptr<trace_intake> intake_;
  members members_;
  std::optional<result_file> result_file_;
  trace_endings endings_;
  actor_failures failures_;
  fault_injector faults_{*this};
  std::unique_ptr<node> main_; ///< after all that it uses
  std::optional<wiring> wiring_;
  bool wiring_failed_ = false;              ///< for want of a node, or interrupted
  std::optional<std::string> start_failed_; ///< why, where it is the scenario's own fault
  std::string left_undone_;                 ///< when the deadline passed
  std::optional<seeded_turns> turns_;       ///< instead of scheduler threads, in a seeded run
  caf::actor collector_;
};

} // namespace troupe::scenarios
