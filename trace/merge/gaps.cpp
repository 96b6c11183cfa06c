#include "base/durations.hpp"
#include "base/text.hpp"
#include "trace/merge/merger.hpp"

#include <algorithm>
#include <fmt/format.h>

namespace troupe::trace {
namespace {

std::string unfinished_handlers(const model& m, std::uint16_t node) {
  std::string out;
  int told = 0;
  auto& e = m.events;
  // They begin near the end, but a hanging one may have begun long before.
  for (row i = 0; i < e.size(); ++i) {
    if (e.kind[i] != event_kind::unfinished || e.node[i] != node) continue;
    if (++told > 3) return out + ", and others";
    out += fmt::format("{}{} was handling {} ({}) for {}", told == 1 ? "; " : ", ", m.actor_name(e.actor[i]),
                       m.text(e.type[i]), m.message_name(e.message[i]), duration_text(e.value[i]));
  }
  return out;
}

void describe_end(model& m, std::uint16_t n) {
  auto& node = m.nodes[n];
  auto name = m.node_name(n);
  if (!node.closed)
    m.remarks.push_back(
        {true, fmt::format("{} did not close its trace: it was killed, or it is still running; its last "
                           "event is at {}{}",
                           name, time_text(node.last), unfinished_handlers(m, n))});
  auto missed = node.missed == 0 ? std::string{}
                                 : fmt::format("; {} after that are missing", counted(node.missed, "event"));
  switch (static_cast<format::end_reason>(node.ended)) {
  case format::end_reason::none:
    break;
  case format::end_reason::size_limit:
    m.remarks.push_back({true, fmt::format("{} reached the size limit of its trace{}", name, missed)});
    break;
  case format::end_reason::disk_full:
    m.remarks.push_back({true, fmt::format("the disk of {} was full{}", name, missed)});
    break;
  case format::end_reason::io_error:
    m.remarks.push_back({true, fmt::format("{} could not go on writing its trace{}", name, missed)});
    break;
  }
}

/// The messages of a node that left no trace, as far as others recorded them.
struct share {
  std::uint64_t to = 0, from = 0;
};
std::vector<share> shares(const model& m) {
  std::vector<share> out(m.nodes.size());
  for (row i = 0; i < m.messages.size(); ++i) {
    auto sender = m.messages.sender[i], receiver = m.messages.receiver[i];
    ++out[sender == 0 ? m.messages.node[i] : m.actors[sender].node].from;
    if (receiver != 0) ++out[m.actors[receiver].node].to;
  }
  return out;
}

remark describe_unrecorded(const model& m, std::uint16_t n, const share& its) {
  auto name = m.node_name(n);
  if (m.nodes[n].is_missing())
    return {true,
            fmt::format("the trace of {} (incarnation {:016x}) is missing", name, m.nodes[n].incarnation)};
  if (its.to + its.from == 0)
    return {false, fmt::format("{} keeps no trace, and exchanged no message", name)};
  return {false, fmt::format("{} keeps no trace; of what it did, {} to it and {} from it are known", name,
                             counted(its.to, "message"), grouped(its.from))};
}

} // namespace

void describe_gaps(model& m) {
  auto seen = shares(m);
  for (std::uint16_t n = 0; n < m.nodes.size(); ++n) {
    auto& node = m.nodes[n];
    auto name = m.node_name(n);
    if (!node.recorded) {
      m.remarks.push_back(describe_unrecorded(m, n, seen[n]));
      continue;
    }
    describe_end(m, n);
    if (node.sample_one_in > 1)
      m.remarks.push_back(
          {false, fmt::format("{} recorded one causal tree in {}", name, grouped(node.sample_one_in))});
    if (node.clock_id != m.nodes[0].clock_id) {
      if (node.clock_uncertainty_ns < 0)
        m.remarks.push_back(
            {false, fmt::format("the clock of {} on host {} was never compared with that of {}: the order "
                                "of causes and effects is right, times between them are not",
                                name, node.host, m.nodes[0].name)});
      else
        m.remarks.push_back({false, fmt::format("the clock of {} on host {} is {} off that of {}, ±{}", name,
                                                node.host, duration_text(node.clock_offset_ns),
                                                m.nodes[0].name, duration_text(node.clock_uncertainty_ns))});
    }
  }
}

} // namespace troupe::trace
