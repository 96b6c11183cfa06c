// What becomes of the messages of traced actors, in so far as it does not depend on their type.
#pragma once

#include "actors/codec/arrivals.hpp"
#include "actors/runtime/context.hpp"
#include "actors/runtime/thread_state.hpp"
#include "actors/runtime/traced_element.hpp"

#include <caf/abstract_actor.hpp>
#include <caf/invoke_message_result.hpp>
#include <caf/scheduled_actor.hpp>

#include <algorithm>
#include <exception>
#include <memory>
#include <string_view>
#include <vector>

namespace troupe {

/// What the gateway and other actors ask of a traced actor without knowing its type.
class traceable {
 public:
  trace::actor_index trace_index() const { return trace_index_; }
  /// It was spawned as a role, so that it may live on any node; others live where their makers do.
  bool is_role() const { return is_role_; }
  /// This actor just asked somebody; called on its own thread.
  void asked(node_context&, const caf::abstract_actor& self, caf::message_id, const actor_ref& whom,
             trace::message_id number);
  /// What came from other nodes and waits in its mailbox. Thread-safe.
  arrival_quota& arrivals();

 protected:
  traceable() = default;
  ~traceable();
  wait_list& waits(node_context&, const caf::abstract_actor& self);

  trace::actor_index trace_index_ = 0;
  std::uint64_t life_number_ = 0; ///< of its node, see node_life; 0 without one
  life_sign life_;
  bool is_role_ = on_thread.role != nullptr;
  std::unique_ptr<wait_list> waits_; ///< made with the first request

 private:
  std::atomic<arrival_quota*> arrivals_{nullptr}; ///< made with the first arrival
};

/// Names a message, to be kept until what it causes is sent. Empty with the trace off.
struct message_token {
  trace::message_id id{};
};
/// The one that the calling thread handles; empty outside of handlers.
message_token current_message();
/// The one that the calling thread sent last.
message_token last_sent();

/// The parts of `traced` that do not depend on its base.
class tracing {
 public:
  /// Wraps an element, unless it is being sent by on_thread, for its receiver: gives it a number (or takes
  /// over the one it arrived with), records the send and counts it. Runs on the sender's thread.
  static void wrap(node_context&, trace::actor_index receiver, caf::actor_id, caf::mailbox_element_ptr&);
  /// Whether this message goes from the actor of one role to that of another.
  static bool between_roles(const traceable& receiver) {
    return receiver.is_role() && !on_thread.arrival.active && on_thread.handling.me != nullptr
           && on_thread.handling.me != &receiver && on_thread.handling.me->is_role();
  }
  /// A message between roles whose type nobody registered could not be sent if they lived on two nodes, so
  /// it is not sent here either: true where it was refused, counted and told. `wrapped` may be null.
  static bool refuse_stray(node_context&, caf::abstract_actor& receiver, caf::mailbox_element&,
                           traced_element* wrapped);
  /// The current handler asks `whom`, if that is what this element does.
  static void note_request(node_context&, const caf::mailbox_element&, const actor_ref& whom,
                           trace::message_id number = {});
  static actor_ref address(const node_context&, const caf::strong_actor_ptr&);
  /// Numbers, records and counts a send, unless the element comes back from the clock
  /// and was stamped before; such an element is settled, since it lives on elsewhere.
  static traced_element::stamp stamp_of(node_context&, trace::actor_index receiver, const actor_ref& whom,
                                        caf::mailbox_element&, trace::string_index type);
  static void record_payload(node_context&, trace::message_id, const caf::mailbox_element&);
  static trace::actor_index born(node_context&, const caf::abstract_actor& self);
  static void named(node_context&, const caf::abstract_actor& self, std::string_view name);
  static void died(node_context&, const caf::abstract_actor& self, trace::actor_index,
                   const caf::error& reason);
  /// The reason for which an actor ends whose handler threw that: the text of the exception is in it.
  static caf::error threw(const std::exception_ptr&);
  /// The response in hand answers that request, whatever it was that caused it.
  static void answered(node_context&, const traced_element::stamp& response, trace::message_id request);
  static void unhandled(const caf::scheduled_actor& self, const caf::message_view&);
  // What becomes of a message that no handler takes stands in the books and in the trace. These write both,
  // and nobody else writes either, so that books and trace cannot tell different things.
  static void dropped(node_context&, const traced_element::stamp&, trace::drop_reason);
  /// Its receiver has ended. With the trace off the stamp may be empty.
  static void dead_lettered(node_context&, const traced_element::stamp&);
  /// The node stops while actors that did not end in time still have so many: its trace has no end of
  /// their receivers, by which who reads it knows them.
  static void left_over(node_context&, std::uint64_t messages);
  /// The handler of that message is about to run. If it follows another on its thread it begins where that
  /// ended, or after its message came: that saves reading the clock.
  static trace::begun_handler begin(node_context& context, const traced_element::stamp& message) {
    auto& recorder = context.recorder;
    if (!recorder.on()) [[unlikely]]
      return {};
    auto begin = message.when + 1;
    if (on_thread.last_handler_end != 0) [[likely]]
      begin = std::max(on_thread.last_handler_end, begin);
    else
      begin = recorder.now();
    return recorder.handling(message.id, message.receiver, message.type, begin);
  }
  /// Records what became of a message that consume() looked at, just now.
  static void finish(node_context& context, traced_element& element, const trace::begun_handler& run,
                     caf::invoke_message_result result, bool refused) {
    trace::timestamp end = 0;
    if (context.recorder.on()) [[likely]]
      end = on_thread.last_handler_end = context.recorder.now();
    if (result != caf::invoke_message_result::consumed || refused || element.set_aside()) [[unlikely]]
      if (!handled_at_last(context, element, result, refused)) return;
    context.books.handled();
    context.recorder.handled(run, end);
    element.settle();
  }
  /// A delayed message that came back from the clock, and was counted when it was set;
  /// null for any other.
  static caf::mailbox_element_ptr came_back(caf::mailbox_element&);
  /// Of a message that is put into the clock: what counts, records and carries its cause there. What its
  /// receiver could not unwrap is given back as it is.
  static caf::mailbox_element_ptr wrap_delayed(const caf::strong_actor_ptr& to,
                                               std::chrono::nanoseconds delay, caf::mailbox_element_ptr);

 private:
  /// Whether a message that was set aside, or was not taken now, is handled after all. If not, it
  /// is recorded what became of it.
  static bool handled_at_last(node_context&, traced_element&, caf::invoke_message_result, bool refused);
  static void stamp_send(node_context&, traced_element::stamp&, std::uint64_t incarnation, caf::actor_id whom,
                         const caf::mailbox_element&);
  static void record_sent(node_context&, traced_element::stamp&, trace::actor_index sender,
                          trace::message_role, const caf::mailbox_element&);
  /// Further causes, and what it contains.
  static void record_more(node_context&, trace::message_id, const caf::mailbox_element&);
};

/// While one is alive, every send of this handler names these messages as causes too: a
/// join waits for several. What is handled now is a cause anyway.
class joining {
 public:
  explicit joining(const std::vector<message_token>& earlier);
  ~joining();
  joining(const joining&) = delete;
  joining& operator=(const joining&) = delete;

 private:
  friend class tracing;
  std::vector<trace::message_id> causes_;
  const joining* outer_; ///< the one around this one, on the same thread
};

} // namespace troupe
