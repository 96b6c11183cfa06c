// One execution of a plan, from the first node to the last. Behind execute().
#pragma once

#include "actors/runtime/seeded_turns.hpp"
#include "base/files.hpp"
#include "base/open_files.hpp"
#include "runner/api/scenario.hpp"
#include "runner/member/member_node.hpp"
#include "runner/member/run_info.hpp"
#include "runner/plan/long_lists.hpp"
#include "runner/run/runner.hpp"
#include "runner/run/stuck_detector.hpp"
#include "runner/run/trace_endings.hpp"
#include "runner/run/trace_intake.hpp"
#include "transport/frames/standstill.hpp"
#include "transport/hub/inproc_context.hpp"

#include <condition_variable>
#include <mutex>
#include <set>

namespace troupe::scenarios {

/// How often a waiting launcher looks at the interrupt counter, which is set by signal
/// handlers and so cannot wake it.
inline constexpr std::chrono::milliseconds look_interval{20};
/// The probe that asks who is there; the detector counts its own from 1.
inline constexpr std::uint64_t roll_call = 1ULL << 62;

/// What happened so far, told by many threads and awaited by one.
struct run_state {
  std::mutex mutex;
  std::condition_variable changed;
  /// One start of a node, which may have been started again after it had ended.
  struct start {
    std::string node;
    std::uint64_t incarnation = 0;
    std::int64_t pid = 0; ///< as it told; 0: it did not
    std::string ended;    ///< why, in words; empty: it is there
    /// Final books that it told before it left. Its file is better, if it is here.
    std::optional<trace::ledger_counts> books;
  };
  std::vector<start> starts;               ///< in the order in which they joined
  std::set<std::string> up;                ///< nodes that joined and are still there
  std::map<std::string, std::string> down; ///< node -> why, in words
  std::map<std::string, process_exit> exits;
  std::set<std::string> crashed;  ///< of those, the ones that did not say goodbye
  std::set<std::string> unburied; ///< of those, the ones whose links have not been told

  /// Under the mutex. Made, where it is new.
  start& start_of(const transport::node_identity&);
  bool has_joined(const std::string& node) const; ///< under the mutex
  std::chrono::nanoseconds stood_still{0};        ///< the longest time that this process did not run
  std::optional<std::string> finished;            ///< the result, as JSON text
  std::chrono::steady_clock::time_point finished_at;
  std::optional<std::string> failed;
  std::set<std::string> present;      ///< nodes that answered the roll call
  std::vector<failed_actor> failures; ///< not told yet, the first of them
  std::uint64_t failures_untold = 0;  ///< those included
  bool over = false;                  ///< the verdict stands; who fails from now on is of no interest
  std::optional<std::string> mistake; ///< of the program, with which no run may pass
};

class execution final : public run {
 public:
  execution(const scenario&, const run_options&);
  ~execution() override;
  outcome run_all();

  // -- run ---------------------------------------------------------------------
  const parameters& values() const override { return plan_.values; }
  std::uint64_t seed() const override { return seed_; }
  const std::vector<std::string>& nodes_of(const std::string& role) const override;
  caf::actor collector() const override { return collector_; }
  void on_stop(const caf::actor& who) override { stopper_ = who; }
  node& main_node() override { return *main_; }

 private:
  std::vector<caf::actor> spawn_messages(const std::string& role,
                                         const std::vector<caf::message>& args) override;
  std::string why_not_spawned(const std::string& node, const std::string& role, const caf::error&) const;
  void phase(const std::string&) const;
  void warn(const std::string&) const;
  int interrupts() const { return options_.interrupts != nullptr ? options_.interrupts->load() : 0; }

  void open_main();
  void listen(node_options&, run_info&);
  std::function<void(const failed_actor&)> hear_of_failures();
  /// Of the actors that failed since the last time.
  void tell_failures();
  /// "teller 3"; empty for who was not spawned as a role.
  std::string role_name(const actor_ref&) const;
  std::string node_name(std::uint64_t incarnation) const;
  /// By the promises of the scenario and the trace as it is now; nothing where that is not whole.
  std::vector<wait_edge> holders_by_trace() const;
  void watch_for_stalls();
  /// Of what the detector found; nothing: go on.
  std::optional<verdict> judge(stuck_detector::news, std::string& reason);
  /// What happens when another node has come, or gone.
  node::up_handler tell_up();
  node::down_handler tell_down();
  /// Why that node cannot take part; empty: it is awaited.
  std::string why_not(const transport::peer_hello&) const;
  /// On tcp: the keys of this node and of those it starts, and who may come.
  void secure(transport::hub_options&, run_info&);
  /// How a node that is started by hand joins, for a shell.
  std::string join_command(const std::string& node) const;
  void start_nodes();
  void start_processes();
  /// Waits until at most `rest` of those in joining_ have not come, or there is a reason to end before that.
  void await_nodes(std::size_t rest = 0);
  /// Finds that the launcher, not the nodes, was away.
  void look_at_own_standstill(outcome&);
  void spawn_collector();
  void wire();
  std::optional<std::chrono::nanoseconds> time_left() const; ///< nothing: no deadline
  bool deadline_passed() const;
  bool finished_in_time() const; ///< under the lock
  /// Waits for the end of the work or a reason to end early; the verdict so far.
  verdict await_end(std::string& reason);
  std::optional<verdict> reason_to_end(std::string& reason);
  /// Waits until every node has shown that it is still there, or one is lost: a loss may make actors
  /// elsewhere fail before it is known here.
  void call_the_roll();
  void wait_a_moment(std::unique_lock<std::mutex>&);
  /// From when the nodes were there to `end`; virtual time, until now, in a seeded run.
  std::chrono::nanoseconds elapsed(std::chrono::steady_clock::time_point end) const;
  void drain();
  void inject_due_faults();
  void inject(const fault_plan&);
  /// Faults end with the run: who was halted goes on, so that it can leave.
  void resume_halted();
  /// Tells the links of the processes that ended, so that nobody waits for a sign of life.
  void bury_the_dead();
  void tell_to_leave(std::set<std::string>& told);
  void stop_nodes();
  void tell_missing_traces();
  /// Writes the plan, and takes room for the result. Throws file_error.
  void prepare_files();
  void keep_result(outcome&);
  /// Warns of traces that ended before their nodes.
  void tell_ended_traces(trace_endings::when);
  void report(outcome&);
  void balance(outcome&);
  std::vector<node_report> reports_of(const std::string& node) const; ///< under the mutex
  std::map<std::uint64_t, trace::ledger_counts> all_books();          ///< by incarnation

  const scenario& scenario_;
  const run_options& options_;
  const plan& plan_;
  const std::uint64_t seed_;
  std::optional<file_reservation> files_;           ///< for the nodes that are to come
  std::filesystem::path sockets_;                   ///< 0700, holds the ipc sockets; empty without
  std::optional<transport::inproc_context> inproc_; ///< before the nodes that use it
  std::shared_ptr<run_state> state_ = std::make_shared<run_state>();
  std::shared_ptr<stuck_detector> detector_ = std::make_shared<stuck_detector>();
  const std::shared_ptr<long_list_files> lists_;
  const std::shared_ptr<trace_intake> intake_; ///< before the node that it hears from
  std::optional<whole_file> result_file_;
  trace_endings endings_;
  std::vector<std::string> deadlock_; ///< the cycle, a sentence a step
  std::vector<actor_report> failed_;  ///< the first actors that failed
  std::uint64_t failed_count_ = 0;
  bool wiring_failed_ = false;              ///< for want of a node, or interrupted
  std::optional<std::string> start_failed_; ///< why, where it is the scenario's own fault
  bool acting_ = false;                     ///< start has returned
  std::string late_;                        ///< what was not done when the deadline passed
  std::unique_ptr<node> main_;
  std::optional<seeded_turns> turns_;                ///< instead of scheduler threads, in a seeded run
  std::vector<std::unique_ptr<member_node>> hosted_; ///< worker nodes in this process (inproc)
  std::vector<std::string> workers_;
  std::map<std::string, transport::waiting_limit> joining_; ///< nodes that are to join, each for how long
  std::map<std::string, std::uint64_t>
      awaited_; ///< of these, the incarnations; drawn before they are started
  caf::actor collector_;
  caf::actor stopper_;
  std::map<std::string, int> pids_;
  std::map<std::string, transport::key_pair> keys_; ///< of the nodes that are started here, for this run only
  std::map<std::string, std::size_t> next_place_;
  struct role_number {
    const std::string* role = nullptr; ///< a key of next_place_
    std::size_t number = 0;
  };
  std::map<std::pair<std::uint64_t, std::uint64_t>, role_number> spawned_; ///< by incarnation and id
  std::vector<std::pair<std::chrono::steady_clock::time_point, fault_plan>> faults_;
  std::set<std::string> halted_; ///< by a fault, and not resumed
  std::chrono::steady_clock::time_point begun_ = std::chrono::steady_clock::now();
  std::optional<std::chrono::steady_clock::time_point> started_; ///< when the nodes were there
};

} // namespace troupe::scenarios
