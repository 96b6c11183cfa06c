// An actor that uses handles of other nodes' actors as it is told, and tells what came of it.
#pragma once

#include "tests/distributed/location_types.hpp"

namespace troupe::testing {

enum class deed : std::uint8_t {
  send,      ///< a plain message of 3; answered with "sent"
  request,   ///< the square of 12, answered with the number
  fail,      ///< a request that is answered with an error
  time_out,  ///< a request that is never answered, given up after 50 ms
  wait,      ///< a request that is never answered, never given up
  secret,    ///< a request of a type that `whom` may not know
  monitor,   ///< answered with the reason, when it goes down
  link,      ///< the same, by a link
  end,       ///< an exit message; answered with "sent"
  look_up,   ///< asks the agent `whom` for "server", and the server there for the square of 12
  look_late, ///< asks it for "late", which comes late
  look_vain, ///< asks it for a name that nobody has
  spawn,     ///< has it spawn a doubler, and asks that
  misspawn,  ///< has it spawn a role that is none
};

/// "Do this with that actor": answered with text, or with the error that came.
struct use_handle {
  deed what{};
  caf::actor whom;
};
TROUPE_MESSAGE(use_handle, what, whom)

struct use_typed_handle {
  squarer whom;
};
TROUPE_MESSAGE(use_typed_handle, whom)

struct user_state {
  static inline const char* name = "user";
  caf::typed_response_promise<std::string> end_of_other;
};
using user_actor = actor_of<user_state>;
using promised_text = caf::typed_response_promise<std::string>;

inline void deliver(promised_text promise, std::string text) { promise.deliver(std::move(text)); }
inline void deliver(promised_text promise, caf::error err) { promise.deliver(std::move(err)); }

template <class Answer, class Patience, class Show, class... Ts>
void ask_for(user_actor* self, const promised_text& promise, const caf::actor& whom, Patience patience,
             Show show, Ts... xs) {
  self->request(whom, patience, std::move(xs)...)
      .then([promise, show](const Answer& x) { deliver(promise, show(x)); },
            [promise](caf::error& err) { deliver(promise, std::move(err)); });
}

inline void ask_agent(user_actor* self, const promised_text& promise, const use_handle& x) {
  constexpr std::chrono::seconds patience{20};
  auto then_ask = [=](const caf::strong_actor_ptr& found, auto question) mutable {
    self->request(caf::actor_cast<caf::actor>(found), patience, std::move(question))
        .then([promise](const square_is& y) { deliver(promise, std::to_string(y.value)); },
              [promise](caf::error& err) { deliver(promise, std::move(err)); });
  };
  auto failed = [promise](caf::error& err) { deliver(promise, std::move(err)); };
  if (x.what == deed::spawn || x.what == deed::misspawn) {
    const bool real = x.what == deed::spawn;
    self->request(x.whom, patience, spawn_role{real ? "server" : "nonsense", caf::message{}})
        .then([=](const role_spawned& y) mutable { then_ask(y.actor, ask_square{11}); }, failed);
    return;
  }
  const bool late = x.what == deed::look_late;
  lookup_name what{late ? "late" : x.what == deed::look_up ? "server" : "nobody", {}};
  if (late) what.wait = patience;
  self->request(x.whom, patience, what)
      .then([=](const named_actor& y) mutable { then_ask(y.actor, ask_square{12}); }, failed);
}

inline promised_text use(user_actor* self, const use_handle& x) {
  auto promise = self->make_response_promise<std::string>();
  const auto number = [](const square_is& y) { return std::to_string(y.value); };
  const auto text = [](const std::string& y) { return y; };
  switch (x.what) {
  case deed::send:
    self->send(x.whom, ask_square{3});
    deliver(promise, std::string{"sent"});
    break;
  case deed::request:
    ask_for<square_is>(self, promise, x.whom, std::chrono::seconds{60}, number, ask_square{12});
    break;
  case deed::fail:
    ask_for<square_is>(self, promise, x.whom, std::chrono::seconds{60}, number, ask_square{-1});
    break;
  case deed::time_out:
    ask_for<std::string>(self, promise, x.whom, std::chrono::milliseconds{50}, text, std::string{"wait"});
    break;
  case deed::wait:
    ask_for<std::string>(self, promise, x.whom, caf::infinite, text, std::string{"wait"});
    break;
  case deed::secret:
    ask_for<std::size_t>(
        self, promise, x.whom, std::chrono::seconds{60}, [](std::size_t n) { return std::to_string(n); },
        secret{"x"});
    break;
  case deed::monitor:
    self->state.end_of_other = promise;
    self->monitor(x.whom);
    break;
  case deed::link:
    self->state.end_of_other = promise;
    self->link_to(x.whom);
    break;
  case deed::end:
    self->send_exit(x.whom, caf::exit_reason::user_shutdown);
    deliver(promise, std::string{"sent"});
    break;
  default:
    ask_agent(self, promise, x);
  }
  return promise;
}

inline caf::behavior user(user_actor* self) {
  self->set_down_handler([self](caf::down_msg& x) { self->state.end_of_other.deliver(std::move(x.reason)); });
  self->set_exit_handler([self](caf::exit_msg& x) {
    if (self->state.end_of_other.pending())
      self->state.end_of_other.deliver(std::move(x.reason));
    else
      self->quit(x.reason);
  });
  return {
      [](const square_is&) {}, // answers a plain message
      [self](const use_handle& x) { return use(self, x); },
      [self](const use_typed_handle& x) {
        auto promise = self->make_response_promise<std::string>();
        self->request(x.whom, std::chrono::seconds{60}, ask_square{6})
            .then([promise](const square_is& y) { deliver(promise, std::to_string(y.value)); },
                  [promise](caf::error& err) { deliver(promise, std::move(err)); });
        return promise;
      },
  };
}

inline std::shared_ptr<message_catalog> user_catalog(bool with_secret = true) {
  auto catalog = location_catalog(with_secret);
  catalog->add<use_handle, use_typed_handle>();
  return catalog;
}

inline role_map user_roles() {
  auto roles = location_roles();
  roles.emplace("user", make_role(user));
  return roles;
}

} // namespace troupe::testing
