// A mailbox element that carries a message's trace number from its sender to its handler.
#pragma once

#include "actors/codec/content.hpp"
#include "actors/runtime/context.hpp"
#include "actors/runtime/element_pool.hpp"

#include <caf/mailbox_element.hpp>

namespace troupe {

/// If it is destroyed before somebody says what became of the message, the message was never
/// handled: that is booked as a dead letter.
class traced_element : public caf::mailbox_element {
 public:
  struct stamp {
    trace::message_id id{};
    trace::actor_index receiver = 0;
    trace::string_index type = 0;
    trace::timestamp when = 0;      ///< it was sent, or arrived here
    bool answers_its_cause = false; ///< a response that needs no further word on what it answers
  };
  ~traced_element() override {
    if (set_aside_ || !settled_) [[unlikely]]
      book_loss();
  }

  static void* operator new(std::size_t bytes) { return element_pool::take(bytes); }
  static void operator delete(void* memory, std::size_t bytes) noexcept {
    element_pool::give_back(memory, bytes);
  }

  const stamp& message() const { return stamp_; }
  /// Stamped in place, since a stamp that is put together field by field and then copied as a
  /// whole makes the processor wait for its own stores.
  stamp& message() { return stamp_; }
  /// The clock brought it; until then it had no place in a mailbox.
  void came(trace::timestamp when) { stamp_.when = when; }
  /// Its sender knows the type already, by this node's tables.
  void typed(node_context& context, trace::string_index type) {
    context_ = &context;
    stamp_.type = type;
  }
  bool typed_by(const node_context& context) const { return context_ == &context; }
  /// From now on it has to be accounted for in these books.
  void hold_accountable(node_context& context) {
    context_ = &context;
    settled_ = false;
  }
  /// The message is accounted for; nothing is booked at destruction.
  void settle() { settled_ = true; }
  bool settled() const { return settled_; }
  /// Was skipped by its receiver at least once.
  bool set_aside() const { return set_aside_; }
  void set_aside(bool yes) { set_aside_ = yes; }

  /// Settled, as it is no message of anybody's yet.
  traced_element(caf::strong_actor_ptr&& sender, caf::message_id id, forwarding_stack&& stages)
      : mailbox_element(std::move(sender), id, std::move(stages)) {}

 private:
  void book_loss() noexcept;

  node_context* context_ = nullptr; ///< the receiver's
  stamp stamp_;
  bool settled_ = true;
  bool set_aside_ = false;
};

/// Around an element that CAF made.
class traced_shell final : public traced_element {
 public:
  traced_shell(caf::mailbox_element_ptr inner, trace::string_index type)
      : traced_element(std::move(inner->sender), inner->mid, std::move(inner->stages)),
        inner_(std::move(inner)) {
    message().type = type;
  }

  /// What was wrapped, whole again; this shell is settled.
  caf::mailbox_element_ptr unwrap() {
    settle();
    inner_->sender = std::move(sender);
    inner_->stages = std::move(stages);
    return std::move(inner_);
  }

  caf::type_erased_tuple& content() override { return inner_->content(); }
  const caf::type_erased_tuple& content() const override {
    return const_cast<const caf::mailbox_element&>(*inner_).content();
  }
  caf::message move_content_to_message() override { return inner_->move_content_to_message(); }
  caf::message copy_content_to_message() const override { return inner_->copy_content_to_message(); }

 private:
  caf::mailbox_element_ptr inner_;
};

} // namespace troupe

TROUPE_ELEMENTS(extern, troupe::traced_element)
