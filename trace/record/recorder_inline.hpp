// The hot path of the recorder: what an actor's every message calls.
#pragma once

#include "trace/record/recorder.hpp"
#include "trace/record/tick_clock.hpp"

namespace troupe::trace {

namespace format {
constexpr record_kind sent_as(message_role role) {
  return static_cast<record_kind>(static_cast<std::uint8_t>(record_kind::sent)
                                  + static_cast<std::uint8_t>(role));
}
static_assert(sent_as(message_role::request) == record_kind::sent_request
              && sent_as(message_role::response) == record_kind::sent_response);
} // namespace format

inline timestamp recorder::now() const { return monotonic_ns() + skew_.load(std::memory_order_relaxed); }

inline void recorder::record(thread_slot& slot, format::record_kind kind, timestamp when, std::uint64_t w1,
                             std::uint64_t w2, std::uint64_t w3) {
  if (!slot.has_room(format::record_bytes) && !make_room(slot)) [[unlikely]]
    return;
  slot.append(static_cast<std::uint64_t>(kind), since_base(when), w1, w2, w3);
}

inline message_id recorder::next_number(thread_slot& slot) {
  if (slot.number == slot.number_end) [[unlikely]]
    take_numbers(slot);
  return {slot.number++};
}

inline sent_message recorder::send(message_id cause, actor_index sender, actor_index receiver,
                                   string_index type, message_role role) {
  if (!on()) [[unlikely]]
    return {};
  const auto word3 = format::pack_actors(sender, receiver, type);
  auto& slot = here();
  // A message whose cause is not recorded is not either.
  if (!samples(slot, cause)) [[unlikely]]
    return {message_id::make(0, message_id::unsampled_number), now()};
  const sent_message result{next_number(slot), now()};
  record(slot, format::sent_as(role), result.when, result.id.value, cause.value, word3);
  return result;
}

inline begun_handler recorder::handling(message_id id, actor_index who, string_index type, timestamp begin) {
  if (!on() || !id.recorded()) [[unlikely]]
    return {};
  const auto word3 = format::pack_actors(who, 0, type);
  auto& slot = here();
  if (slot.chunk != nullptr || first_chunk(slot)) [[likely]]
    slot.enter_handler(id.value, since_base(begin), word3);
  return {&slot, id, word3, begin};
}

inline void recorder::handled(const begun_handler& run, timestamp end) {
  if (run.slot == nullptr) [[unlikely]]
    return;
  record(*run.slot, format::record_kind::handled, run.begin, run.id.value,
         end > run.begin ? end - run.begin : 0, run.word3);
  run.slot->leave_handler(run.id.value);
}

} // namespace troupe::trace
