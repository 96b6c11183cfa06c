// Finds out that a run stands still, over all its nodes, and says who waits for whom.
//
// A deadlock is proven (see actors/runtime/waiting.hpp) and ends a run at once. A stall is not: nothing
// moves, nobody is known who could make it move, and that has been so for a while. It also ends runs whose
// books cannot be complete any more, since a node is gone that alone knew what it had sent.
#pragma once

#include "actors/node/node.hpp"

#include <mutex>

namespace troupe::scenarios {

/// How people know actors that have given themselves no name. Both may be empty.
struct actor_names {
  std::function<std::string(const actor_ref&)> of_role; ///< "teller 3"; empty: it was not spawned as one
  std::function<std::string(std::uint64_t incarnation)> of_node;
};

/// How a run that stands still is explained to people.
struct stuck_explanation {
  /// What is certain, a sentence a step in order: a cycle, or who waits for somebody that has ended. Empty
  /// without either.
  std::vector<std::string> cycle;
  std::string sentence; ///< all of it in one line
};

/// What keeps the given actors waiting: a cycle if there is one.
stuck_explanation explain(const std::vector<wait_edge>&, const actor_names& = {});

/// Asks all nodes again and again, and compares. look() is to be called regularly by one thread; reports come
/// from any.
class stuck_detector {
 public:
  struct options {
    std::optional<std::chrono::nanoseconds> stall; ///< how long nothing may move; nothing: for ever
    actor_names names{};
    /// Who holds what, as the trace knows it; empty where it does not know all. Asked once for a stand-still.
    std::function<std::vector<wait_edge>()> holders{};
  };
  enum class finding : std::uint8_t {
    nothing,
    still, ///< told once, some time before it is a stall
    stalled,
    deadlock,
  };
  struct news {
    finding what = finding::nothing;
    stuck_explanation why{};
  };

  /// Reports of other nodes; before attach() they are ignored.
  void on_report(const std::string& node, std::uint64_t round, const activity_report&,
                 const std::vector<wait_edge>&, bool last);
  /// A node is gone, and with it the knowledge of what it had sent: whether something is on
  /// its way cannot be told any more, so nothing will be called a deadlock.
  void on_node_gone();
  void attach(node& main, options);

  news look();
  /// Why nothing moves, where that has been told and is still so.
  std::optional<stuck_explanation> stands_still() const { return told_ ? why_ : std::nullopt; }

 private:
  using clock = std::chrono::steady_clock;
  struct answer {
    activity_report report;
    std::vector<wait_edge> edges;
    bool whole = false;
  };
  using answers = std::map<std::string, answer>;
  using snapshot = std::map<std::string, activity_report>;

  void begin_round(bool with_edges);
  std::optional<answers> finish_round();
  /// Of a whole round in which all are quiet; true if that was so in the round before, too.
  bool compare(snapshot);
  void explain_now(const answers&);
  bool is_certain() const;
  /// How long nothing may move; longer where something is still on its way.
  std::chrono::nanoseconds limit() const;
  news judge();

  node* main_ = nullptr;
  options how_;
  std::mutex mutex_;
  std::uint64_t round_ = 0;
  answers answers_;
  int nodes_gone_ = 0, gone_when_asked_ = 0;
  std::size_t asked_ = 0;
  clock::time_point asked_at_{};
  bool asking_ = false;
  bool with_edges_ = false;
  clock::time_point next_{};

  snapshot before_; ///< of the last round in which all were quiet
  clock::time_point before_at_{};
  bool quiet_ever_since_ = false; ///< and no round since found somebody busy
  std::chrono::nanoseconds still_for_{0};
  std::optional<stuck_explanation> why_;
  bool told_ = false;
};

} // namespace troupe::scenarios
