#include "trace/merge/merge.hpp"

#include "base/text.hpp"
#include "trace/merge/merger.hpp"

#include <algorithm>
#include <fmt/format.h>
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

} // namespace troupe::trace
