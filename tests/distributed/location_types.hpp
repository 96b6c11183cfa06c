// The messages, actors and the node set-up that the location tests and their child
// processes have in common.
#pragma once

#include "actors/node/node.hpp"

#include <caf/all.hpp>

namespace troupe::testing {

struct ask_square {
  std::int64_t value = 0;
};
TROUPE_MESSAGE(ask_square, value)

struct square_is {
  std::int64_t value = 0;
};
TROUPE_MESSAGE(square_is, value)

/// Carries a handle to a third actor.
struct introduce {
  caf::actor whom;
  std::string text;
};
TROUPE_MESSAGE(introduce, whom, text)

/// Known to some nodes only, see child option "no-secret".
struct secret {
  std::string word;
};
TROUPE_MESSAGE(secret, word)

/// Never registered with a catalog.
struct unregistered {
  int value = 0;
};
TROUPE_FIELDS(unregistered, value)

using squarer = caf::typed_actor<caf::replies_to<ask_square>::with<square_is>>;

struct server_state {
  static inline const char* name = "server";
  std::vector<std::int64_t> seen;
};

/// Answers squares and errors, never answers "wait", ends on "quit", repeats what it saw.
inline caf::behavior server(actor_of<server_state>* self) {
  return {
      [self](const ask_square& x) -> caf::result<square_is> {
        self->state.seen.push_back(x.value);
        if (x.value < 0) return caf::make_error(caf::sec::invalid_argument, "negative");
        return square_is{x.value * x.value};
      },
      [self](const std::string& what) -> caf::result<std::string> {
        if (what == "quit") {
          self->quit(caf::exit_reason::user_shutdown);
          return std::string{"bye"};
        }
        if (what == "wait") {
          static thread_local std::vector<caf::response_promise> kept; // never answered
          kept.push_back(self->make_response_promise());
          return caf::delegated<std::string>{};
        }
        return what + "!";
      },
      [self](const introduce& x) { self->send(x.whom, x.text + " from " + self->node_name()); },
      [](const secret& x) { return x.word.size(); },
      [self](caf::get_atom) { return self->state.seen.size(); },
      [](std::int32_t a, const std::string& b, double c, const std::vector<std::string>& d) {
        return b + std::to_string(a) + std::to_string(c) + d.at(0);
      },
  };
}

inline caf::behavior doubler(plain_actor*, const std::string& prefix, std::int64_t factor) {
  return {[=](std::int64_t x) { return prefix + std::to_string(x * factor); }};
}

/// Ends with the reason it is told, when told.
inline caf::behavior mortal(plain_actor* self) {
  return {[self](const std::string&) { self->quit(caf::exit_reason::kill); }};
}

inline squarer::behavior_type typed_server(typed_actor_of<squarer>*) {
  return {[](const ask_square& x) { return square_is{x.value * x.value}; }};
}

/// Forwards to another actor, so that a reply comes from a third one.
inline caf::behavior delegator(plain_actor* self, const caf::actor& to) {
  return {[=](const ask_square& x) { return self->delegate(to, x); }};
}

inline std::shared_ptr<message_catalog> location_catalog(bool with_secret = true) {
  auto catalog = std::make_shared<message_catalog>();
  add_agent_messages(*catalog);
  catalog->add<ask_square, square_is, introduce>();
  if (with_secret) catalog->add<secret>();
  return catalog;
}

inline role_map location_roles() {
  return {
      {"server", make_role(server)},
      {"doubler", make_role(doubler)},
      {"mortal", make_role(mortal)},
      {"delegator", make_role(delegator)},
  };
}

} // namespace troupe::testing
