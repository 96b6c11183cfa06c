// The nodes of a run: who is awaited, who is there, who has gone, and how.
#pragma once

#include "runner/run/runner.hpp"
#include "transport/frames/peer.hpp"
#include "transport/frames/standstill.hpp"

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

namespace troupe::scenarios {

/// Starts of nodes that may have been in a run; each costs the launcher some memory until its end.
inline constexpr std::size_t starts_max = 10'000;

/// Not thread-safe. Reads no clock. Nodes are known by their names; a node that joins by hand may be started
/// again after it has ended, so each of its starts is known by its incarnation. The launcher's own node is
/// not in it.
class node_roster {
 public:
  using time_point = std::chrono::steady_clock::time_point;

  // -- what happens to nodes -----------------------------------------------------------
  /// That node may take so long to join, unless it has joined already.
  void await(const std::string& node, std::chrono::nanoseconds patience, time_point now);
  /// `pid`: as the node told; 0: it did not.
  void on_up(const transport::node_identity&, std::int64_t pid);
  /// `why`: "left", or "lost: silent". False: the node is still there, as a newer start of it.
  bool on_down(const transport::node_identity&, const std::string& why);
  /// The process of a node that this run started has ended.
  void on_exit(const process_exit&);
  /// Final books that a node told before it left. Its file is better, if it is here.
  void on_books(const transport::node_identity&, const trace::ledger_counts&);
  /// The node has answered the question who is there.
  void on_present(const std::string& node) { present_.insert(node); }

  // -- what is known of them -----------------------------------------------------------
  /// How many of the awaited nodes have not joined.
  std::size_t awaited() const { return awaited_.size(); }
  /// The awaited nodes whose time to join is over, "w1, w3". To be asked again and again: what this process
  /// does not see while it stands still itself is no absence.
  std::string late(time_point now);
  const std::set<std::string>& up() const { return up_; }
  /// Those of `nodes` that are not up, "w1, w3".
  std::string missing(const std::vector<std::string>& nodes) const;
  bool has_joined(const std::string& node) const;
  /// Why each node that has gone did; also of one that was started again.
  const std::map<std::string, std::string>& down() const { return down_; }
  /// Of a process that ended while nodes are still awaited: a sentence; empty if there is none.
  std::string early_exit() const;
  bool has_exits() const { return !exits_.empty(); }
  /// The nodes whose processes have ended, each once.
  std::set<std::string> take_exited();
  /// All that are up have answered.
  bool all_present() const;
  bool is_full() const { return starts_.size() >= starts_max; }
  /// Empty for an incarnation that has not joined.
  std::string name_of(std::uint64_t incarnation) const;
  /// How each start of that node ended, or that it never joined. `started_pid`: of the process that the run
  /// started for it, which it does once.
  std::vector<node_report> reports_of(const std::string& node, std::optional<int> started_pid) const;
  /// By incarnation, of those that told them.
  std::map<std::uint64_t, trace::ledger_counts> told_books() const;

 private:
  struct start {
    std::string node;
    std::uint64_t incarnation = 0;
    std::int64_t pid = 0;
    std::string ended; ///< why, in words; empty: it is there
    std::optional<trace::ledger_counts> books;
  };
  start& start_of(const transport::node_identity&); ///< made, where it is new

  std::vector<start> starts_; ///< in the order in which they joined
  std::map<std::string, transport::waiting_limit> awaited_;
  std::set<std::string> up_;
  std::map<std::string, std::string> down_;
  std::map<std::string, process_exit> exits_;
  std::set<std::string> exited_; ///< and not taken
  std::set<std::string> present_;
};

} // namespace troupe::scenarios
