// Between CAF and the transport: makes actors of other nodes look like local ones.
#pragma once

#include "actors/codec/payload_io.hpp"
#include "actors/node/remote_peer.hpp"
#include "actors/runtime/context.hpp"

#include <caf/proxy_registry.hpp>
#include <caf/scoped_execution_unit.hpp>

#include <condition_variable>
#include <functional>
#include <unordered_map>

namespace troupe {

/// A node that this one knows of, connected or not.
struct known_node {
  transport::node_identity identity;
  std::string endpoint;
  bool up = false;
  bool down = false;          ///< for good: an incarnation does not come back
  std::vector<int> codecs{0}; ///< payload codecs it reads, best first
};

/// The round of a report that nobody asked for: the final books of a node that is about to say
/// goodbye. probe() begins at 1.
inline constexpr std::uint64_t final_books = 0;

/// Nodes that have been here, or that peers have told of; more, and those that are gone for good are
/// forgotten.
inline constexpr std::size_t known_nodes_max = 4096;
/// Actors of one other node that are known here at a time: what it names, and what others name of it.
inline constexpr std::size_t remote_actors_max = 131'072;

/// Thread-safe. Made by the node after the actor system, stopped before it.
class gateway final : public transport::hub_listener,
                      public caf::proxy_registry::backend,
                      public handle_codec {
 public:
  /// Called from the scheduler's threads, in order per peer, after the proxies of a
  /// node that went down have been killed.
  struct observer {
    std::function<void(const known_node&, const greeting&)> on_up;
    std::function<void(const known_node&, transport::down_reason, const std::string& detail)> on_down;
    /// The answer of a node to probe(), or, in round final_books, what it tells before it
    /// leaves. Who waits for whom may come in several parts, of which one is the last.
    std::function<void(const transport::node_identity& node, std::uint64_t round, const activity_report&,
                       const std::vector<wait_edge>&, bool last)>
        on_report{};
  };

  gateway(caf::actor_system&, node_context&, transport::node_identity, observer);
  ~gateway() override;

  /// Opens the node's endpoint; throws std::runtime_error as transport::hub does.
  /// `uploads`, if any, hears of visitors that bring files; it must outlive this.
  void start(transport::hub_options, transport::hub_listener* uploads = nullptr);
  /// Says goodbye to all peers, waits until everything received is decoded, and kills
  /// all proxies. Idempotent.
  void stop(std::chrono::milliseconds linger);

  transport::hub& hub() { return *hub_; }
  node_context& context() { return context_; }
  /// Of what goes to peers and comes from them.
  payload_io payloads() { return {*this, context_.catalog}; }
  caf::actor_system& system() { return system_; }
  caf::proxy_registry& proxies() { return proxies_; }
  std::uint64_t incarnation() const { return identity_.incarnation; }

  std::vector<known_node> nodes() const;
  std::optional<known_node> find(const std::string& name) const;
  /// A handle of actor `id` there; null if that node is unknown.
  caf::strong_actor_ptr actor_of(std::uint64_t incarnation, caf::actor_id id);
  /// The agent of a node that is up; null otherwise.
  caf::strong_actor_ptr agent_of(const std::string& name);

  // -- the deadlock detector ---------------------------------------------------------
  /// A look at this node; `of_a_job`: from a link that decodes what arrived.
  activity_report look(bool of_a_job = false) const;
  /// Who waits for whom here, and whether those have ended, wherever they live.
  std::vector<wait_edge> edges() const;
  /// Asks all nodes that are up for theirs; on_report tells. Returns how many were asked.
  std::size_t probe(std::uint64_t round, bool with_edges);
  /// Tells all nodes that are up this node's final books, for those that cannot read its
  /// files. To be called when nothing is left to happen here but stop().
  void tell_books();
  /// Returns when no peer's messages are taken any more and all that were have reached their mailboxes.
  void take_no_more();
  void reported(const transport::node_identity&, std::uint64_t round, const activity_report&,
                const std::vector<wait_edge>&, bool last);

  // -- handle_codec ----------------------------------------------------------------
  actor_ref export_handle(const caf::strong_actor_ptr&) override;
  caf::strong_actor_ptr import_handle(const actor_ref&) override;
  caf::execution_unit* serialization_context() override { return &codec_unit_; }

  // -- hub_listener ------------------------------------------------------------------
  void on_peer_up(const transport::peer_ptr&) override;
  void on_frame(const transport::peer_ptr&, transport::inbound_frame) override;
  void on_peer_down(const transport::peer_ptr&, transport::down_reason, std::string_view,
                    std::uint64_t) override;

  // -- proxy_registry::backend ---------------------------------------------------------
  caf::strong_actor_ptr make_proxy(caf::node_id, caf::actor_id) override;
  void set_last_hop(caf::node_id*) override {}

  // -- for remote peers ---------------------------------------------------------------------
  /// A local actor that can be reached from outside; null if it has ended.
  caf::strong_actor_ptr local(caf::actor_id);
  /// All local actors that were made reachable and have not ended.
  std::vector<caf::strong_actor_ptr> exported() const;
  /// Why a local actor ended, as far as remembered.
  caf::error why_ended(caf::actor_id) const;
  /// A peer told of another node and where it listens (empty: nowhere). False: too many are known.
  bool learned(const transport::node_identity&, const std::string& endpoint, const std::vector<int>& codecs,
               const remote_peer* from);
  /// Whether there is no room for one more actor of that node.
  bool is_full_of(const caf::node_id&, caf::actor_id) const;
  void peer_is_up(remote_peer&);
  /// How many ways to nodes are known; ways_since() tells those that a peer has not been told, and how
  /// many there are now.
  std::size_t ways_known() const { return ways_count_.load(std::memory_order_acquire); }
  std::size_t ways_since(std::size_t told, const remote_peer& to, std::vector<known_node>& into) const;
  void peer_has_ended(remote_peer&, transport::down_reason, const std::string& detail);
  void warn(const std::string&) const;
  /// This node ends its actors: from now on it is not told of as present.
  void leaving() { leaving_ = true; }
  bool is_leaving() const { return leaving_; }
  void mistake(const std::string& sentence) const;
  /// Counts queues with work, so that stop() can wait for them.
  void busy(int change);
  void wait_until_decoded();

 private:
  struct entry {
    known_node node;
    caf::node_id id;
    remote_peer_ptr via;
  };
  remote_peer_ptr peer_of(const transport::peer_ptr&, payload_codec);
  remote_peer_ptr route(std::uint64_t incarnation);
  void forget_the_gone(); ///< under the mutex
  std::vector<remote_peer_ptr> peers_up() const;

  caf::actor_system& system_;
  node_context& context_;
  const transport::node_identity identity_;
  const observer observer_;
  const std::uint64_t serial_;
  caf::proxy_registry proxies_;
  caf::scoped_execution_unit codec_unit_;

  mutable std::mutex mutex_; ///< guards the directory
  std::unordered_map<std::uint64_t, entry> directory_;
  struct way {
    std::uint64_t incarnation;
    const remote_peer* from; ///< who told; compared only
  };
  std::vector<way> ways_; ///< to the nodes of the directory that have an endpoint, as they were learned
  std::atomic<std::size_t> ways_count_{0};
  std::atomic<bool> stopping_{false};
  std::atomic<bool> leaving_{false};

  /// Why exported actors ended; shared with their exit handlers, which may outlive us.
  struct endings {
    std::mutex mutex;
    std::set<caf::actor_id> alive;
    std::unordered_map<caf::actor_id, caf::error> reasons;
    std::deque<caf::actor_id> order;
    void remember(caf::actor_id, const caf::error&);
  };
  const std::shared_ptr<endings> endings_ = std::make_shared<endings>();

  mutable std::mutex busy_mutex_;
  std::condition_variable idle_;
  int busy_ = 0;

  transport::hub_listener* uploads_ = nullptr;
  std::unique_ptr<transport::hub> hub_;
};

} // namespace troupe
