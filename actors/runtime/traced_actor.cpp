#include "actors/runtime/traced_actor.hpp"

#include "actors/codec/message_catalog.hpp"
#include "actors/codec/node_key.hpp"
#include "base/utf8.hpp"

#include <caf/actor_registry.hpp>
#include <caf/all.hpp>

#include <array>
#include <cstdlib>
#include <new>

namespace troupe {

// -- traced_element --------------------------------------------------------------

constinit thread_local element_pool element_pool::of_thread;

struct element_pool::at_thread_end {
  bool armed = false;
  ~at_thread_end() {
    for (auto& list : of_thread.lists_) {
      while (list.head != nullptr)
        ::operator delete(std::exchange(list.head, list.head->next));
      list.room = 0; // threads that still free elements while they end bypass the pool
    }
  }
};

void element_pool::free_outside(void* memory) noexcept {
  static thread_local at_thread_end end;
  if (!std::exchange(end.armed, true))
    for (auto& list : of_thread.lists_)
      list.room = kept_max;
  ::operator delete(memory);
}

void traced_element::book_loss() noexcept {
  if (set_aside_) context_->waits.set_aside(-1);
  if (!settled_) tracing::dead_lettered(*context_, stamp_);
}

// -- tracing -----------------------------------------------------------------------

namespace {

trace::actor_index index_of_sender(const caf::strong_actor_ptr& sender) {
  if (!sender) return 0;
  if (sender.get() == on_thread.handling.self) [[likely]]
    return on_thread.handling.actor;
  auto* traced = dynamic_cast<traceable*>(sender->get());
  return traced != nullptr ? traced->trace_index() : 0;
}

/// A delayed message comes back from the clock already wrapped. Only threads that are
/// not handling a message can bring one, so that the others need not look.
traced_element* already_wrapped(caf::mailbox_element& element) {
  if (on_thread.handling.self != nullptr) [[likely]]
    return nullptr;
  auto* traced = dynamic_cast<traced_element*>(&element);
  return traced != nullptr && !traced->settled() ? traced : nullptr;
}

} // namespace

// Three sources of messages share the two below, and pay for calling them; so they are compiled into each.

[[gnu::always_inline]] inline void tracing::record_sent(node_context& context, traced_element::stamp& stamp,
                                                        trace::actor_index sender, trace::message_role role,
                                                        const caf::mailbox_element& element) {
  const auto sent =
      context.recorder.send(on_thread.handling.message, sender, stamp.receiver, stamp.type, role);
  stamp.id = on_thread.last_sent = sent.id;
  stamp.when = sent.when;
  if (on_thread.innermost_join != nullptr || context.recorder.what() == trace::level::payloads) [[unlikely]]
    record_more(context, stamp.id, element);
}

[[gnu::always_inline]] inline void tracing::stamp_send(node_context& context, traced_element::stamp& stamp,
                                                       std::uint64_t incarnation, caf::actor_id whom,
                                                       const caf::mailbox_element& element) {
  context.books.sent();
  auto role = trace::message_role::plain;
  if (element.mid.is_response()) {
    role = trace::message_role::response;
    stamp.answers_its_cause = on_thread.handling.request.is_request() && whom == on_thread.handling.asker.id
                              && incarnation == on_thread.handling.asker.incarnation
                              && on_thread.handling.request.request_id() == element.mid.request_id();
  } else if (element.mid.is_request()) {
    role = trace::message_role::request;
  }
  if (context.recorder.on()) [[likely]]
    record_sent(context, stamp, index_of_sender(element.sender), role, element);
  if (role == trace::message_role::request) note_request(context, element, {incarnation, whom}, stamp.id);
}

void tracing::record_more(node_context& context, trace::message_id id, const caf::mailbox_element& element) {
  auto& recorder = context.recorder;
  for (auto* join = on_thread.innermost_join; join != nullptr; join = join->outer_)
    for (auto earlier : join->causes_)
      recorder.also_caused_by(id, earlier);
  if (recorder.what() == trace::level::payloads && id.recorded()) record_payload(context, id, element);
}

void tracing::record_payload(node_context& context, trace::message_id id,
                             const caf::mailbox_element& element) {
  const auto text = element.content().stringify();
  context.recorder.payload(id, std::as_bytes(std::span{text}));
}

traced_element::stamp tracing::stamp_of(node_context& context, trace::actor_index receiver,
                                        const actor_ref& whom, caf::mailbox_element& element,
                                        trace::string_index type) {
  if (auto* wrapped = already_wrapped(element)) {
    wrapped->settle();
    return wrapped->message();
  }
  traced_element::stamp stamp{{}, receiver, type};
  stamp_send(context, stamp, whom.incarnation, whom.id, element);
  return stamp;
}

void tracing::wrap(node_context& context, trace::actor_index receiver, caf::actor_id id,
                   caf::mailbox_element_ptr& element) {
  if (!on_thread.arrival.active)
    if (auto* wrapped = already_wrapped(*element)) {
      if (context.recorder.on()) wrapped->came(context.recorder.now());
      return;
    }
  auto* traced = std::exchange(on_thread.being_sent, nullptr);
  auto& made = *element;
  if (traced == nullptr || traced != &made) {
    const auto type = context.catalog.of(made.content()).traced_as;
    traced = new traced_shell(std::move(element), type);
    element.reset(traced);
  } else if (!traced->typed_by(context)) {
    traced->message().type = context.catalog.of(made.content()).traced_as;
  }
  traced->hold_accountable(context);
  auto& stamp = traced->message();
  stamp.receiver = receiver;
  if (on_thread.arrival.active) {
    stamp.id = on_thread.arrival.message;
    stamp.when = on_thread.arrival.when;
  } else {
    stamp_send(context, stamp, context.incarnation, id, *traced);
  }
}

caf::mailbox_element_ptr tracing::wrap_delayed(const caf::strong_actor_ptr& to,
                                               std::chrono::nanoseconds delay,
                                               caf::mailbox_element_ptr element) {
  auto* receiver = to != nullptr ? dynamic_cast<traceable*>(to->get()) : nullptr;
  auto* context = receiver != nullptr ? context_of(*to->home_system) : nullptr;
  if (context == nullptr || dynamic_cast<traced_element*>(element.get()) != nullptr) return element;
  auto& recorder = context->recorder;
  const auto sender = index_of_sender(element->sender);
  const auto type = context->catalog.of(element->content()).traced_as;
  auto* wrapped = new traced_shell(std::move(element), type);
  caf::mailbox_element_ptr shell{wrapped};
  wrapped->hold_accountable(*context);
  auto& stamp = wrapped->message();
  stamp.receiver = receiver->trace_index();
  context->books.sent();
  if (recorder.on()) {
    record_sent(*context, stamp, sender, trace::message_role::plain, *wrapped);
    recorder.timer_set(stamp.id, sender, delay);
    stamp.when = 0; // it comes when the timer fires
  }
  return shell;
}

caf::mailbox_element_ptr tracing::came_back(caf::mailbox_element& element) {
  auto* wrapped = dynamic_cast<traced_shell*>(&element);
  return wrapped != nullptr ? wrapped->unwrap() : nullptr;
}

bool tracing::refuse_stray(node_context& context, caf::abstract_actor& receiver, caf::mailbox_element& what,
                           traced_element* wrapped) {
  const auto& signature = context.catalog.of(what.content());
  if (!signature.unregistered) return false;
  if (wrapped != nullptr) wrapped->settle();
  dropped(context, wrapped != nullptr ? wrapped->message() : traced_element::stamp{},
          trace::drop_reason::not_serializable);
  if (context.mistake) context.mistake(signature.why_local);
  auto why = caf::make_error(caf::sec::unknown_type, signature.why_local);
  if (what.mid.is_response()) // who asked still waits for an answer
    receiver.eq_impl(what.mid, nullptr, nullptr, std::move(why));
  else
    fail_request(what.sender, what.mid, std::move(why));
  return true;
}

void tracing::note_request(node_context& context, const caf::mailbox_element& element, const actor_ref& whom,
                           trace::message_id number) {
  if (on_thread.handling.me == nullptr || element.sender.get() != on_thread.handling.self) return;
  on_thread.handling.me->asked(context,
                               *const_cast<caf::actor_control_block*>(on_thread.handling.self)->get(),
                               element.mid, whom, number);
}

void tracing::answered(node_context& context, const traced_element::stamp& response,
                       trace::message_id request) {
  if (!response.answers_its_cause) context.recorder.also_caused_by(response.id, request);
}

actor_ref tracing::address(const node_context& context, const caf::strong_actor_ptr& actor) {
  if (actor == nullptr) return {};
  const bool local = actor->node() == actor->home_system->node();
  return {local ? context.incarnation : incarnation_of(actor->node()), actor->id()};
}

wait_list& traceable::waits(node_context& context, const caf::abstract_actor& self) {
  if (waits_ == nullptr)
    waits_ = std::make_unique<wait_list>(context.waits, actor_ref{context.incarnation, self.id()});
  return *waits_;
}

traceable::~traceable() {
  if (auto* quota = arrivals_.load(std::memory_order_acquire)) quota->leave();
}

arrival_quota& traceable::arrivals() {
  auto* quota = arrivals_.load(std::memory_order_acquire);
  if (quota != nullptr) return *quota;
  auto* fresh = new arrival_quota;
  if (arrivals_.compare_exchange_strong(quota, fresh, std::memory_order_acq_rel)) return *fresh;
  fresh->leave();
  return *quota;
}

void traceable::asked(node_context& context, const caf::abstract_actor& self, caf::message_id id,
                      const actor_ref& whom, trace::message_id number) {
  waits(context, self).opened({id.request_id().integer_value(), whom, number});
}

trace::actor_index tracing::born(node_context& context, const caf::abstract_actor& self) {
  auto& recorder = context.recorder;
  if (!recorder.on()) return 0;
  const auto index =
      recorder.add_actor(0, self.id(), on_thread.role != nullptr ? *on_thread.role : std::string_view{});
  recorder.spawned(index, on_thread.handling.actor, on_thread.handling.message);
  return index;
}

void tracing::named(node_context& context, const caf::abstract_actor& self, std::string_view name) {
  if (context.recorder.on()) context.recorder.add_actor(0, self.id(), name);
}

namespace {

/// Ended by itself and not in order: who was told to end, or lost whom it was linked to, has not failed.
bool is_failure(const caf::error& reason) {
  if (!reason) return false;
  return reason.category() != caf::atom("exit")
         || reason.code() == static_cast<std::uint8_t>(caf::exit_reason::unhandled_exception);
}

std::string failure_text(const caf::actor_system& system, const caf::error& reason) {
  auto& context = reason.context();
  const bool says_why = context.size() == 1 && context.match_element<std::string>(0);
  auto text =
      says_why && reason == caf::sec::runtime_error ? context.get_as<std::string>(0) : system.render(reason);
  text.resize(cut_to_bytes(text, failure_bytes_max).size());
  return text;
}

} // namespace

caf::error tracing::threw(const std::exception_ptr& what) {
  try {
    std::rethrow_exception(what);
  } catch (const std::exception& e) {
    return caf::make_error(caf::sec::runtime_error, std::string{e.what()});
  } catch (...) {
    return caf::make_error(caf::sec::runtime_error, std::string{"an exception that is no std::exception"});
  }
}

void tracing::died(node_context& context, const caf::abstract_actor& self, trace::actor_index who,
                   const caf::error& reason) {
  auto& recorder = context.recorder;
  if (!is_failure(reason) || context.ending.load(std::memory_order_relaxed)) {
    if (recorder.on()) recorder.exited(who, recorder.intern(reason ? caf::to_string(reason) : "normal"));
    return;
  }
  const auto why = failure_text(self.home_system(), reason);
  if (recorder.on()) recorder.exited(who, recorder.intern(std::string{trace::failed_reason} + why));
  const auto* local = dynamic_cast<const caf::local_actor*>(&self);
  const std::string kind = local != nullptr ? local->name() : "actor";
  if (context.on_failed)
    context.on_failed({{context.incarnation, self.id()}, kind, context.node, why});
  else if (context.warn)
    context.warn("actor " + kind + ' ' + std::to_string(self.id()) + " failed: " + why);
}

void tracing::unhandled(const caf::scheduled_actor& self, const caf::message_view& what) {
  on_thread.handling.refused = true;
  auto* context = context_of(self.home_system());
  if (context == nullptr || context->warn == nullptr) return;
  context->warn("actor " + std::string{self.name()} + ' ' + std::to_string(self.id()) + " has no handler for "
                + context->catalog.of(what.content()).name);
}

void tracing::dropped(node_context& context, const traced_element::stamp& message, trace::drop_reason why) {
  context.books.dropped(why);
  auto& recorder = context.recorder;
  if (recorder.on())
    recorder.dropped(message.id, message.receiver, message.type, recorder.intern(trace::to_string(why)));
}

void tracing::dead_lettered(node_context& context, const traced_element::stamp& message) {
  static constexpr std::string_view why = "receiver has ended";
  context.books.dead_lettered();
  auto& recorder = context.recorder;
  if (recorder.on()) recorder.dead_lettered(message.id, message.receiver, message.type, recorder.intern(why));
}

void tracing::left_over(node_context& context, std::uint64_t messages) {
  context.books.dropped(trace::drop_reason::shutdown, messages);
}

bool tracing::handled_at_last(node_context& context, traced_element& element,
                              caf::invoke_message_result result, bool refused) {
  const auto& message = element.message();
  if (result == caf::invoke_message_result::skipped) { // it stays in the mailbox and comes again
    if (!element.set_aside()) context.waits.set_aside(+1);
    element.set_aside(true);
    context.recorder.skipped(message.id);
    return false;
  }
  if (element.set_aside()) context.waits.set_aside(-1);
  element.set_aside(false);
  if (result == caf::invoke_message_result::consumed && !refused) return true;
  dropped(context, message,
          result == caf::invoke_message_result::dropped ? trace::drop_reason::expired_response
                                                        : trace::drop_reason::no_handler);
  element.settle();
  return false;
}

void fail_request(const caf::strong_actor_ptr& requester, caf::message_id id, caf::error why) {
  if (requester != nullptr && id.is_request())
    requester->enqueue(nullptr, id.response_id(), message_with(std::move(why)), nullptr);
}

// -- joins -------------------------------------------------------------------------

message_token current_message() { return {on_thread.handling.message}; }
message_token last_sent() { return {on_thread.last_sent}; }

joining::joining(const std::vector<message_token>& earlier)
    : outer_{std::exchange(on_thread.innermost_join, this)} {
  for (auto& token : earlier)
    if (token.id && token.id != on_thread.handling.message) causes_.push_back(token.id);
}

joining::~joining() { on_thread.innermost_join = outer_; }

template class traced<caf::event_based_actor>;

} // namespace troupe

TROUPE_ELEMENTS(, troupe::traced_element)
