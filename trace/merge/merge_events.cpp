#include "trace/merge/merger.hpp"

#include <algorithm>

// From records, in their final order, to the columns of the model.

namespace troupe::trace {

using format::record_kind;

std::uint32_t merger::intern(const std::string& text) {
  auto [it, fresh] = string_numbers_.try_emplace(text, static_cast<std::uint32_t>(out_.strings.size()));
  if (fresh) out_.strings.push_back(text);
  return it->second;
}

std::uint32_t merger::string(std::size_t n, std::uint64_t index) {
  if (index == 0) return 0;
  auto it = traces_[n].strings.find(static_cast<std::uint32_t>(index));
  return intern(it == traces_[n].strings.end() ? "?" : it->second);
}

std::uint32_t merger::type(std::size_t n, std::uint32_t index) {
  auto& map = translations_[n].type;
  if (map.empty()) map.assign(0x1'0000, no_row);
  auto& known = map[index];
  if (known == no_row) known = string(n, index);
  return known;
}

std::uint32_t merger::actor(std::size_t n, std::uint32_t index) const {
  auto& map = translations_[n].actor;
  return index < map.size() ? map[index] : 0;
}

row merger::message_row(std::size_t n, std::uint64_t value) {
  message_id id{value};
  if (!id.recorded() || id.node() >= translations_[n].node.size()) return no_row;
  auto node = translations_[n].node[id.node()];
  auto& found = numbers_[node].find(id.number());
  if (found != no_row) return found;
  auto& m = out_.messages;
  found = static_cast<row>(m.size());
  m.number.push_back(id.number());
  m.node.push_back(node);
  m.sender.push_back(0);
  m.receiver.push_back(0);
  m.type.push_back(0);
  m.cause.push_back(no_row);
  m.sent.push_back(no_row);
  m.delivered.push_back(no_row);
  m.handled.push_back(no_row);
  m.discarded.push_back(no_row);
  m.role.push_back(0);
  m.handlings.push_back(0);
  m.delayed.push_back(false);
  causing_.push_back(false);
  return found;
}

row merger::push_event(std::size_t n, event_kind kind, run_time time) {
  auto& e = out_.events;
  e.time.push_back(time);
  e.kind.push_back(kind);
  e.node.push_back(static_cast<std::uint16_t>(n));
  e.value.push_back(0);
  e.actor.push_back(0);
  e.peer.push_back(0);
  e.type.push_back(0);
  e.message.push_back(no_row);
  e.cause.push_back(no_row);
  return static_cast<row>(e.size() - 1);
}

void merger::emit_sent(std::size_t n, const format::record& r, run_time time, unsigned role) {
  auto& m = out_.messages;
  auto message = message_row(n, r.word1);
  if (message == no_row) return;
  auto cause = r.word2 == 0 ? no_row : message_row(n, r.word2);
  auto at = push_event(n, event_kind::sent, time);
  auto& e = out_.events;
  e.actor[at] = actor(n, format::actor_of(r.word3));
  e.peer[at] = actor(n, format::peer_of(r.word3));
  e.type[at] = type(n, format::type_of(r.word3));
  e.message[at] = message;
  e.cause[at] = cause;
  e.value[at] = role;
  if (m.handled[message] != no_row || m.delivered[message] != no_row || m.discarded[message] != no_row)
    ++out_of_order_;
  if (cause != no_row && m.handled[cause] == no_row) causing_[cause] = true;
  if (m.sent[message] != no_row) return; // a second send of one id: only hostile files have it
  m.sent[message] = at;
  m.sender[message] = e.actor[at];
  m.receiver[message] = e.peer[at];
  m.type[message] = e.type[at];
  m.cause[message] = cause;
  m.role[message] = static_cast<std::uint8_t>(role);
}

void merger::emit_receipt(std::size_t n, event_kind kind, const format::record& r, run_time time,
                          std::int64_t value) {
  auto& m = out_.messages;
  auto message = message_row(n, r.word1);
  if (message == no_row) return;
  auto at = push_event(n, kind, time);
  auto& e = out_.events;
  e.actor[at] = actor(n, format::actor_of(r.word3));
  e.type[at] = type(n, format::type_of(r.word3));
  e.message[at] = message;
  e.peer[at] = m.sender[message];
  e.value[at] = value;
  if (m.sent[message] == no_row) {
    m.receiver[message] = e.actor[at];
    m.type[message] = e.type[at];
  }
  auto& first = kind == event_kind::delivered                                   ? m.delivered[message]
                : kind == event_kind::handled || kind == event_kind::unfinished ? m.handled[message]
                                                                                : m.discarded[message];
  if (first == no_row) first = at;
}

void merger::emit_handled(std::size_t n, const format::record& r, run_time time, bool finished) {
  auto begin = r.time_kind >> 8;
  auto duration =
      finished ? std::max<std::int64_t>(0, clocks_.at(n, begin + r.word2) - clocks_.at(n, begin)) : 0;
  emit_receipt(n, finished ? event_kind::handled : event_kind::unfinished, r, time, duration);
  auto message = message_row(n, r.word1);
  if (message == no_row) return;
  if (causing_[message]) {
    ++out_of_order_;
    causing_[message] = false;
  }
  auto& times = out_.messages.handlings[message];
  if (times < 255) ++times;
}

void merger::emit_actor_event(std::size_t n, const format::record& r, run_time time) {
  auto who = actor(n, format::actor_of(r.word3));
  auto& e = out_.events;
  switch (static_cast<record_kind>(r.time_kind & 0xff)) {
  case record_kind::spawned: {
    auto cause = r.word1 == 0 ? no_row : message_row(n, r.word1);
    auto at = push_event(n, event_kind::spawned, time);
    e.peer[at] = actor(n, format::peer_of(r.word3));
    e.cause[at] = cause;
    e.actor[at] = who;
    if (cause != no_row && out_.messages.handled[cause] == no_row) causing_[cause] = true;
    if (who != 0 && out_.actors[who].spawned == no_row) out_.actors[who].spawned = at;
    return;
  }
  case record_kind::exited: {
    auto at = push_event(n, event_kind::exited, time);
    e.actor[at] = who;
    e.value[at] = string(n, r.word2);
    if (who != 0) out_.actors[who].exited = at;
    return;
  }
  case record_kind::timer_set: {
    auto message = message_row(n, r.word1);
    auto at = push_event(n, event_kind::timer_set, time);
    e.actor[at] = who;
    e.message[at] = message;
    e.value[at] = std::max<std::int64_t>(0, static_cast<std::int64_t>(r.word2));
    if (message == no_row || out_.messages.delayed[message]) return;
    out_.messages.delayed[message] = true;
    out_.delays.emplace_back(message, e.value[at]);
    return;
  }
  default: {
    auto message = message_row(n, r.word1), original = message_row(n, r.word2);
    auto at = push_event(n, event_kind::redelivered, time);
    e.actor[at] = who;
    e.message[at] = message;
    e.cause[at] = original;
    return;
  }
  }
}

void merger::emit_link_event(std::size_t n, event_kind kind, const format::record& r, run_time time,
                             std::int64_t value) {
  auto at = push_event(n, kind, time);
  auto& nodes = translations_[n].node;
  auto about = r.word1 < nodes.size() ? nodes[r.word1] : no_row;
  out_.events.cause[at] = about;
  out_.events.value[at] = value;
  if (kind == event_kind::node_up && r.word2 == 1 && about < out_.nodes.size())
    out_.nodes[about].keeps_trace = false;
}

void merger::emit_text(std::size_t n, const format::record& r, std::size_t index, run_time time) {
  auto& t = traces_[n];
  auto blob = std::ranges::lower_bound(t.blobs, index, {}, &node_trace::blob_entry::record);
  if (blob == t.blobs.end() || blob->record != index) return;
  auto bytes = std::span{t.blob_bytes}.subspan(blob->offset, blob->bytes);
  std::string text{reinterpret_cast<const char*>(bytes.data()), bytes.size()};
  switch (static_cast<record_kind>(r.time_kind & 0xff)) {
  case record_kind::payload: {
    auto message = message_row(n, r.word1);
    if (message == no_row) return;
    out_.payloads.push_back(
        {message, out_.payload_bytes.size(), blob->bytes, static_cast<std::uint32_t>(r.word2 >> 32)});
    out_.payload_bytes.insert(out_.payload_bytes.end(), bytes.begin(), bytes.end());
    return;
  }
  case record_kind::invariant:
    if (std::ranges::find(out_.invariants, text) == out_.invariants.end()) out_.invariants.push_back(text);
    return;
  default: {
    auto during = r.word1 == 0 ? no_row : message_row(n, r.word1);
    auto at = push_event(n, event_kind::noted, time);
    out_.events.actor[at] = actor(n, format::actor_of(r.word3));
    out_.events.message[at] = during;
    out_.events.value[at] = static_cast<std::int64_t>(out_.notes.size());
    out_.notes.push_back(std::move(text));
    return;
  }
  }
}

void merger::emit(std::size_t n, std::size_t index, run_time time) {
  auto& r = traces_[n].records[index];
  auto kind = r.time_kind & 0xff;
  if (kind == open_handler_kind) return emit_handled(n, r, time, false);
  switch (static_cast<record_kind>(kind)) {
  case record_kind::sent:
    return emit_sent(n, r, time, 0);
  case record_kind::sent_request:
    return emit_sent(n, r, time, 1);
  case record_kind::sent_response:
    return emit_sent(n, r, time, 2);
  case record_kind::handled:
    return emit_handled(n, r, time, true);
  case record_kind::delivered:
    return emit_receipt(n, event_kind::delivered, r, time, static_cast<std::int64_t>(r.word2 & 0xffff'ffff));
  case record_kind::dropped:
    return emit_receipt(n, event_kind::dropped, r, time, string(n, r.word2));
  case record_kind::dead_lettered:
    return emit_receipt(n, event_kind::dead_lettered, r, time, string(n, r.word2));
  case record_kind::also_caused_by: {
    auto message = message_row(n, r.word1), cause = message_row(n, r.word2);
    if (message != no_row && cause != no_row && message != cause)
      out_.more_causes.emplace_back(message, cause);
    return;
  }
  case record_kind::spawned:
  case record_kind::exited:
  case record_kind::timer_set:
  case record_kind::redelivered:
    return emit_actor_event(n, r, time);
  case record_kind::node_up:
    return emit_link_event(n, event_kind::node_up, r, time, 0);
  case record_kind::node_down:
    return emit_link_event(n, event_kind::node_down, r, time, string(n, r.word2));
  case record_kind::link_up:
    return emit_link_event(n, event_kind::link_up, r, time, 0);
  case record_kind::link_down:
    return emit_link_event(n, event_kind::link_down, r, time, string(n, r.word2));
  case record_kind::link_resumed:
    return emit_link_event(n, event_kind::link_resumed, r, time, static_cast<std::int64_t>(r.word2));
  case record_kind::clock_offset:
    return emit_link_event(n, event_kind::clock_offset, r, time, static_cast<std::int64_t>(r.word2));
  case record_kind::fault:
  case record_kind::told_to_end: {
    auto what = string(n, r.word1), detail = string(n, r.word2);
    bool fault = static_cast<record_kind>(kind) == record_kind::fault;
    auto at = push_event(n, fault ? event_kind::fault : event_kind::told_to_end, time);
    out_.events.type[at] = what;
    out_.events.value[at] = detail;
    return;
  }
  case record_kind::stood_still:
    out_.events.value[push_event(n, event_kind::stood_still, time)] = static_cast<std::int64_t>(r.word1);
    return;
  case record_kind::noted:
  case record_kind::payload:
  case record_kind::invariant:
    return emit_text(n, r, index, time);
  case record_kind::none:
  case record_kind::define_string:
  case record_kind::define_node:
  case record_kind::define_actor:
  case record_kind::skewed:
    return;
  }
}

} // namespace troupe::trace
