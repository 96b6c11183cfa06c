// Finds out that a run can never go on, over all its nodes, and says who waits for whom.
#pragma once

#include "actors/node.hpp"

#include <mutex>

namespace troupe::scenarios {

/// How a stuck run is explained to people.
struct stuck_explanation {
  std::vector<std::string> cycle; ///< one sentence a step, in order; empty without a cycle
  std::string sentence;           ///< all of it in one line
};

/// What keeps the given actors waiting: a cycle if there is one.
stuck_explanation explain(const std::vector<wait_edge>&);

/// Asks all nodes, twice, and compares (see actors/waiting.hpp for why that proves it).
/// look() is to be called regularly by one thread; reports come from any.
class stuck_detector {
 public:
  /// Reports of other nodes; before attach() they are ignored.
  void on_report(const std::string& node, std::uint64_t round, const activity_report&,
                 const std::vector<wait_edge>&, bool last);
  /// A node is gone, and with it the knowledge of what it had sent: whether something is on
  /// its way cannot be told any more, so nothing will be called stuck.
  void on_node_gone();
  void attach(node& main) { main_ = &main; }

  /// An explanation once the run is known to be stuck with requests open. Never for a
  /// run that could go on.
  std::optional<stuck_explanation> look();

  /// Nothing happens any more, but nobody has asked for anything either.
  bool idle() const { return idle_; }

 private:
  using clock = std::chrono::steady_clock;
  struct answer {
    activity_report report;
    std::vector<wait_edge> edges;
    bool whole = false;
  };
  using snapshot = std::map<std::string, activity_report>;

  void begin_round(bool with_edges);
  std::optional<std::map<std::string, answer>> finish_round();
  static bool all_quiet(const snapshot&);

  node* main_ = nullptr;
  std::mutex mutex_;
  std::uint64_t round_ = 0;
  std::map<std::string, answer> answers_;
  bool node_gone_ = false;
  std::size_t asked_ = 0;
  clock::time_point asked_at_{};
  bool asking_ = false;
  bool with_edges_ = false;
  bool idle_ = false;
  std::optional<snapshot> before_;
  clock::time_point next_{};
};

} // namespace troupe::scenarios
