#include "trace/merge/merge.hpp"

#include "base/text.hpp"
#include "trace/merge/merger.hpp"

#include <algorithm>
#include <fmt/format.h>
#include <queue>
#include <span>
#include <unordered_set>

namespace troupe::trace {

using format::record_kind;

model merge(std::vector<node_trace>&& traces, std::vector<remark> remarks) {
  return merger{std::move(traces), std::move(remarks)}.run();
}

model load(const std::vector<std::filesystem::path>& inputs) {
  std::vector<remark> remarks;
  auto traces = read_traces(inputs, remarks);
  return merge(std::move(traces), std::move(remarks));
}

merger::merger(std::vector<node_trace>&& traces, std::vector<remark> remarks)
    : traces_{std::move(traces)}, clocks_{traces_} {
  out_.remarks = std::move(remarks);
  out_.strings.emplace_back();
  string_numbers_[""] = 0;
  out_.actors.emplace_back();
}

model merger::run() {
  add_nodes();
  add_actors();
  add_open_handlers();
  count_messages();
  order();
  number_actors();
  finish();
  return std::move(out_);
}

void merger::add_nodes() {
  std::uint64_t start_unix = UINT64_MAX;
  for (std::size_t n = 0; n < traces_.size(); ++n) {
    auto& t = traces_[n];
    t.info.began = clocks_.at(n, 0);
    out_.nodes.push_back(t.info);
    start_unix = std::min(start_unix, t.base_unix_ns - static_cast<std::uint64_t>(t.info.began));
  }
  out_.started_unix_ns = start_unix;
  for (auto& t : traces_) {
    auto& tr = translations_.emplace_back();
    for (auto& entry : t.nodes)
      tr.node.push_back(global_node(entry));
  }
  numbers_.resize(out_.nodes.size());
}

std::uint16_t merger::global_node(const node_trace::node_entry& entry) {
  auto same = [&](const node_info& i) {
    return i.name == entry.name && (entry.incarnation == 0 || i.incarnation == entry.incarnation);
  };
  auto it = std::ranges::find_if(out_.nodes, same);
  auto index = static_cast<std::uint16_t>(it - out_.nodes.begin());
  if (it != out_.nodes.end() || out_.nodes.size() >= 0xffff) return index;
  auto& added = out_.nodes.emplace_back();
  added.name = entry.name;
  added.incarnation = entry.incarnation;
  added.clock_uncertainty_ns = -1;
  return index;
}

void merger::add_actors() {
  struct key {
    std::uint16_t node;
    std::uint64_t id;
    bool operator==(const key&) const = default;
  };
  struct hash {
    std::size_t operator()(const key& k) const {
      return std::hash<std::uint64_t>{}((k.id ^ std::uint64_t{k.node} << 48) * 0x9e37'79b9'7f4a'7c15ULL);
    }
  };
  std::unordered_map<key, std::uint32_t, hash> known;
  for (std::size_t n = 0; n < traces_.size(); ++n) {
    auto& map = translations_[n].actor;
    map.assign(traces_[n].actors.size(), 0);
    for (std::size_t i = 1; i < map.size(); ++i) {
      auto& entry = traces_[n].actors[i];
      if (entry.node >= translations_[n].node.size()) continue;
      if (entry.id == 0 && entry.role == 0) continue; // a hole in the table
      auto node = translations_[n].node[entry.node];
      auto [it, fresh] = known.try_emplace({node, entry.id}, static_cast<std::uint32_t>(out_.actors.size()));
      if (fresh) out_.actors.push_back({.node = node, .id = entry.id});
      map[i] = it->second;
      auto& a = out_.actors[it->second];
      // The node that hosts an actor knows its role best.
      if (entry.role != 0 && (a.role == 0 || entry.node == 0)) a.role = string(n, entry.role);
    }
    traces_[n].actors = {};
  }
}

/// A handler that was running at the end becomes an event of its own, unless its thread
/// was stopped between writing that it had run and taking the mark away.
void merger::add_open_handlers() {
  for (auto& t : traces_) {
    // A node that ended in order has ended its handlers; what is left is a message that its
    // actor put back into the mailbox.
    if (t.open.empty() || t.info.closed) continue;
    std::unordered_set<std::uint64_t> open;
    for (auto& h : t.open)
      open.insert(h.message);
    for (auto& r : t.records) {
      auto kind = static_cast<record_kind>(r.time_kind & 0xff);
      if (kind == record_kind::handled || kind == record_kind::dropped || kind == record_kind::dead_lettered)
        open.erase(r.word1);
    }
    for (auto& h : t.open)
      if (open.erase(h.message) == 1)
        t.records.push_back({h.begin << 8 | open_handler_kind, h.message, 0, h.word3});
  }
}

void merger::count_messages() {
  std::uint64_t records = 0;
  for (std::size_t n = 0; n < traces_.size(); ++n) {
    first_record_.push_back(static_cast<std::uint32_t>(records));
    records += traces_[n].records.size();
    if (records >= no_row) throw read_error("more than 4,294,967,294 records in one run cannot be merged");
    auto& nodes = translations_[n].node;
    for (auto& r : traces_[n].records) {
      switch (static_cast<record_kind>(r.time_kind & 0xff)) {
      case record_kind::sent:
      case record_kind::sent_request:
      case record_kind::sent_response:
      case record_kind::delivered:
      case record_kind::handled:
        break;
      default:
        continue;
      }
      message_id id{r.word1};
      if (id.node() < nodes.size()) numbers_[nodes[id.node()]].expect(id.number());
    }
  }
  for (auto& n : numbers_)
    n.prepare();
}

void merger::number_actors() {
  std::vector<std::uint32_t> next(out_.strings.size(), 1);
  auto number = [&](std::uint32_t actor) {
    auto& a = out_.actors[actor];
    if (actor != 0 && a.number == 0) a.number = next[a.role]++;
  };
  auto& e = out_.events;
  for (row i = 0; i < e.size(); ++i) {
    if (e.kind[i] != event_kind::spawned) continue;
    number(e.actor[i]);
  }
  // Then those that nobody was seen to spawn.
  for (std::uint32_t a = 1; a < out_.actors.size(); ++a)
    number(a);
}

void merger::find_parted() {
  auto& e = out_.events;
  for (row i = 0; i < e.size(); ++i) {
    if (e.kind[i] != event_kind::node_down || e.cause[i] >= out_.nodes.size()) continue;
    if (out_.text(static_cast<std::uint32_t>(e.value[i])) == "left") continue;
    auto about = static_cast<std::uint16_t>(e.cause[i]);
    out_.parted.emplace_back(std::min(e.node[i], about), std::max(e.node[i], about));
  }
  std::ranges::sort(out_.parted);
  out_.parted.erase(std::unique(out_.parted.begin(), out_.parted.end()), out_.parted.end());
}

void merger::finish() {
  std::ranges::sort(out_.more_causes);
  out_.more_causes.erase(std::unique(out_.more_causes.begin(), out_.more_causes.end()),
                         out_.more_causes.end());
  std::ranges::sort(out_.delays);
  std::ranges::stable_sort(out_.payloads, {}, &payload_info::message);
  auto& e = out_.events;
  for (row i = 0; i < e.size(); ++i) {
    auto end = e.kind[i] == event_kind::handled ? e.time[i] + e.value[i] : e.time[i];
    auto& node = out_.nodes[e.node[i]];
    node.last = std::max(node.last, end);
    ++node.events;
    out_.end_ = std::max(out_.end_, end);
  }
  for (row i = 0; i < e.size(); ++i)
    if (e.kind[i] == event_kind::unfinished)
      e.value[i] = std::max<run_time>(0, out_.nodes[e.node[i]].last - e.time[i]);
  for (auto& t : traces_)
    out_.remarks.insert(out_.remarks.end(), t.remarks.begin(), t.remarks.end());
  traces_.clear();
  find_parted();
  describe_gaps(out_);
}

// -- order: no cause sorts after its effect -----------------------------------------------------

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

// -- from records to the columns of the model ---------------------------------------------------

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
