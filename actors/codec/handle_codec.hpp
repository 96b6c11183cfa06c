// How actor handles cross the wire: what the payload codecs ask of the gateway.
#pragma once

#include <caf/actor_control_block.hpp>
#include <caf/execution_unit.hpp>

#include <cstdint>

namespace troupe {

/// An actor's address: the incarnation of its node and its number there. id 0: no actor.
struct actor_ref {
  std::uint64_t incarnation = 0;
  std::uint64_t id = 0;
};

/// Thread-safe.
class handle_codec {
 public:
  virtual ~handle_codec() = default;
  /// A handle is about to leave this node: a local actor becomes reachable from outside.
  virtual actor_ref export_handle(const caf::strong_actor_ptr&) = 0;
  /// Null where the actor is a local one that has ended.
  virtual caf::strong_actor_ptr import_handle(const actor_ref&) = 0;
  /// For values that only CAF's own serialisers know.
  virtual caf::execution_unit* serialization_context() = 0;
};

} // namespace troupe
