// The base of actors whose messages are recorded and booked without a line of theirs.
#pragma once

#include "actors/codec/content.hpp"
#include "actors/codec/message_catalog.hpp"
#include "actors/runtime/tracing.hpp"

#include <caf/detail/sync_request_bouncer.hpp>
#include <caf/event_based_actor.hpp>
#include <caf/stateful_actor.hpp>
#include <caf/typed_event_based_actor.hpp>

#include <array>
#include <exception>
#include <string>
#include <string_view>

namespace troupe {

/// Answers what is left in a closed mailbox as CAF does, and counts it.
struct mailbox_booker {
  node_context& context; ///< of a node without a trace; else the elements book themselves
  caf::detail::sync_request_bouncer bounce;

  caf::intrusive::task_result operator()(const caf::mailbox_element& x) {
    tracing::dead_lettered(context, {});
    bounce(x);
    return caf::intrusive::task_result::resume;
  }
  /// The queues of a mailbox put their keys in front.
  template <class Key, class Queue, class... Ts>
  caf::intrusive::task_result operator()(const Key&, const Queue&, const Ts&... xs) {
    return (*this)(xs...);
  }
};

/// Whether that is the argument itself, alone.
template <class... Ts>
inline constexpr bool sends_one_value = false;
template <class T>
inline constexpr bool sends_one_value<T> =
    std::is_same_v<sent_as<T>, std::remove_cvref_t<
                                   T>> && !std::is_same_v<sent_as<T>, caf::message> && is_content<sent_as<T>>;

/// Makes a traced actor class of an event-based CAF actor class. Use through the names
/// below. Costs a branch and two counters a message with the trace off.
template <class Base>
class traced : public Base, public traceable {
 public:
  template <class... Ts>
  explicit traced(caf::actor_config& config, Ts&&... xs)
      : Base(config, std::forward<Ts>(xs)...), context_(context_of(this->home_system())) {
    if (context_ == nullptr) return;
    this->life_number_ = context_->life.number();
    has_thread_ = this->getf(caf::abstract_actor::is_detached_flag);
    wraps_ = context_->recorder.on() || has_thread_;
    this->trace_index_ = tracing::born(*context_, *this);
    cause_ = on_thread.handling.message;
    context_->waits.unborn(+1);
    if (has_thread_) context_->waits.detached(+1);
    this->set_default_handler(
        [](caf::scheduled_actor* self, caf::message_view& what) -> caf::result<caf::message> {
          tracing::unhandled(*self, what);
          return caf::sec::unexpected_message;
        });
    // CAF's own prints on stdout, and the text of the exception is lost.
    this->set_exception_handler(
        [](caf::scheduled_actor*, std::exception_ptr& what) -> caf::error { return tracing::threw(what); });
  }
  ~traced() override {
    if (has_thread_) context_->waits.detached(-1);
  }

  void enqueue(caf::mailbox_element_ptr element, caf::execution_unit* host) override {
    if (context_ == nullptr) return Base::enqueue(std::move(element), host);
    if (!this->mailbox().closed()) [[likely]]
      return accept(std::move(element), host);
    // It has ended, and its node may have, too.
    if (const node_life::visit node{this->life_number_})
      accept(std::move(element), host);
    else
      fail_request(element->sender, element->mid, caf::make_error(caf::sec::request_receiver_down));
  }

  caf::invoke_message_result consume(caf::mailbox_element& element) override {
    if (context_ == nullptr) return Base::consume(element);
    return wraps_ ? consume_wrapped(static_cast<traced_element&>(element)) : consume_plain(element);
  }

  caf::resumable::resume_result resume(caf::execution_unit* host, std::size_t max_throughput) override {
    if (!on_thread.loop_knows_handlers) on_thread.last_handler_end = 0;
    return Base::resume(host, max_throughput);
  }

  bool cleanup(caf::error&& reason, caf::execution_unit* host) override {
    if (context_ == nullptr || this->getf(caf::abstract_actor::is_cleaned_up_flag))
      return Base::cleanup(std::move(reason), host);
    // Who watches this actor hears of its end because of what it handled last.
    handling_scope scope{{this->ctrl(), this->trace_index_, cause_, false, this}};
    tracing::died(*context_, *this, this->trace_index_, reason);
    if (!begun_) context_->waits.unborn(-1);
    begun_ = true;
    context_->waits.ended(this->life_);
    context_->waits.set_aside(-std::exchange(skipped_[0], 0) - std::exchange(skipped_[1], 0));
    this->waits_.reset();
    if (!wraps_) book_mailbox(reason);
    return Base::cleanup(std::move(reason), host);
  }

  void initialize() override {
    if (context_ == nullptr) return Base::initialize();
    tracing::named(*context_, *this, this->name());
    {
      handling_scope scope{{this->ctrl(), this->trace_index_, cause_, false, this}};
      Base::initialize();
    }
    if (std::exchange(begun_, true)) return;
    context_->waits.begun(this->life_, this->id(), this->name());
    context_->waits.unborn(-1);
  }

  // As in CAF, except that a message of one element is made in one piece with what its trace needs. CAF's own
  // classes for it take several times as long to compile, for each type.

  template <caf::message_priority P = caf::message_priority::normal, class Dest, class... Ts>
  void send(const Dest& dest, Ts&&... xs) {
    if constexpr (takes_one_value<Dest, Ts...>)
      send_one(receiver_of(dest), caf::make_message_id(P), std::forward<Ts>(xs)...);
    else
      Base::template send<P>(dest, std::forward<Ts>(xs)...);
  }

  template <caf::message_priority P = caf::message_priority::normal, class Dest, class Timeout, class... Ts>
  auto request(const Dest& dest, const Timeout& timeout, Ts&&... xs) {
    if constexpr (takes_one_value<Dest, Ts...>) {
      const auto id = this->new_request_id(P);
      if (auto* receiver = receiver_of(dest)) {
        send_one(receiver, id, std::forward<Ts>(xs)...);
        this->request_response_timeout(caf::duration{timeout}, id);
      } else {
        this->eq_impl(id.response_id(), this->ctrl(), Base::context(),
                      caf::make_error(caf::sec::invalid_argument));
      }
      using handle =
          decltype(std::declval<Base&>().template request<P>(dest, caf::duration{}, caf::message{}));
      return handle{id.response_id(), this};
    } else {
      return Base::template request<P>(dest, timeout, std::forward<Ts>(xs)...);
    }
  }

  template <caf::message_priority P = caf::message_priority::normal, class Dest, class Rep, class Period,
            class... Ts>
  void delayed_send(const Dest& dest, std::chrono::duration<Rep, Period> after, Ts&&... xs) {
    if constexpr (takes_one_value<Dest, Ts...>) {
      if (!receiver_of(dest)) return;
      auto& clock = this->system().clock();
      clock.schedule_message(clock.now() + after, caf::actor_cast<caf::strong_actor_ptr>(dest),
                             untraced(caf::make_message_id(P), std::forward<Ts>(xs)...));
    } else {
      Base::template delayed_send<P>(dest, after, std::forward<Ts>(xs)...);
    }
  }

  /// While the guard lives, something outside of the actors (a thread, a socket, a person) may send to this
  /// actor or to others, and a run that waits for it is not stalled. It may be moved to where that is.
  outside_source expect_outside() {
    return context_ != nullptr ? outside_source{context_->waits} : outside_source{};
  }
  /// How people know this actor, in messages about deadlocks, where its role and number do not say it:
  /// "the table".
  void call_me(std::string name) {
    if (context_ != nullptr) this->waits(*context_, *this).name(std::move(name));
  }
  /// The answers that this actor owes wait until `holder` acts: it is held. Told by
  /// actors that stand for a resource, so that a deadlock over them can be named.
  template <class Handle>
  void held_by(const Handle& holder) {
    if (context_ == nullptr) return;
    const auto whom = caf::actor_cast<caf::strong_actor_ptr>(holder);
    this->waits(*context_, *this)
        .held_by(tracing::address(*context_, whom), caf::actor_cast<caf::weak_actor_ptr>(whom));
  }
  void held_by_nobody() {
    if (context_ != nullptr) this->waits(*context_, *this).held_by(std::nullopt);
  }

  /// The message that this handler sent last repeats an earlier one, which may be lost.
  void repeats(const message_token& original) {
    if (context_ != nullptr) context_->recorder.redelivered(last_sent().id, original.id, this->trace_index_);
  }

  /// Writes a note into the trace, tied to the message being handled.
  void note(std::string_view text) {
    if (context_ != nullptr) context_->recorder.noted(this->trace_index_, on_thread.handling.message, text);
  }

  /// The name of the node it lives on; empty in a plain actor system.
  const std::string& node_name() const {
    static const std::string none;
    return context_ != nullptr ? context_->node : none;
  }

 protected:
  node_context* context() const { return context_; }

 private:
  /// Dynamically typed ones from one to another; CAF checks what typed ones say.
  template <class Dest, class... Ts>
  static constexpr bool takes_one_value =
      std::is_base_of_v<caf::dynamically_typed_actor_base, Base>&& sends_one_value<
          Ts...> && (std::is_same_v<Dest, caf::actor> || std::is_convertible_v<Dest, caf::dynamically_typed_actor_base*>);

  template <class T>
  static constexpr std::size_t content_of = content_size_of<std::remove_cvref_t<T>>;

  static caf::abstract_actor* receiver_of(const caf::actor& dest) {
    return dest ? caf::actor_cast<caf::abstract_actor*>(dest) : nullptr; // CAF's cast of nobody is somewhere
  }
  static caf::abstract_actor* receiver_of(caf::abstract_actor* dest) { return dest; }

  /// As if it had arrived, with an empty share: those classes are there already.
  template <class T>
  caf::mailbox_element_ptr untraced(caf::message_id id, T&& x) {
    return filled(element_with<arrived, content_of<T>>::create(this->ctrl(), id), std::forward<T>(x));
  }

  template <class T>
  void send_one(caf::abstract_actor* dest, caf::message_id id, T&& x) {
    if (dest == nullptr) return;
    if (context_ == nullptr || !context_->recorder.on())
      return dest->enqueue(untraced(id, std::forward<T>(x)), Base::context());
    auto* traced = element_with<traced_element, content_of<T>>::create(this->ctrl(), id);
    auto element = filled(traced, std::forward<T>(x));
    send_traced(*dest, kind_of<std::remove_cvref_t<T>>(), *traced, std::move(element));
  }

  void send_traced(caf::abstract_actor& dest, const value_kind& kind, traced_element& traced,
                   caf::mailbox_element_ptr element) {
    traced.typed(*context_, context_->catalog.traced_as(kind));
    on_thread.being_sent = &traced;
    dest.enqueue(std::move(element), Base::context());
    on_thread.being_sent = nullptr;
  }

  void accept(caf::mailbox_element_ptr element, caf::execution_unit* host) {
    if (wraps_) {
      tracing::wrap(*context_, this->trace_index_, this->id(), element);
      if (context_->catalog.has_strays() && tracing::between_roles(*this)
          && tracing::refuse_stray(*context_, *this, *element, static_cast<traced_element*>(element.get())))
        return;
      // A thread of its own is woken in CAF's way.
      if (has_thread_) return Base::enqueue(std::move(element), host);
      return push(std::move(element), host);
    }
    if (!on_thread.arrival.active) {
      if (on_thread.handling.self == nullptr)
        if (auto original = tracing::came_back(*element)) return push(std::move(original), host);
      context_->books.sent();
      if (element->mid.is_request())
        tracing::note_request(*context_, *element, {context_->incarnation, this->id()});
      if (tracing::between_roles(*this) && tracing::refuse_stray(*context_, *this, *element, nullptr)) return;
    }
    push(std::move(element), host);
  }

  /// CAF's enqueue for actors that share the scheduler's threads, except that a closed
  /// mailbox is booked, and that nothing is logged.
  void push(caf::mailbox_element_ptr element, caf::execution_unit* host) {
    const auto mid = element->mid;
    const auto sender = mid.is_request() ? element->sender : nullptr;
    switch (this->mailbox().push_back(std::move(element))) {
    case caf::intrusive::inbox_result::unblocked_reader:
      intrusive_ptr_add_ref(this->ctrl());
      if (host != nullptr)
        host->exec_later(this);
      else
        this->home_system().scheduler().enqueue(this);
      break;
    case caf::intrusive::inbox_result::queue_closed:
      if (!wraps_) tracing::dead_lettered(*context_, {}); // a wrapped element does it itself
      if (mid.is_request()) caf::detail::sync_request_bouncer{this->fail_state()}(sender, mid);
      break;
    case caf::intrusive::inbox_result::success:
      break;
    }
  }

  caf::invoke_message_result consume_plain(caf::mailbox_element& element) {
    const handling_scope scope{{this->ctrl(), this->trace_index_, {}, false, this}};
    auto& books = context_->books;
    if (this->waits_ != nullptr && element.mid.is_response()) answered(element.mid);
    caf::invoke_message_result result;
    try {
      result = Base::consume(element);
    } catch (...) {
      books.handled();
      throw;
    }
    // What was skipped comes again, all of it, after each message of its lane that was not.
    auto& skipped = skipped_[element.mid.is_urgent_message() ? 0 : 1];
    if (result == caf::invoke_message_result::skipped) {
      ++skipped;
      context_->waits.set_aside(+1);
      return result;
    }
    if (skipped != 0) [[unlikely]]
      context_->waits.set_aside(-std::exchange(skipped, 0));
    if (result == caf::invoke_message_result::dropped)
      tracing::dropped(*context_, {}, trace::drop_reason::expired_response);
    else if (on_thread.handling.refused)
      tracing::dropped(*context_, {}, trace::drop_reason::no_handler);
    else
      books.handled();
    return result;
  }

  [[gnu::always_inline]] caf::invoke_message_result consume_wrapped(traced_element& element) {
    const auto& message = element.message();
    handling_scope scope{{this->ctrl(), this->trace_index_, message.id, false, this}};
    cause_ = message.id;
    if (element.mid.is_request()) {
      on_thread.handling.request = element.mid;
      on_thread.handling.asker = tracing::address(*context_, element.sender);
    } else if (this->waits_ != nullptr && element.mid.is_response()) {
      tracing::answered(*context_, message, answered(element.mid));
    }
    const auto run = tracing::begin(*context_, message);
    caf::invoke_message_result result;
    try {
      result = Base::consume(element);
    } catch (...) {
      tracing::finish(*context_, element, run, caf::invoke_message_result::consumed, false);
      throw;
    }
    tracing::finish(*context_, element, run, result, on_thread.handling.refused);
    return result;
  }

  /// Returns the number of the request in the trace. CAF would let its time-out come, and drop it.
  trace::message_id answered(caf::message_id response) {
    this->system().clock().cancel_request_timeout(this, response);
    return this->waits_->closed(response.request_id().integer_value());
  }

  /// Books what is left in the mailbox, answering requests as CAF does.
  void book_mailbox(const caf::error& reason) {
    if (this->mailbox().closed()) return;
    mailbox_booker book{*context_, caf::detail::sync_request_bouncer{reason}};
    this->mailbox().close();
    this->get_normal_queue().flush_cache();
    this->get_urgent_queue().flush_cache();
    while (this->mailbox().queue().new_round(1000, book).consumed_items)
      ;
  }

  node_context* context_;
  trace::message_id cause_{}; ///< what it was spawned or woken by last
  bool wraps_ = false;
  bool begun_ = false;
  bool has_thread_ = false;
  std::array<std::int64_t, 2>
      skipped_{}; ///< urgent and normal messages set aside, where they are not wrapped
};

/// An actor without state, or whose state lives in its behaviour: `caf::behavior f(troupe::plain_actor*
/// self)`.
using plain_actor = traced<caf::event_based_actor>;

extern template class traced<caf::event_based_actor>;

/// An actor with a state struct: `caf::behavior worker(troupe::actor_of<worker_state>* self, ...)`.
template <class State>
using actor_of = caf::stateful_actor<State, traced<caf::event_based_actor>>;

/// The same for a statically typed handle: `H::behavior_type f(troupe::typed_actor_of<H>* self)`.
template <class Handle>
using typed_actor_of = traced<typename Handle::base>;

template <class Handle, class State>
using typed_stateful = caf::stateful_actor<State, traced<typename Handle::base>>;

} // namespace troupe

/// What is compiled for a message type that actors send, outside of all namespaces: with `extern` behind the
/// declaration of a type that many sources send, and with nothing in the one source that has the code.
#define TROUPE_SENT_TYPE(where, type) where template class troupe::value_of<type>
