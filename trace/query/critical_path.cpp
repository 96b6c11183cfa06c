#include "trace/query/critical_path.hpp"

#include "base/durations.hpp"
#include "base/json_writer.hpp"
#include "base/table.hpp"
#include "base/text.hpp"

#include <algorithm>
#include <fmt/format.h>

namespace troupe::trace {
namespace {

bool is_handler(event_kind kind) { return kind == event_kind::handled || kind == event_kind::unfinished; }

/// For each handler the one that the same actor ran before it.
std::vector<row> handlers_before(const model& m) {
  std::vector<row> before(m.events.size(), no_row), last(m.actors.size(), no_row);
  for (row i = 0; i < m.events.size(); ++i) {
    auto who = m.events.actor[i];
    if (who == 0 || !is_handler(m.events.kind[i])) continue;
    before[i] = last[who];
    last[who] = i;
  }
  return before;
}

/// Which handler ended last on a node before a given time.
class ended_handlers {
 public:
  explicit ended_handlers(const model& m) : by_node_(m.nodes.size()) {
    for (row i = 0; i < m.events.size(); ++i)
      if (m.events.kind[i] == event_kind::handled)
        by_node_[m.events.node[i]].emplace_back(m.handler_end(i), i);
    for (auto& all : by_node_)
      std::ranges::sort(all);
  }
  row before(std::uint16_t node, run_time time) const {
    auto& all = by_node_[node];
    auto it = std::ranges::upper_bound(all, std::pair{time, no_row});
    return it == all.begin() ? no_row : std::prev(it)->second;
  }

 private:
  std::vector<std::vector<std::pair<run_time, row>>> by_node_; ///< end, event
};

row last_handler(const model& m, const filter& which) {
  row best = no_row;
  for (row i = 0; i < m.events.size(); ++i)
    if (is_handler(m.events.kind[i]) && which.matches(i)
        && (best == no_row || m.handler_end(i) >= m.handler_end(best)))
      best = i;
  return best;
}

std::string reason(const path_hop& h) {
  if (h.behind) return "the actor was busy until then";
  if (h.bridged) return fmt::format("sent from outside, {} after that", duration_text(h.outside_ns));
  // An actor that the hop before spawned sent it when it began.
  if (h.outside_ns > 0) return fmt::format("sent by a new actor, {} after that", duration_text(h.outside_ns));
  return "the message came then";
}

std::string percent(std::int64_t part, std::int64_t whole) {
  return whole <= 0 ? ""
                    : fmt::format("{:.0f} %", 100.0 * static_cast<double>(part) / static_cast<double>(whole));
}

} // namespace

path_report find_critical_path(const model& m, const filter& which) {
  path_report out;
  out.of = &m;
  auto at = last_handler(m, which);
  if (at == no_row) return out;
  auto before = handlers_before(m);
  ended_handlers ended{m};
  out.to = m.handler_end(at);
  auto until = out.to; // the path leaves the handler `at` here
  for (std::vector<bool> seen(m.events.size()); at != no_row && !seen[at];) {
    seen[at] = true;
    auto& hop = out.hops.emplace_back();
    hop.handler = at;
    hop.message = m.events.message[at];
    auto begin = m.events.time[at];
    hop.handling_ns = std::max<std::int64_t>(0, until - begin);
    auto [arrived, arrival] = m.arrival(hop.message);
    auto previous = before[at];
    auto free = previous == no_row ? begin : m.handler_end(previous);
    // The actor was busy when the message came: the hop before is what it was busy with.
    if (previous != no_row && free <= begin && (arrived == no_row || free > arrival)) {
      hop.behind = true;
      hop.wait_ns = begin - free;
      at = previous;
      until = free;
      continue;
    }
    auto sent = m.messages.sent[hop.message];
    if (sent == no_row) break;
    hop.delay_ns = std::min(m.delay_ns(hop.message), begin - m.events.time[sent]);
    hop.network_ns = std::max<std::int64_t>(0, m.network_ns(hop.message));
    hop.wait_ns = std::max<std::int64_t>(0, begin - m.events.time[sent] - hop.delay_ns - hop.network_ns);
    until = m.events.time[sent];
    auto cause = m.messages.cause[hop.message];
    at = cause == no_row ? no_row : m.messages.handled[cause];
    out.from = until;
    if (cause == no_row && m.messages.sender[hop.message] == 0) {
      at = ended.before(m.events.node[sent], until);
      hop.bridged = at != no_row && !seen[at];
      if (!hop.bridged) break;
    }
    if (at != no_row && m.events.kind[at] == event_kind::handled && m.handler_end(at) < until) {
      hop.outside_ns = until - m.handler_end(at);
      until = m.handler_end(at);
    }
  }
  std::ranges::reverse(out.hops);
  auto& first = out.hops.front();
  if (m.messages.sent[first.message] == no_row || first.behind) out.from = m.events.time[first.handler];
  for (auto& h : out.hops) {
    out.network_ns += h.network_ns;
    out.delay_ns += h.delay_ns;
    out.wait_ns += h.wait_ns;
    out.handling_ns += h.handling_ns;
    out.outside_ns += h.outside_ns;
  }
  return out;
}

shown_text render_text(const path_report& p, int width) {
  auto& m = *p.of;
  if (p.hops.empty()) return say("no handler matches: there is no path\n");
  auto length = p.to - p.from;
  auto out = say("critical path: {} of {}, {}\n", duration_text(length), duration_text(m.end_of_run()),
                 counted(p.hops.size(), "handler"));
  out += say("  handling {} {}, mailbox {} {}, network {} {}, timers {} {}, outside {} {}\n\n",
             duration_text(p.handling_ns), percent(p.handling_ns, length), duration_text(p.wait_ns),
             percent(p.wait_ns, length), duration_text(p.network_ns), percent(p.network_ns, length),
             duration_text(p.delay_ns), percent(p.delay_ns, length), duration_text(p.outside_ns),
             percent(p.outside_ns, length));
  using align = table::align;
  table t{{{"begin", align::right},
           {"node"},
           {"actor"},
           {"message"},
           {"", align::left},
           {"network", align::right},
           {"timer", align::right},
           {"wait", align::right},
           {"handling", align::right},
           {"because"}}};
  auto some = [](std::int64_t ns) { return ns == 0 ? std::string{} : duration_text(ns); };
  for (auto& h : p.hops) {
    auto i = h.handler;
    t.row({time_text(m.events.time[i]), m.node_name(m.events.node[i]), m.actor_name(m.events.actor[i]),
           std::string{m.text(m.messages.type[h.message])}, m.message_name(h.message), some(h.network_ns),
           some(h.delay_ns), duration_text(h.wait_ns), duration_text(h.handling_ns), reason(h)});
  }
  return out + t.render(width);
}

std::string render_json(const path_report& p) {
  auto& m = *p.of;
  std::string out;
  json_writer j{out};
  j.object().member("from_ns", p.from).member("to_ns", p.to).member("run_ns", m.end_of_run());
  j.member("handling_ns", p.handling_ns).member("wait_ns", p.wait_ns).member("network_ns", p.network_ns);
  j.member("timer_ns", p.delay_ns).member("outside_ns", p.outside_ns).key("hops").array();
  for (auto& h : p.hops) {
    auto i = h.handler;
    j.object().member("begin_ns", m.events.time[i]).member("node", m.node_name(m.events.node[i]));
    j.member("actor", m.actor_name(m.events.actor[i])).member("message", m.message_name(h.message));
    j.member("type", m.text(m.messages.type[h.message])).member("network_ns", h.network_ns);
    j.member("timer_ns", h.delay_ns).member("wait_ns", h.wait_ns).member("handling_ns", h.handling_ns);
    j.member("outside_ns", h.outside_ns);
    j.member("waited_for", h.behind ? "actor" : h.bridged ? "outside" : "message").end();
  }
  j.end().end();
  return out + "\n";
}

} // namespace troupe::trace
