#include "trace/merge/ledger_view.hpp"

#include "trace/record/format.hpp"

#include <algorithm>

namespace troupe::trace {
namespace {

constexpr std::string_view shutdown_reason = "shutdown";

bool are_parted(const model& m, std::uint16_t a, std::uint16_t b) {
  return std::ranges::binary_search(m.parted, std::pair{std::min(a, b), std::max(a, b)});
}

/// Its node ended in order and without waiting for it: it kept what it had not handled.
bool was_left_over(const model& m, std::uint32_t actor) {
  auto& who = m.actors[actor];
  return actor != 0 && who.spawned != no_row && who.exited == no_row && m.nodes[who.node].closed;
}

bool ended_early(const node_info& n) {
  return n.ended != static_cast<std::uint32_t>(format::end_reason::none);
}

} // namespace

std::string_view to_string(fate f) {
  constexpr std::string_view names[fate_count] = {"handled", "in_handler", "dropped", "dead_lettered",
                                                  "lost",    "unrecorded", "vanished"};
  return names[static_cast<std::size_t>(f)];
}

fate fate_of(const model& m, row message) {
  auto handled = m.messages.handled[message];
  if (handled != no_row)
    return m.events.kind[handled] == event_kind::unfinished ? fate::in_handler : fate::handled;
  if (auto d = m.messages.discarded[message]; d != no_row)
    return m.events.kind[d] == event_kind::dropped ? fate::dropped : fate::dead_lettered;
  auto& to = m.nodes[m.actors[m.messages.receiver[message]].node];
  bool to_known = m.messages.receiver[message] != 0;
  if (to_known && to.recorded && !to.closed) return fate::lost;
  // The sender's link queue dies with the sender.
  auto& from = m.nodes[m.messages.node[message]];
  if (from.recorded && !from.closed) return fate::lost;
  auto receiver = m.actors[m.messages.receiver[message]].node;
  bool arrived = m.messages.delivered[message] != no_row;
  if (to_known && !arrived && are_parted(m, m.messages.node[message], receiver)) return fate::lost;
  if (to_known && (!to.recorded || ended_early(to))) return fate::unrecorded;
  if (ended_early(from) || !m.complete()) return fate::unrecorded;
  return was_left_over(m, m.messages.receiver[message]) ? fate::dropped : fate::vanished;
}

std::string_view why_discarded(const model& m, row message) {
  auto d = m.messages.discarded[message];
  return d == no_row ? shutdown_reason : m.text(static_cast<std::uint32_t>(m.events.value[d]));
}

ledger_view balance(const model& m) {
  ledger_view out;
  for (row i = 0; i < m.messages.size(); ++i) {
    if (m.messages.sent[i] == no_row) {
      // Ids that are only mentioned as causes are no messages of this trace.
      bool received = m.messages.handled[i] != no_row || m.messages.delivered[i] != no_row
                      || m.messages.discarded[i] != no_row;
      out.unsent += received;
      continue;
    }
    ++out.sent;
    auto f = fate_of(m, i);
    ++out.counts[static_cast<std::size_t>(f)];
    if (f != fate::dropped && f != fate::dead_lettered) continue;
    ++(f == fate::dropped ? out.dropped : out.dead_lettered)[std::string{why_discarded(m, i)}];
  }
  return out;
}

} // namespace troupe::trace
