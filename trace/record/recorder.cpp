#include "trace/record/recorder_impl.hpp"

// The events of messages that recorder_inline.hpp leaves.

namespace troupe::trace {

using format::record_kind;

recorder::recorder(recorder_options o)
    : what_{o.what}, sample_one_in_{o.sample_one_in}, impl_{std::make_unique<impl>(std::move(o), what_)},
      id_{impl_->id}, base_{impl_->base} {}
recorder::~recorder() = default;
void recorder::close() { impl_->close(); }
const recorder_options& recorder::options() const { return impl_->options; }

thread_slot& recorder::new_here() { return impl_->find_slot(); }
bool recorder::make_room(thread_slot& slot) { return impl_->make_room(slot, format::record_bytes); }
bool recorder::first_chunk(thread_slot& slot) { return impl_->first_chunk(slot); }
void recorder::take_numbers(thread_slot& slot) { impl_->take_numbers(slot); }

void recorder::observe(timestamp remote) {
  auto skew = skew_.load(std::memory_order_relaxed);
  for (;;) {
    auto own = monotonic_ns();
    if (own + skew > remote) return;
    auto raised = remote - own + 1;
    if (!skew_.compare_exchange_weak(skew, raised, std::memory_order_relaxed)) continue;
    if (on()) record(here(), record_kind::skewed, own + raised, skew, raised, 0);
    return;
  }
}

message_id recorder::next_message(message_id cause) {
  if (!on()) return {};
  auto& slot = here();
  return samples(slot, cause) ? next_number(slot) : message_id::make(0, message_id::unsampled_number);
}

void recorder::sent(message_id id, message_id cause, actor_index sender, actor_index receiver,
                    string_index type, timestamp when, message_role role) {
  if (!on() || !id.recorded()) return;
  if (!cause.recorded()) cause = {};
  record(here(), format::sent_as(role), when, id.value, cause.value,
         format::pack_actors(sender, receiver, type));
}

timestamp recorder::delivered(message_id id, actor_index receiver, string_index type, std::uint32_t bytes,
                              timestamp remote_sent) {
  if (!on() || !id.recorded()) return 0;
  auto when = now();
  auto lag = static_cast<std::int64_t>(remote_sent == 0 ? 0 : when - remote_sent);
  record(here(), record_kind::delivered, when, id.value, bytes | format::lag_low(lag),
         format::pack_actors(receiver, 0, type) | std::uint64_t{format::lag_high(lag)} << 16);
  return when;
}

void recorder::handled(message_id id, actor_index who, string_index type, timestamp begin, timestamp end) {
  if (!on() || !id.recorded()) return;
  handled({&here(), id, format::pack_actors(who, 0, type), begin}, end != 0 ? end : now());
}

void recorder::skipped(message_id id) {
  if (on() && id.recorded()) here().leave_handler(id.value);
}

} // namespace troupe::trace
