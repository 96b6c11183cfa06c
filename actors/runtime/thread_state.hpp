// What a thread is doing, told between functions that call each other through CAF, which knows nothing of it.
#pragma once

#include "actors/codec/arrivals.hpp"
#include "trace/record/recorder.hpp"

#include <caf/actor_control_block.hpp>
#include <caf/message_id.hpp>

#include <string>
#include <utility>

namespace troupe {

class joining;
class traceable;
class traced_element;

/// What a thread handles just now; the cause of whatever it sends.
struct handling_state {
  const caf::actor_control_block* self = nullptr; ///< null: outside of handlers
  trace::actor_index actor = 0;
  trace::message_id message{};
  bool refused = false;      ///< the default handler ran: nobody handles this type
  traceable* me = nullptr;   ///< the actor itself
  caf::message_id request{}; ///< of the message, if it asks for an answer; else nothing
  actor_ref asker{};         ///< who asked
};

/// A message that arrived over a link, while its thread hands it to its receiver: it already has a number
/// and was counted as sent by its sender.
struct arrival_state {
  bool active = false;
  trace::message_id message{};
  trace::timestamp when = 0;
};

/// Of one thread. What it handles, what arrives on it and the role it spawns are set by the scopes below
/// alone.
struct thread_state {
  handling_state handling{};
  arrival_state arrival{};
  /// What it is just sending, made for the receiver to stamp; null otherwise.
  traced_element* being_sent = nullptr;
  /// The role under which the next traced actor is spawned, which takes the name; null: none.
  const std::string* role = nullptr;
  const joining* innermost_join = nullptr;
  trace::message_id last_sent{};
  /// When the handler that ran just before ended; 0: something else ran, or nothing.
  trace::timestamp last_handler_end = 0;
  /// The thread's loop takes last_handler_end back where it waits and where a job runs no handler;
  /// elsewhere every turn of an actor does.
  bool loop_knows_handlers = false;
};

/// Every message looks at it. As "initial-exec" that is one instruction, also where this is part of a shared
/// library; there is room for few such bytes in one that is loaded late.
[[gnu::tls_model("initial-exec")]] inline constinit thread_local thread_state on_thread;

/// Gives a member of on_thread a value, and its former one back at the end.
template <auto Member>
class thread_scope {
  using value = std::remove_reference_t<decltype(on_thread.*Member)>;

 public:
  explicit thread_scope(const value& now) : outer_(std::exchange(on_thread.*Member, now)) {}
  ~thread_scope() { on_thread.*Member = outer_; }
  thread_scope(const thread_scope&) = delete;
  thread_scope& operator=(const thread_scope&) = delete;

 private:
  value outer_;
};
using handling_scope = thread_scope<&thread_state::handling>;
using arrival_scope = thread_scope<&thread_state::arrival>;
using role_scope = thread_scope<&thread_state::role>;

} // namespace troupe
