#include "base/text.hpp"
#include "trace/merge/merger.hpp"

#include <algorithm>
#include <fmt/format.h>
#include <queue>
#include <span>

// In which order the events of all nodes come, so that no cause sorts after its effect.

namespace troupe::trace {

using format::record_kind;

namespace {

/// Among events of the same nanosecond: an actor is there before it acts, a handler has
/// begun before it sends, and nothing follows the end.
unsigned rank(std::uint64_t kind) {
  switch (static_cast<record_kind>(kind)) {
  case record_kind::spawned:
    return 0;
  case record_kind::handled:
    return 1;
  case record_kind::exited:
    return 3;
  default:
    return kind == 100 ? 1 : 2;
  }
}

/// Times as they are kept in a sort key: unsigned, room for the rank below.
constexpr run_time time_max = std::int64_t{1} << 60;
std::uint64_t to_key(run_time time, unsigned rank) {
  auto clipped = std::clamp(time, -time_max, time_max);
  return static_cast<std::uint64_t>(clipped + time_max) << 2 | rank;
}
run_time to_time(std::uint64_t key) { return static_cast<run_time>(key >> 2) - time_max; }

/// What must come before what: an effect after its cause, and an actor's own events in
/// the order in which its node saw them. Edges by the position of their start.
class causal_graph {
 public:
  explicit causal_graph(std::size_t events) : first_(events + 1), waits_for_(events) {}

  void edge(std::uint32_t from, std::uint32_t to) {
    if (from == no_row || from == to) return;
    edges_.emplace_back(from, to);
  }
  void build() {
    for (auto& [from, to] : edges_) {
      ++first_[from + 1];
      ++waits_for_[to];
    }
    for (std::size_t i = 1; i < first_.size(); ++i)
      first_[i] += first_[i - 1];
    to_.resize(edges_.size());
    auto next = first_;
    for (auto& [from, to] : edges_)
      to_[next[from]++] = to;
    edges_ = {};
  }
  std::span<const std::uint32_t> effects(std::uint32_t of) const {
    return {to_.data() + first_[of], to_.data() + first_[of + 1]};
  }
  std::uint32_t& waits_for(std::uint32_t event) { return waits_for_[event]; }

 private:
  std::vector<std::pair<std::uint32_t, std::uint32_t>> edges_;
  std::vector<std::uint32_t> first_, to_, waits_for_;
};

/// The events again, earliest first among those whose causes are all out; an event that
/// claims to be earlier than its cause gets the time right after it. Where the graph has
/// a cycle, which no honest trace has, the earliest event left is let out.
std::vector<sort_entry> sequence(causal_graph& graph, const std::vector<sort_entry>& events,
                                 std::uint64_t& moved) {
  using waiting = std::pair<std::uint64_t, std::uint32_t>; // key, position
  std::priority_queue<waiting, std::vector<waiting>, std::greater<>> ready;
  std::vector<std::uint64_t> key(events.size());
  std::vector<bool> out(events.size());
  for (std::uint32_t i = 0; i < events.size(); ++i) {
    key[i] = events[i].key;
    if (graph.waits_for(i) == 0) ready.emplace(key[i], i);
  }
  std::vector<sort_entry> result;
  result.reserve(events.size());
  for (std::uint32_t left = 0; result.size() < events.size();) {
    if (ready.empty()) {
      while (out[left])
        ++left;
      ready.emplace(key[left], left);
    }
    auto [k, i] = ready.top();
    ready.pop();
    if (out[i]) continue;
    out[i] = true;
    moved += k != events[i].key;
    result.push_back({k, events[i].what});
    for (auto effect : graph.effects(i)) {
      // One nanosecond later, unless the effect is later anyway; its rank stays.
      if (key[effect] <= k) key[effect] = to_key(to_time(k) + 1, static_cast<unsigned>(key[effect] & 3));
      if (--graph.waits_for(effect) == 0 && !out[effect]) ready.emplace(key[effect], effect);
    }
  }
  return result;
}

bool is_send(std::uint64_t kind) {
  return kind >= static_cast<std::uint64_t>(record_kind::sent)
         && kind <= static_cast<std::uint64_t>(record_kind::sent_response);
}

} // namespace

void merger::plan_order() {
  order_.reserve(first_record_.empty() ? 0 : first_record_.back() + traces_.back().records.size());
  for (std::size_t n = 0; n < traces_.size(); ++n) {
    auto& records = traces_[n].records;
    for (std::size_t i = 0; i < records.size(); ++i) {
      auto kind = records[i].time_kind & 0xff;
      auto time = clocks_.at(n, records[i].time_kind >> 8);
      order_.push_back({to_key(time, rank(kind)), static_cast<std::uint32_t>(first_record_[n] + i)});
    }
  }
  radix_sort(order_);
}

std::size_t merger::trace_of(std::uint32_t record) const {
  return static_cast<std::size_t>(std::ranges::upper_bound(first_record_, record) - first_record_.begin())
         - 1;
}

void merger::emit_all() {
  auto& e = out_.events;
  auto reserve = [&](auto&... columns) { (columns.reserve(order_.size()), ...); };
  reserve(e.time, e.value, e.actor, e.peer, e.type, e.message, e.cause, e.node, e.kind);
  std::size_t n = 0;
  for (auto& entry : order_) {
    if (entry.what < first_record_[n] || (n + 1 < first_record_.size() && entry.what >= first_record_[n + 1]))
      n = trace_of(entry.what);
    emit(n, entry.what - first_record_[n], to_time(entry.key));
  }
}

void merger::order() {
  plan_order();
  emit_all();
  if (out_of_order_ > 0) restore_causality();
  order_ = {};
}

void merger::restore_causality() {
  causal_graph graph{order_.size()};
  std::vector<std::uint32_t> sent(out_.messages.size(), no_row), begun(out_.messages.size(), no_row);
  auto record = [&](std::size_t n, std::uint32_t i) -> const format::record& {
    return traces_[n].records[order_[i].what - first_record_[n]];
  };
  auto is_begin = [](std::uint64_t kind) {
    return kind == static_cast<std::uint64_t>(record_kind::handled) || kind == open_handler_kind;
  };
  for (std::uint32_t i = 0; i < order_.size(); ++i) {
    auto n = trace_of(order_[i].what);
    auto& r = record(n, i);
    auto kind = r.time_kind & 0xff;
    if (!is_send(kind) && !is_begin(kind)) continue;
    auto message = message_row(n, r.word1);
    if (message == no_row) continue;
    auto& at = is_send(kind) ? sent[message] : begun[message];
    if (at == no_row) at = i;
  }
  std::vector<std::vector<std::uint32_t>> last(traces_.size()); // of each actor, by the node's own index
  for (std::uint32_t i = 0; i < order_.size(); ++i) {
    auto n = trace_of(order_[i].what);
    auto& r = record(n, i);
    auto kind = r.time_kind & 0xff;
    bool about_message = is_send(kind) || is_begin(kind)
                         || kind == static_cast<std::uint64_t>(record_kind::delivered)
                         || kind == static_cast<std::uint64_t>(record_kind::dropped)
                         || kind == static_cast<std::uint64_t>(record_kind::dead_lettered);
    bool spawned = kind == static_cast<std::uint64_t>(record_kind::spawned);
    if (!about_message && !spawned && kind != static_cast<std::uint64_t>(record_kind::exited)) continue;
    if (auto who = format::actor_of(r.word3); who != 0 && who < translations_[n].actor.size()) {
      if (last[n].empty()) last[n].assign(translations_[n].actor.size(), no_row);
      graph.edge(last[n][who], i);
      last[n][who] = i;
    }
    if (about_message && !is_send(kind))
      if (auto message = message_row(n, r.word1); message != no_row) graph.edge(sent[message], i);
    if (auto cause = is_send(kind) ? r.word2 : spawned ? r.word1 : 0; cause != 0)
      if (auto message = message_row(n, cause); message != no_row) graph.edge(begun[message], i);
  }
  graph.build();
  std::uint64_t moved = 0;
  order_ = sequence(graph, order_, moved);
  emit_again(moved);
}

void merger::emit_again(std::uint64_t moved) {
  out_.events = {};
  out_.messages = {};
  out_.more_causes.clear();
  out_.notes.clear();
  out_.delays.clear();
  out_.payloads.clear();
  out_.payload_bytes.clear();
  for (auto& a : out_.actors)
    a.spawned = a.exited = no_row;
  for (auto& n : numbers_)
    n.forget();
  causing_.clear();
  out_of_order_ = 0;
  emit_all();
  if (moved > 0)
    out_.remarks.push_back({false, fmt::format("{} claimed to be earlier than the cause and moved behind it",
                                               counted(moved, "event"))});
  if (out_of_order_ > 0)
    out_.remarks.push_back(
        {true, fmt::format("{} still come before their causes: the trace contradicts itself",
                           counted(out_of_order_, "event"))});
}

} // namespace troupe::trace
