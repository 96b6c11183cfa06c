// The other nodes of a run: they are started, awaited, and made to leave.
#pragma once

#include "base/open_files.hpp"
#include "runner/member/member_node.hpp"
#include "runner/run/launcher_endpoint.hpp"
#include "runner/run/run_context.hpp"
#include "runner/run/trace_intake.hpp"

#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

namespace troupe::scenarios {

/// Starts worker nodes as processes, by the launcher, or hosts them in this process (inproc); waits for them
/// and for those that join by hand. Not thread-safe, but for why_not_admitted().
class members {
 public:
  /// Draws the incarnations of the nodes that the run starts. Context, endpoint and intake outlive it.
  members(run_context&, launcher_endpoint&, trace_intake&);

  /// The names of all: those that the run starts, then those that join by hand.
  const std::vector<std::string>& names() const { return names_; }
  /// Of these, the ones that the run starts.
  const std::vector<std::string>& workers() const { return workers_; }
  /// Keeps open files free for them.
  void reserve_files();
  /// Why that node cannot take part; empty: it is awaited. Thread-safe.
  std::string why_not_admitted(const transport::peer_hello&) const;

  /// Starts all, and returns when they have joined, or the run does not go on. Throws std::exception where
  /// one cannot be started or does not join.
  void start(node& main);
  /// What was not done when the run did not go on: " before these nodes had joined: w2"; empty: all was.
  const std::string& left_undone() const { return left_undone_; }
  /// Tells all to leave, and waits until they have and their traces are here, or the patience with them is
  /// over. What is left of the processes that the run started is killed.
  void stop(node& main);
  /// Ends the nodes that are hosted here. Before the launcher's node.
  void destroy_hosted() { hosted_.clear(); }
  /// How each start of each of them ended.
  std::vector<node_report> reports() const;

 private:
  void host_workers(node& main);
  void start_processes(node& main);
  void await(const std::string& name);
  void await_rest(std::size_t rest);
  void tell_to_leave(node& main);
  std::vector<std::string> await_leaving(node& main);
  std::vector<std::string> still_there() const;
  void kill(std::vector<std::string> alive);

  run_context& run_;
  launcher_endpoint& endpoint_;
  trace_intake& intake_;
  std::vector<std::string> workers_, names_;
  std::map<std::string, std::uint64_t> incarnations_; ///< of the workers
  std::optional<file_reservation> files_;
  std::vector<std::unique_ptr<member_node>> hosted_;
  std::map<std::string, int> pids_; ///< of the processes that were started
  std::set<std::string> told_to_leave_;
  std::string left_undone_;
};

} // namespace troupe::scenarios
