#include "trace/record/recorder_impl.hpp"

#include <algorithm>
#include <cstring>

// The recorder's tables, and the events that are rare.

namespace troupe::trace {

using format::record_kind;

// -- tables ----------------------------------------------------------------------

string_index recorder::intern(std::string_view text) {
  std::lock_guard lock{impl_->mutex};
  return impl_->intern_locked(text.substr(0, format::blob_bytes_max));
}

string_index recorder::impl::intern_locked(std::string_view text) {
  auto [it, fresh] = string_numbers.try_emplace(std::string{text}, static_cast<string_index>(strings.size()));
  if (!fresh) return it->second;
  strings.push_back(&it->first);
  string_bytes_ += format::padded(text.size());
  define_string(it->second);
  return it->second;
}

node_index recorder::add_node(std::string_view name, std::uint64_t incarnation) {
  std::lock_guard lock{impl_->mutex};
  auto& nodes = impl_->nodes;
  auto same = [&](const auto& n) { return n.incarnation == incarnation && n.name == name; };
  auto it = std::ranges::find_if(nodes, same);
  auto index = static_cast<node_index>(std::min<std::ptrdiff_t>(it - nodes.begin(), 0xffff));
  if (it != nodes.end() || index == 0xffff) return index;
  nodes.push_back({std::string{name.substr(0, format::node_name_bytes_max)}, incarnation});
  impl_->define_node(index);
  return index;
}

actor_index recorder::add_actor(node_index node, std::uint64_t id, std::string_view role) {
  std::lock_guard lock{impl_->mutex};
  auto& actors = impl_->actors;
  auto [it, fresh] = impl_->actor_numbers.try_emplace({node, id}, static_cast<actor_index>(actors.size()));
  if (fresh) {
    actors.push_back({{node, id}, impl_->intern_locked(role)});
    impl_->define_actor(it->second);
  } else if (auto& entry = actors[it->second]; entry.role == 0 && !role.empty()) {
    entry.role = impl_->intern_locked(role);
    impl_->define_actor(it->second);
  }
  return std::min(it->second, format::actor_index_max + 1);
}

void recorder::impl::define_string(string_index index) {
  auto& text = *strings[index];
  write_blob(tables_, record_kind::define_string, 0, index, 0, 0, std::as_bytes(std::span{text}));
}

void recorder::impl::define_node(node_index index) {
  auto& n = nodes[index];
  write_blob(tables_, record_kind::define_node, 0, n.incarnation, std::uint64_t{index} << 32, 0,
             std::as_bytes(std::span{n.name}));
}

void recorder::impl::define_actor(actor_index index) {
  if (index > format::actor_index_max) return;
  auto& a = actors[index];
  if (!room(tables_, format::record_bytes)) return;
  tables_.append(static_cast<std::uint64_t>(record_kind::define_actor), 0, a.key.id,
                 a.role | std::uint64_t{a.key.node} << 32, format::pack_actors(index, 0, 0));
}

void recorder::impl::write_blob(thread_slot& slot, record_kind kind, std::uint64_t since, std::uint64_t w1,
                                std::uint64_t w2, std::uint64_t w3, std::span<const std::byte> blob) {
  const auto behind = format::padded(blob.size());
  if (!room(slot, format::record_bytes + behind)) return;
  if (!blob.empty()) std::memcpy(slot.next + format::record_bytes, blob.data(), blob.size());
  slot.append(format::blob_bit | static_cast<std::uint64_t>(kind), since, w1,
              w2 | static_cast<std::uint32_t>(blob.size()), w3, behind);
}

// -- events ----------------------------------------------------------------------

void recorder::spawned(actor_index who, actor_index parent, message_id cause) {
  if (!on()) return;
  if (!cause.recorded()) cause = {};
  record(here(), record_kind::spawned, now(), cause.value, 0, format::pack_actors(who, parent, 0));
}

void recorder::exited(actor_index who, string_index reason) {
  if (on()) record(here(), record_kind::exited, now(), 0, reason, format::pack_actors(who, 0, 0));
}

void recorder::also_caused_by(message_id id, message_id cause) {
  if (on() && id.recorded() && cause.recorded())
    record(here(), record_kind::also_caused_by, now(), id.value, cause.value, 0);
}

void recorder::dropped(message_id id, actor_index receiver, string_index type, string_index reason) {
  if (!on() || !id.recorded()) return;
  record(here(), record_kind::dropped, now(), id.value, reason, format::pack_actors(receiver, 0, type));
  here().leave_handler(id.value);
}

void recorder::dead_lettered(message_id id, actor_index receiver, string_index type, string_index reason) {
  if (!on() || !id.recorded()) return;
  record(here(), record_kind::dead_lettered, now(), id.value, reason, format::pack_actors(receiver, 0, type));
  here().leave_handler(id.value);
}

void recorder::timer_set(message_id id, actor_index who, std::chrono::nanoseconds delay) {
  if (on() && id.recorded())
    record(here(), record_kind::timer_set, now(), id.value, static_cast<std::uint64_t>(delay.count()),
           format::pack_actors(who, 0, 0));
}

void recorder::redelivered(message_id again, message_id original, actor_index who) {
  if (on() && again.recorded() && original.recorded())
    record(here(), record_kind::redelivered, now(), again.value, original.value,
           format::pack_actors(who, 0, 0));
}

void recorder::node_up(node_index node, bool keeps_trace) {
  if (on() && node != 0) record(here(), record_kind::node_up, now(), node, keeps_trace ? 0 : 1, 0);
}

void recorder::node_down(node_index node, string_index reason) {
  if (on() && node != 0) record(here(), record_kind::node_down, now(), node, reason, 0);
}

void recorder::link_up(node_index node) {
  if (on() && node != 0) record(here(), record_kind::link_up, now(), node, 0, 0);
}

void recorder::link_down(node_index node, string_index reason) {
  if (on() && node != 0) record(here(), record_kind::link_down, now(), node, reason, 0);
}

void recorder::link_resumed(node_index node, std::uint32_t frames_sent_again) {
  if (on() && node != 0) record(here(), record_kind::link_resumed, now(), node, frames_sent_again, 0);
}

void recorder::clock_offset(node_index node, std::chrono::nanoseconds offset,
                            std::chrono::nanoseconds uncertainty) {
  if (on() && node != 0)
    record(here(), record_kind::clock_offset, now(), node, static_cast<std::uint64_t>(offset.count()),
           static_cast<std::uint64_t>(uncertainty.count()));
}

void recorder::fault(string_index kind, string_index detail) {
  if (on()) record(here(), record_kind::fault, now(), kind, detail, 0);
}

void recorder::told_to_end(string_index verdict, string_index reason) {
  if (on()) record(here(), record_kind::told_to_end, now(), verdict, reason, 0);
}

void recorder::stood_still(std::chrono::nanoseconds how_long) {
  if (on())
    record(here(), record_kind::stood_still, now(), static_cast<std::uint64_t>(how_long.count()), 0, 0);
}

void recorder::noted(actor_index who, message_id during, std::string_view text) {
  if (!on() || (during && !during.recorded())) return;
  impl_->write_blob(here(), record_kind::noted, since_base(now()), during.value, 0,
                    format::pack_actors(who, 0, 0),
                    std::as_bytes(std::span{text.substr(0, format::blob_bytes_max)}));
}

void recorder::payload(message_id id, std::span<const std::byte> bytes) {
  if (what_ != level::payloads || !id.recorded()) return;
  auto kept = bytes.first(std::min<std::size_t>(bytes.size(), format::blob_bytes_max));
  auto whole = std::min<std::uint64_t>(bytes.size(), 0xffff'ffff);
  impl_->write_blob(here(), record_kind::payload, since_base(now()), id.value, whole << 32, 0, kept);
}

void recorder::invariant(std::string_view text) {
  if (on())
    impl_->write_blob(here(), record_kind::invariant, since_base(now()), 0, 0, 0,
                      std::as_bytes(std::span{text.substr(0, format::blob_bytes_max)}));
}

} // namespace troupe::trace
