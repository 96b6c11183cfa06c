// The actor of each node that other nodes ask: for names, and to spawn roles.
#pragma once

#include "actors/codec/message_catalog.hpp"
#include "actors/node/role.hpp"

#include <caf/meta/type_name.hpp>

#include <set>

namespace troupe {

/// Makes an actor known under a name; the name is free again when the actor ends.
struct publish_name {
  std::string name;
  caf::strong_actor_ptr actor;
  std::set<std::string> interface; ///< CAF's signatures of a typed actor; empty: dynamically typed
};
TROUPE_MESSAGE_AS("troupe.publish_name", publish_name, name, actor, interface)

/// Answered with named_actor, or errc::name_not_found when `wait` is over.
struct lookup_name {
  std::string name;
  caf::timespan wait{0};
};
TROUPE_MESSAGE_AS("troupe.lookup_name", lookup_name, name, wait)

struct named_actor {
  caf::strong_actor_ptr actor;
  std::set<std::string> interface;
};
TROUPE_MESSAGE_AS("troupe.named_actor", named_actor, actor, interface)

/// Answered with role_spawned, or an errc.
struct spawn_role {
  std::string role;
  caf::message args;
};
TROUPE_MESSAGE_AS("troupe.spawn_role", spawn_role, role, args)

struct role_spawned {
  caf::strong_actor_ptr actor;
};
TROUPE_MESSAGE_AS("troupe.role_spawned", role_spawned, actor)

/// Asks the node to end its actors, say goodbye and end.
struct leave_node {};
TROUPE_MESSAGE_AS("troupe.leave_node", leave_node)

/// Tells the launcher's agent of an actor that ended with an error.
TROUPE_MESSAGE_AS("troupe.actor_failed", failed_actor, who, kind, node, why)

/// Tells the node that launched a run what is wrong with the program: see node_options::on_mistake.
struct program_mistake {
  std::string sentence;
};
TROUPE_MESSAGE_AS("troupe.program_mistake", program_mistake, sentence)

/// The agent's timer for a lookup that waits.
struct lookup_expired {
  std::uint64_t number = 0;
};
TROUPE_MESSAGE_AS("troupe.lookup_expired", lookup_expired, number)

void add_agent_messages(message_catalog&);

/// What a node's agent keeps at most; it ignores names beyond that, and finds nothing for lookups
/// beyond.
inline constexpr std::size_t published_max = 65'536;
inline constexpr std::size_t lookups_max = 65'536; ///< that wait
inline constexpr std::size_t published_name_bytes_max = 1024;

/// Names and lookups of one node. State of the agent actor.
struct agent_state {
  struct waiting {
    std::string name;
    caf::response_promise promise;
  };
  static inline const char* name = "agent";
  std::map<std::string, named_actor> published;
  std::set<caf::actor_addr> monitored; ///< who is published, once each
  std::map<std::uint64_t, waiting> lookups;
  std::uint64_t next_lookup = 1;
};

/// `spawn` spawns a role on the agent's node; may be called from the agent's thread.
using role_spawner =
    std::function<caf::expected<caf::strong_actor_ptr>(const std::string& role, const caf::message&)>;
/// `leave` runs when another node asks this one to leave, `failed` when one tells of an actor, `on_mistake`
/// when one tells of a mistake of the program; any may be empty.
caf::behavior agent(actor_of<agent_state>* self, role_spawner spawn, std::function<void()> leave,
                    std::function<void(const failed_actor&)> failed,
                    std::function<void(const std::string&)> on_mistake);

} // namespace troupe
