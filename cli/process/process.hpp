// Starts the worker processes of a run, shows what they write, and tells how they ended.
#pragma once

#include "runner/run/runner.hpp"

#include <memory>
#include <string_view>

namespace troupe::cli {

struct launcher_options {
  /// Executed for every node; by default the running program itself, also if its file
  /// was replaced meanwhile.
  std::string program = "/proc/self/exe";
  /// argv[0] of the processes, for ps.
  std::string name = "troupe";
  /// argv of a node's process. Default: `NAME node --join ENDPOINT --name NODE`.
  std::function<std::vector<std::string>(const std::string& node, const std::string& endpoint)> arguments;
  /// The cores of the first node started, of the second, and so on; nodes beyond these run where the
  /// launcher may.
  std::vector<std::vector<int>> cores;
  /// argv of the guard (cli/process/guard.hpp), which is started before there is anything to guard. Default:
  /// `NAME guard`.
  std::vector<std::string> guard_arguments;
  /// One line that a node wrote to its stdout or stderr, made printable. Runs on the
  /// launcher's thread, before the exit of that node is told; must not block for long,
  /// or the nodes will wait for it.
  std::function<void(const std::string& node, std::string_view line)> on_line;
};

/// Each child leads a process group of its own, so that a terminal's Ctrl-C reaches the
/// launcher alone. A child dies with this process however that ends: the kernel kills it
/// (PR_SET_PDEATHSIG), and its lifeline ends (see cli/process/spawn.hpp). When a child has ended,
/// what is left of its group is killed too; after the death of the launcher the guard
/// does that, and removes the sockets of the run with their directory.
///
/// One thread forks, reads and reaps; the destructor kills who is still alive and ends
/// it. All functions may be called from any thread but the launcher's own.
class process_launcher final : public scenarios::node_launcher {
 public:
  explicit process_launcher(launcher_options);
  ~process_launcher() override;

  void on_exit(std::function<void(const scenarios::process_exit&)>) override;
  void clean_up_after(const std::filesystem::path& sockets) override;
  int start(const std::string& node, const std::string& join_endpoint,
            const std::string& secret = {}) override;
  void signal(const std::string& node, int signal_number) override;
  /// A node counts as ended once on_exit has returned for it.
  std::vector<std::string> wait_all(std::chrono::milliseconds) override;
  /// SIGKILL to every process group that is left. Does not wait.
  void kill_all();

 private:
  struct impl;
  std::unique_ptr<impl> impl_;
};

} // namespace troupe::cli
