// What every traced actor and proxy of one node shares.
#pragma once

#include "actors/codec/arrivals.hpp"
#include "actors/runtime/node_life.hpp"
#include "actors/runtime/waiting.hpp"
#include "trace/record/ledger.hpp"
#include "trace/record/recorder.hpp"

#include <caf/actor_control_block.hpp>
#include <caf/actor_system.hpp>
#include <caf/message_id.hpp>

#include <functional>
#include <string>

namespace troupe {

class message_catalog;

/// An actor that ended with an error, by an exception of a handler or otherwise by itself.
struct failed_actor {
  actor_ref who;
  std::string kind; ///< as its CAF name: "teller"
  std::string node;
  std::string why;
};
/// Bytes of a reason; what is longer is cut.
inline constexpr std::size_t failure_bytes_max = 1000;

/// The books and the trace of a node, and its message types. Owned by the node (or a
/// test fixture); outlives the actor system that refers to it. Thread-safe.
struct node_context {
  trace::recorder& recorder;
  trace::ledger& books;
  message_catalog& catalog;
  std::string node; ///< its name
  std::uint64_t incarnation = 0;
  /// Where warnings for people go; may be empty. Called from any thread.
  std::function<void(const std::string&)> warn;
  /// Who failed; may be empty, then warn() tells. Called from any thread.
  std::function<void(const failed_actor&)> on_failed{};
  /// The node ends its actors: from now on nobody fails.
  std::atomic<bool> ending{false};
  /// Where mistakes of the program go that no run may pass with; may be empty. Called from any
  /// thread, for each of them at least once.
  std::function<void(const std::string&)> mistake{};
  wait_registry waits{};
  /// What may wait in the mailbox of one actor of what came from other nodes; more is dropped.
  std::uint64_t arrivals_bytes_max = arrivals_bytes_max_default;
  node_life life{}; ///< for who may hold a handle longer
};

/// The context of the node that runs this actor system, or null in a system that no
/// node made (then actors behave as plain CAF's).
node_context* context_of(const caf::actor_system&);
/// Makes systems of this configuration find `context`, and gives them the node id of `incarnation`.
void install_context(caf::actor_system_config&, node_context& context, std::uint64_t incarnation);

/// Ends a request with an error, where CAF's own bouncer always says request_receiver_down.
/// No-op for what is no request.
void fail_request(const caf::strong_actor_ptr& requester, caf::message_id, caf::error);

} // namespace troupe
