#include "trace/merge/clock_map.hpp"

#include <algorithm>
#include <map>

namespace troupe::trace {

using format::record_kind;

namespace {

/// Whose trace that is; the number of traces if nobody's. Incarnation 0 means "not told".
std::size_t trace_of(const std::vector<node_trace>& traces, const node_trace::node_entry& who) {
  auto it = std::ranges::find_if(traces, [&](const node_trace& t) {
    return t.info.name == who.name && (who.incarnation == 0 || t.info.incarnation == who.incarnation);
  });
  return static_cast<std::size_t>(it - traces.begin());
}

} // namespace

std::uint64_t clock_map::skew(const node_clock& c, std::uint64_t since_base) {
  auto it = std::ranges::upper_bound(c.skews, since_base, {}, &skew_entry::from);
  return it == c.skews.begin() ? 0 : std::prev(it)->lead;
}

void clock_map::collect_skews(const std::vector<node_trace>& traces) {
  nodes_.resize(traces.size());
  for (std::size_t n = 0; n < traces.size(); ++n) {
    auto& skews = nodes_[n].skews;
    for (auto& r : traces[n].records)
      if (static_cast<record_kind>(r.time_kind & 0xff) == record_kind::skewed)
        skews.push_back({r.time_kind >> 8, r.word2});
    std::ranges::stable_sort(skews, {}, &skew_entry::from);
  }
}

std::vector<clock_map::measured> clock_map::measurements(const std::vector<node_trace>& traces,
                                                         const std::vector<std::size_t>& host_of) {
  std::map<std::pair<std::size_t, std::size_t>, measured> best;
  for (std::size_t n = 0; n < traces.size(); ++n) {
    for (auto& r : traces[n].records) {
      if (static_cast<record_kind>(r.time_kind & 0xff) != record_kind::clock_offset) continue;
      if (r.word1 >= traces[n].nodes.size()) continue;
      auto p = trace_of(traces, traces[n].nodes[r.word1]);
      if (p == traces.size()) continue;
      auto from = host_of[n], to = host_of[p];
      if (from == to) continue;
      auto [it, fresh] = best.try_emplace({from, to}, measured{from, to, r.word2, r.word3});
      if (!fresh && r.word3 < it->second.uncertainty) it->second = {from, to, r.word2, r.word3};
    }
  }
  std::vector<measured> out;
  for (auto& [key, m] : best) {
    out.push_back(m);
    out.push_back({m.to, m.from, 0 - m.offset, m.uncertainty});
  }
  std::ranges::stable_sort(out, {}, &measured::uncertainty);
  return out;
}

std::vector<clock_map::host> clock_map::place_hosts(std::size_t count, const std::vector<measured>& edges) {
  std::vector<host> hosts(count);
  hosts[0].known = true;
  // Few hosts: as long as something is learnt, go over the measurements, best first.
  for (bool learnt = true; learnt;) {
    learnt = false;
    for (auto& e : edges) {
      if (!hosts[e.from].known || hosts[e.to].known) continue;
      auto uncertainty = static_cast<std::int64_t>(std::min<std::uint64_t>(e.uncertainty, INT64_MAX / 4096));
      hosts[e.to] = {hosts[e.from].offset + e.offset, hosts[e.from].uncertainty + uncertainty, true};
      learnt = true;
      break;
    }
  }
  return hosts;
}

clock_map::clock_map(std::vector<node_trace>& traces) {
  collect_skews(traces);
  std::map<std::string, std::size_t> host_numbers;
  std::vector<std::size_t> host_of;
  for (auto& t : traces) {
    auto name = t.info.clock_id.empty() ? "host " + t.info.host : t.info.clock_id;
    host_of.push_back(host_numbers.try_emplace(name, host_numbers.size()).first->second);
  }
  if (traces.empty()) return;
  auto hosts = place_hosts(host_numbers.size(), measurements(traces, host_of));
  // Without a measurement the hybrid clocks are the best there is: they run in step with
  // the most advanced clock, to which the reference was pushed as well.
  std::uint64_t reference_lead = 0;
  for (std::size_t n = 0; n < traces.size(); ++n)
    if (host_of[n] == 0 && !nodes_[n].skews.empty())
      reference_lead = std::max(reference_lead, nodes_[n].skews.back().lead);
  for (std::size_t n = 0; n < traces.size(); ++n) {
    auto& h = hosts[host_of[n]];
    if (!h.known) nodes_[n].skews.clear();
    auto offset = h.known ? h.offset : reference_lead;
    nodes_[n].shift = traces[n].base_mono_ns - offset;
    traces[n].info.clock_offset_ns = static_cast<std::int64_t>(offset);
    traces[n].info.clock_uncertainty_ns = h.known ? h.uncertainty : -1;
  }
  auto start = nodes_[0].shift;
  for (auto& c : nodes_)
    if (static_cast<std::int64_t>(c.shift - start) < 0) start = c.shift;
  for (auto& c : nodes_)
    c.shift -= start;
}

} // namespace troupe::trace
