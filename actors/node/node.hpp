// One node: an actor system with its books, its trace and its links to other nodes.
#pragma once

#include "actors/codec/arrivals.hpp"
#include "actors/node/agent.hpp"
#include "actors/node/gateway.hpp"
#include "actors/node/role.hpp"

#include <caf/actor_system.hpp>
#include <caf/scoped_actor.hpp>

#include <filesystem>

namespace troupe {

struct node_options {
  std::string name = "main";
  std::uint64_t incarnation = 0; ///< 0: drawn at random
  /// Where other nodes connect: "ipc://…", "tcp://HOST:PORT" ('*' for any port),
  /// "inproc://…"; empty: this node only connects.
  std::string listen;
  trace::level trace = trace::level::off;
  std::uint64_t trace_bytes_max = 4ULL << 30;
  std::uint32_t trace_sample_one_in = 1; ///< causal trees that are recorded; 1: all
  std::filesystem::path run_dir;         ///< of the trace and the books; empty: none are kept on disk
  bool alone = false; ///< no node of this name may have been in run_dir before; else the constructor throws
  std::size_t threads = 0;          ///< of the scheduler; 0: one for each core it may use, at least two
  std::string scheduler = "prompt"; ///< or CAF's policies: "stealing", "sharing", "testing"
  transport::hub_options hub;       ///< limits and intervals; identity and greeting are filled in
  /// What it reads, best first; others write the first that they know. {1} makes the
  /// payloads to it legible in a capture.
  std::vector<int> codecs{payload_codecs.begin(), payload_codecs.end()};
  /// Of messages from other nodes that wait in one actor's mailbox, with arrival_overhead each.
  /// More is dropped, as queue_full; a request among it is answered with an error.
  std::uint64_t arrivals_bytes_max = arrivals_bytes_max_default;
  std::map<std::string, std::string> run;     ///< what this node tells others of the run
  transport::hub_listener* uploads = nullptr; ///< hears of visitors that bring files; outlives the node
  std::function<void()> on_leave;             ///< another node asks this one to leave; must not block
  /// An actor here failed, or another node tells of one; may be empty. Called from any thread.
  std::function<void(const failed_actor&)> on_failed;
  std::function<void(const std::string&)> warn; ///< for people; may be empty
  /// The program has a mistake that no run may pass with, here or on a node that told this one; each is told
  /// once by a node. Called from any thread, must not block; may be empty.
  std::function<void(const std::string&)> on_mistake;
};

/// Asks the node that listens there for its greeting, and whether it would take a node with the
/// identity in the options, without becoming its peer. Blocks. Throws std::runtime_error saying
/// why it could not, or why not.
greeting inquire(const std::string& endpoint, std::chrono::milliseconds timeout, transport::hub_options);

/// Thread-safe after construction. Blocking calls say so; never call those from actors.
class node {
 public:
  /// Called in order per peer, from the scheduler's or the I/O thread; must not block.
  using up_handler = std::function<void(const known_node&, const greeting&)>;
  using down_handler =
      std::function<void(const known_node&, transport::down_reason, const std::string& detail)>;

  using report_handler =
      std::function<void(const transport::node_identity& node, std::uint64_t round, const activity_report&,
                         const std::vector<wait_edge>&, bool last)>;

  /// Opens the endpoint and starts all threads. `catalog` must hold all message types.
  /// Throws std::runtime_error if the endpoint or the run directory cannot be used.
  node(node_options, std::shared_ptr<message_catalog> catalog, role_map roles, up_handler = {},
       down_handler = {}, report_handler = {});
  /// Stops first, see stop().
  ~node();
  node(const node&) = delete;
  node& operator=(const node&) = delete;

  const std::string& name() const { return options_.name; }
  transport::node_identity identity() const { return {options_.name, options_.incarnation}; }
  std::string endpoint() const { return gateway_->hub().endpoint(); }
  caf::actor_system& system() { return *system_; }
  trace::recorder& recorder() { return recorder_; }
  trace::ledger& books() { return books_; }
  troupe::gateway& gateway() { return *gateway_; }
  node_context& context() { return context_; }

  // -- names -------------------------------------------------------------------
  void publish(const std::string& name, const caf::actor& actor) {
    do_publish({name, caf::actor_cast<caf::strong_actor_ptr>(actor), {}});
  }
  template <class... Sigs>
  void publish(const std::string& name, const caf::typed_actor<Sigs...>& actor) {
    do_publish({name, caf::actor_cast<caf::strong_actor_ptr>(actor),
                system_->message_types<caf::typed_actor<Sigs...>>()});
  }
  /// Blocks. `wait` is how long the name may take to appear.
  template <class Handle = caf::actor>
  caf::expected<Handle> lookup(const std::string& node, const std::string& name,
                               caf::timespan wait = caf::timespan{0}) {
    auto found = do_lookup(node, {name, wait});
    if (!found) return std::move(found.error());
    if (!system_->assignable<Handle>(found->interface) && !(std::is_same_v<Handle, caf::actor>))
      return caf::make_error(errc::wrong_interface, name);
    return caf::actor_cast<Handle>(found->actor);
  }

  // -- nodes -------------------------------------------------------------------
  /// Blocks until connected; returns the other node's name.
  caf::expected<std::string> connect(const std::string& endpoint, std::chrono::milliseconds timeout);
  /// The agent of a connected node (or of this one), to be asked by messages; null if unknown.
  caf::actor agent_of(const std::string& node);

  // -- roles -------------------------------------------------------------------
  caf::expected<caf::strong_actor_ptr> spawn_here(const std::string& role, const caf::message& args);
  /// Blocks if `node` is another one.
  caf::expected<caf::strong_actor_ptr> spawn_on(const std::string& node, const std::string& role,
                                                const caf::message& args,
                                                std::chrono::milliseconds timeout = std::chrono::seconds{10});
  /// Several at once, the i-th on `nodes[i]` with `args[i]`: other nodes are asked without
  /// waiting for one answer before the next question. Results in that order. What is not asked for
  /// yet when `goes_on` says no is errc::timed_out.
  std::vector<caf::expected<caf::strong_actor_ptr>>
  spawn_each_on(const std::vector<std::string>& nodes, const std::string& role,
                const std::vector<caf::message>& args,
                std::chrono::milliseconds timeout = std::chrono::seconds{10},
                const std::function<bool()>& goes_on = {});

  /// Ends the actors that were spawned as roles, waits for all others up to `patience`,
  /// says goodbye to the peers, and closes the books and the trace. Returns the actors that
  /// were still alive, each by its role or, where it was not spawned as one, by what CAF calls
  /// it; sorted. Idempotent; blocks.
  std::vector<std::string> stop(std::chrono::milliseconds patience = std::chrono::seconds{2});

 private:
  class system_config;
  void begin(up_handler, down_handler, report_handler); ///< what may fail when actors are there
  void end();
  void tell_mistake(const std::string&);
  void do_publish(publish_name);
  caf::expected<named_actor> do_lookup(const std::string& node, lookup_name);
  void pump();
  std::vector<std::string> end_actors(std::chrono::milliseconds patience);

  node_options options_;
  std::shared_ptr<message_catalog> catalog_;
  const role_map roles_;
  trace::ledger books_; ///< first: it finds out whether this node is alone
  trace::recorder recorder_;
  node_context context_;
  std::unique_ptr<system_config> config_;
  std::unique_ptr<caf::actor_system> system_;
  std::unique_ptr<troupe::gateway> gateway_;
  caf::actor agent_;
  std::mutex spawned_mutex_;
  struct spawned_role {
    caf::weak_actor_ptr actor;
    std::string_view role; ///< a key of roles_, without its scenario
  };
  std::vector<spawned_role> spawned_;
  std::size_t compact_at_ = 64;
  bool stopped_ = false;
  std::mutex mistakes_mutex_;
  std::set<std::string> mistakes_; ///< that were told
};

} // namespace troupe
