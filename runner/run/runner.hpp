// Executes a plan: starts nodes, wires the scenario, waits, stops, balances the books.
#pragma once

#include "runner/plan/plan.hpp"
#include "runner/plan/verdict.hpp"
#include "trace/record/ledger.hpp"
#include "transport/hub/keys.hpp"

#include <atomic>
#include <functional>
#include <nlohmann/json.hpp>

namespace troupe::scenarios {

class scenario; // scenario.hpp: a declaration plus its actors

/// How a worker process ended. `code` is its exit code, or -1 where `signal` killed it.
struct process_exit {
  std::string node;
  int code = 0;
  int signal = 0;
};

/// "exit code 1", "killed by SIGSEGV", "ended in order" for code 0.
std::string how_it_ended(const process_exit&);

/// Starts and stops worker processes; the command line implements it with fork and
/// exec. Called from the runner's thread only; `on_exit` may come from any thread.
class node_launcher {
 public:
  virtual ~node_launcher() = default;
  /// Must be called before the first start.
  virtual void on_exit(std::function<void(const process_exit&)>) = 0;
  /// That directory, which does not exist yet, will hold sockets: whatever becomes of this process, they
  /// and it are removed.
  virtual void clean_up_after(const std::filesystem::path& sockets) { static_cast<void>(sockets); }
  /// Starts `troupe node --join ENDPOINT --name NAME`. Returns its pid; throws
  /// std::system_error if it cannot be started. The process can read `secret`, if there is
  /// one, where nobody else can: no argument, no environment, no file.
  virtual int start(const std::string& node, const std::string& join_endpoint,
                    const std::string& secret = {}) = 0;
  /// kill(2) on the process of that node; no-op if it has ended.
  virtual void signal(const std::string& node, int signal_number) = 0;
  /// Waits until all have ended or the time is up; returns the names of those alive.
  virtual std::vector<std::string> wait_all(std::chrono::milliseconds) = 0;
};

struct check_result {
  std::string name;
  bool passed = false;
  std::string detail;
};

struct node_report {
  std::string name;
  std::int64_t pid = 0;
  std::uint64_t incarnation = 0;
  std::string ended; ///< "left", "killed by SIGKILL", "exit code 1", "lost: silent"
};

struct actor_report {
  std::string node;
  std::string actor; ///< "teller 3"
  std::string why;   ///< it ended: the text of an exception, or an error
};
/// Actors that failed are listed up to so many, and counted.
inline constexpr std::size_t actors_failed_max = 100;

struct outcome {
  std::string scenario;
  verdict result_verdict = verdict::passed;
  std::string reason; ///< one sentence where it is not `passed`
  std::vector<std::string>
      deadlock; ///< who waits for whom, a sentence a step, where that is the verdict or known
  std::vector<actor_report> actors_failed; ///< the first of them
  std::uint64_t actors_failed_count = 0;
  std::vector<check_result> checks;
  nlohmann::json result; ///< the scenario's own object
  std::vector<node_report> nodes;
  trace::ledger_counts messages;
  std::uint64_t lost = 0; ///< in crashes
  double elapsed_s = 0;
  std::uint64_t seed = 0; ///< the one given, or the one drawn
  std::filesystem::path run_dir;
  std::string not_kept; ///< why result.json is not in run_dir, a sentence; empty: it is
};
/// The object of result.json and of --json.
nlohmann::json to_json(const outcome&);

/// What a run tells while it is on. All functions may be empty; called from any thread, must not throw.
struct run_observer {
  std::function<void(const std::string& phase)>
      on_phase; ///< "starting 2 nodes", "running", "stopping: w2 is still alive"
  std::function<void(std::uint64_t done, std::uint64_t total,
                     const std::map<std::string, std::uint64_t>& per_node)>
      on_progress; ///< total 0: unknown
  std::function<void(const std::string& message)> on_warning;
  /// A node, the launcher's own included, is part of the run, or is no more and why: "left", "lost: silent".
  std::function<void(const std::string& node, bool up, const std::string& why)> on_node;
};

struct run_options {
  plan what;
  std::filesystem::path run_dir;     ///< exists and is empty
  node_launcher* launcher = nullptr; ///< may be null when what.topology needs no process
  /// 0: go on; 1: drain and stop in order; 2 or more: kill now. Set by signal handlers.
  const std::atomic<int>* interrupts = nullptr;
  run_observer observer;
};

/// Blocks until the run has ended and every process is gone. Writes result.json,
/// plan.json, the traces and the books into the run directory; room for the first is taken
/// before the others get any. Throws std::exception only for what prevents a run from
/// starting (cannot bind, cannot write,
/// mistakes_in()).
outcome execute(const scenario&, const run_options&);

} // namespace troupe::scenarios
