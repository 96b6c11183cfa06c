#include "trace/recorder_impl.hpp"

// The hot path: what an actor's every message calls.

namespace troupe::trace {
namespace {

using format::record_kind;

constexpr record_kind sent_kinds[] = {record_kind::sent, record_kind::sent_request,
                                      record_kind::sent_response};

} // namespace

timestamp recorder::now() const { return impl_->clock.now() + skew_.load(std::memory_order_relaxed); }

void recorder::observe(timestamp remote) {
  auto skew = skew_.load(std::memory_order_relaxed);
  for (;;) {
    auto own = impl_->clock.now();
    if (own + skew > remote) return;
    auto raised = remote - own + 1;
    if (!skew_.compare_exchange_weak(skew, raised, std::memory_order_relaxed)) continue;
    if (on()) impl_->record(record_kind::skewed, own + raised, skew, raised, 0);
    return;
  }
}

inline message_id recorder::impl::next_message(thread_slot& slot, message_id cause) {
  const auto sampling = options.sample_one_in;
  if (cause ? !cause.recorded() : sampling > 1 && !slot.draw(sampling))
    return message_id::make(0, message_id::unsampled_number);
  if (slot.number == slot.number_end) take_numbers(slot);
  return message_id::make(0, slot.number++);
}

message_id recorder::next_message(message_id cause) {
  return on() ? impl_->next_message(impl_->mine(), cause) : message_id{};
}

sent_message recorder::send(message_id cause, actor_index sender, actor_index receiver, string_index type,
                            message_role role) {
  if (!on()) return {};
  auto& slot = impl_->mine();
  const sent_message result{impl_->next_message(slot, cause), now()};
  // A message whose cause is not recorded is not either.
  if (result.id.recorded())
    impl_->write(slot, sent_kinds[static_cast<std::size_t>(role)], result.when, result.id.value, cause.value,
                 format::pack_actors(sender, receiver, type));
  return result;
}

void recorder::sent(message_id id, message_id cause, actor_index sender, actor_index receiver,
                    string_index type, timestamp when, message_role role) {
  if (!on() || !id.recorded()) return;
  if (!cause.recorded()) cause = {};
  impl_->record(sent_kinds[static_cast<std::size_t>(role)], when, id.value, cause.value,
                format::pack_actors(sender, receiver, type));
}

timestamp recorder::delivered(message_id id, actor_index receiver, string_index type, std::uint32_t bytes,
                              timestamp remote_sent) {
  if (!on() || !id.recorded()) return 0;
  auto when = now();
  auto lag = static_cast<std::int64_t>(remote_sent == 0 ? 0 : when - remote_sent);
  impl_->record(record_kind::delivered, when, id.value, bytes | format::lag_low(lag),
                format::pack_actors(receiver, 0, type) | std::uint64_t{format::lag_high(lag)} << 16);
  return when;
}

void recorder::handling(message_id id, actor_index who, string_index type, timestamp begin) {
  if (!on() || !id.recorded()) return;
  auto* chunk = impl_->mine().chunk;
  if (!chunk) chunk = impl_->first_chunk();
  if (!chunk) return;
  // The id is written last and taken away first, so that a kill in between leaves no
  // wrong sentence behind.
  chunk->message.store(0, std::memory_order_release);
  chunk->begin.store(begin - impl_->base, std::memory_order_relaxed);
  chunk->word3.store(format::pack_actors(who, 0, type), std::memory_order_relaxed);
  chunk->message.store(id.value, std::memory_order_release);
}

void recorder::handled(message_id id, actor_index who, string_index type, timestamp begin) {
  if (on() && id.recorded()) handled(id, who, type, begin, now());
}

void recorder::handled(message_id id, actor_index who, string_index type, timestamp begin, timestamp end) {
  if (!on() || !id.recorded()) return;
  auto& slot = impl_->mine();
  impl_->write(slot, record_kind::handled, begin, id.value, end > begin ? end - begin : 0,
               format::pack_actors(who, 0, type));
  impl_->left_handler(slot, id);
}

void recorder::skipped(message_id id) {
  if (on() && id.recorded()) impl_->left_handler(impl_->mine(), id);
}

} // namespace troupe::trace
