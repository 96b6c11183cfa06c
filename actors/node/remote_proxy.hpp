// Stands for an actor of another node: what is sent to it goes over that node's link.
#pragma once

#include "actors/node/remote_peer.hpp"
#include "actors/runtime/traced_actor.hpp"

#include <caf/actor_proxy.hpp>

namespace troupe {

/// Made by the gateway when a handle arrives; killed when its actor or its node ends.
class remote_proxy final : public caf::actor_proxy, public traceable {
 public:
  remote_proxy(caf::actor_config&, remote_peer_ptr, trace::actor_index);
  ~remote_proxy() override;

  const char* name() const override { return "troupe.remote"; }
  void enqueue(caf::mailbox_element_ptr, caf::execution_unit*) override;
  bool add_backlink(caf::abstract_actor*) override;
  bool remove_backlink(caf::abstract_actor*) override;
  void kill_proxy(caf::execution_unit*, caf::error reason) override;

 private:
  void accept(caf::mailbox_element_ptr);

  const remote_peer_ptr via_; ///< null for an actor of a node that cannot be reached
};

} // namespace troupe
