#include "trace/live/live_counts.hpp"

#include <algorithm>
#include <cstring>

namespace troupe::trace {

using format::record_kind;

void live_counts::take(std::span<const std::byte> records) {
  std::size_t at = 0;
  while (at + sizeof(format::record) <= records.size()) {
    format::record r;
    std::memcpy(&r, records.data() + at, sizeof r);
    at += sizeof r;
    std::string_view blob;
    if ((r.time_kind & format::blob_bit) != 0) {
      const auto bytes = r.word2 & 0xffff'ffff;
      if (format::padded(bytes) > records.size() - at) {
        incomplete_ = true;
        return;
      }
      blob = {reinterpret_cast<const char*>(records.data() + at), bytes};
      at += format::padded(bytes);
      r.time_kind &= ~std::uint64_t{format::blob_bit};
    }
    const auto kind = static_cast<record_kind>(r.time_kind & 0xff);
    if (kind >= record_kind::define_string && kind <= record_kind::define_actor)
      table(r, blob);
    else
      event(r);
  }
}

// -- tables ------------------------------------------------------------------------

void live_counts::table(const format::record& r, std::string_view blob) {
  const auto kind = static_cast<record_kind>(r.time_kind & 0xff);
  if (kind == record_kind::define_actor) {
    if (r.word2 >> 32 == 0) // what other nodes host is told by their traces
      define_actor(format::actor_of(r.word3), r.word1, static_cast<std::uint32_t>(r.word2));
  } else if (kind == record_kind::define_node) {
    const auto index = static_cast<std::uint16_t>(r.word2 >> 32);
    if (nodes_.size() <= index) nodes_.resize(index + 1U);
    nodes_[index] = blob.substr(0, format::node_name_bytes_max);
  } else if (string_bytes_ < string_bytes_max) {
    const auto index = static_cast<std::uint32_t>(r.word1);
    const auto kept = blob.substr(0, string_shown_max);
    if (strings_.try_emplace(index, kept).second) string_bytes_ += kept.size() + sizeof(std::string);
    if (blob == to_string(drop_reason::unknown_type)) unknown_type_ = index;
    if (blob == to_string(drop_reason::malformed)) malformed_ = index;
  }
}

std::string live_counts::text(std::uint32_t string) const {
  const auto found = strings_.find(string);
  return found == strings_.end() ? std::string() : found->second;
}

void live_counts::define_actor(std::uint32_t index, std::uint64_t id, std::uint32_t role) {
  if (index == 0 || index > format::actor_index_max) return;
  if (auto* again = find(index)) {
    again->role = role;
    return;
  }
  // The tables are repeated in every segment, with the actors that have ended.
  if (index < actors_seen_) return;
  const auto number = index / page_actors;
  if (number > pages_.size() + (1U << 12)) { // they come in order: this is garbage
    incomplete_ = true;
    return;
  }
  actors_seen_ = index + 1;
  if (pages_.size() <= number) pages_.resize(number + 1);
  auto& there = pages_[number];
  if (!there) there = std::make_unique<page>();
  there->actors[index % page_actors] = {id, role, true, false, 0};
  ++there->known;
  ++alive_;
}

live_counts::actor* live_counts::find(std::uint32_t index) {
  const auto number = index / page_actors;
  if (number >= pages_.size() || !pages_[number]) return nullptr;
  auto& found = pages_[number]->actors[index % page_actors];
  return found.known ? &found : nullptr;
}

void live_counts::forget_if_over(std::uint32_t index, actor& who) {
  if (!who.exited || who.depth != 0) return;
  who.known = false;
  --alive_;
  auto& there = pages_[index / page_actors];
  if (--there->known == 0) there.reset();
}

// -- events ------------------------------------------------------------------------

live_type& live_counts::type(const format::record& r) {
  const auto index = format::type_of(r.word3);
  if (types_.size() <= index) types_.resize(index + 1U);
  return types_[index];
}

void live_counts::left(std::uint32_t index) {
  auto* who = find(index);
  if (!who) return;
  --who->depth;
  forget_if_over(index, *who);
}

void live_counts::event(const format::record& r) {
  const auto who = format::actor_of(r.word3);
  switch (static_cast<record_kind>(r.time_kind & 0xff)) {
  case record_kind::sent:
  case record_kind::sent_request:
  case record_kind::sent_response:
    return sent(r);
  case record_kind::delivered:
    return arrived(who);
  case record_kind::handled:
    ++type(r).handled;
    return left(who);
  case record_kind::dropped:
    // What could not be decoded never was in a mailbox.
    if (r.word2 == 0 || (r.word2 != unknown_type_ && r.word2 != malformed_)) left(who);
    return;
  case record_kind::dead_lettered:
    return left(who);
  case record_kind::exited:
    if (auto* gone = find(who)) {
      gone->exited = true;
      forget_if_over(who, *gone);
    }
    return;
  case record_kind::timer_set:
    timer_ = r.word1;
    timer_due_ = (r.time_kind >> 8) + r.word2;
    return;
  default:
    return link_event(r);
  }
}

void live_counts::sent(const format::record& r) {
  ++type(r).sent;
  const auto receiver = format::peer_of(r.word3);
  if (r.word1 != timer_ || timer_ == 0 || delayed_.size() >= delayed_max) return arrived(receiver);
  timer_ = 0;
  if (find(receiver)) delayed_.push({timer_due_, receiver});
}

void live_counts::fall_due(std::uint64_t now) {
  for (; !delayed_.empty() && delayed_.top().due <= now; delayed_.pop()) {
    const auto index = delayed_.top().who;
    auto* who = find(index);
    if (!who) continue;
    ++who->depth;
    forget_if_over(index, *who);
  }
}

void live_counts::link_event(const format::record& r) {
  const auto kind = static_cast<record_kind>(r.time_kind & 0xff);
  if (kind < record_kind::node_up || kind > record_kind::clock_offset) return;
  if (r.word1 == 0 || r.word1 > 0xfffe) return;
  auto& peer = links_[static_cast<std::uint16_t>(r.word1)];
  if (kind == record_kind::clock_offset) {
    // Its uncertainty is half the time that the exchange spent on its way.
    peer.round_trip =
        std::chrono::nanoseconds{static_cast<std::int64_t>(std::min(r.word3, ~std::uint64_t{0} >> 2) * 2)};
    return;
  }
  peer.up = kind == record_kind::node_up || kind == record_kind::link_up || kind == record_kind::link_resumed;
  if (!peer.up) peer.round_trip.reset();
}

// -- sums ----------------------------------------------------------------------------

void live_counts::add_types(live_node& into) const {
  for (std::size_t i = 0; i < types_.size(); ++i) {
    if (types_[i].sent == 0 && types_[i].handled == 0) continue;
    auto name = i == 0 ? std::string() : text(static_cast<std::uint32_t>(i));
    auto& sum = into.types[name.empty() ? "(unknown)" : std::move(name)];
    sum.sent += types_[i].sent;
    sum.handled += types_[i].handled;
  }
}

void live_counts::tell_actors(live_node& into, std::vector<live_actor>& deepest,
                              std::size_t actors_max) const {
  into.actors = alive_;
  for (const auto& [index, link] : links_)
    if (index < nodes_.size() && !nodes_[index].empty()) {
      auto& told = into.links[nodes_[index]];
      if (link.up || !told.up) told = {link.up, link.round_trip};
    }
  struct found {
    std::uint64_t depth;
    const actor* who;
  };
  const auto deeper = [](const found& a, const found& b) {
    return a.depth != b.depth ? a.depth > b.depth : a.who->id < b.who->id;
  };
  std::priority_queue<found, std::vector<found>, decltype(deeper)> kept(deeper); // its top is the shallowest
  for (const auto& page : pages_) {
    if (!page) continue;
    for (const auto& each : page->actors) {
      if (!each.known || each.depth <= 0) continue;
      const auto depth = static_cast<std::uint64_t>(each.depth);
      into.mailbox_total += depth;
      kept.push({depth, &each});
      if (kept.size() > actors_max) kept.pop();
    }
  }
  for (; !kept.empty(); kept.pop())
    deepest.push_back({into.name, text(kept.top().who->role), kept.top().who->id, kept.top().depth});
}

} // namespace troupe::trace
