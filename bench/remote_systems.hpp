// How the measured actor systems are set up, the same in both processes.
#pragma once

#include "actors/node/node.hpp"
#include "bench/remote_actors.hpp"

#include <caf/io/all.hpp>

namespace bench {

inline std::shared_ptr<troupe::message_catalog> troupe_catalog() {
  auto catalog = std::make_shared<troupe::message_catalog>();
  troupe::add_agent_messages(*catalog);
  catalog->add<blob, credit, begin_sending, ping, begin_pinging, round_trips>();
  return catalog;
}

inline troupe::role_map troupe_roles() {
  return {{"sink", troupe::make_role(sink<troupe::plain_actor>)},
          {"source", troupe::make_role(source<troupe::plain_actor>)},
          {"pinger", troupe::make_role(pinger<troupe::plain_actor>)}};
}

inline troupe::node_options troupe_options(const std::string& name, const std::string& listen,
                                           const std::string& scheduler) {
  troupe::node_options options;
  if (!scheduler.empty()) options.scheduler = scheduler;
  options.name = name;
  options.listen = listen;
  return options;
}

struct caf_config : caf::actor_system_config {
  caf_config() {
    load<caf::io::middleman>();
    add_message_type<blob>("blob");
    add_message_type<credit>("credit");
    add_message_type<begin_sending>("begin_sending");
    add_message_type<ping>("ping");
    add_message_type<begin_pinging>("begin_pinging");
    add_message_type<round_trips>("round_trips");
  }
};

} // namespace bench
