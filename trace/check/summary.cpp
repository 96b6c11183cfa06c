#include "trace/check/summary.hpp"

#include "base/durations.hpp"
#include "base/json_writer.hpp"
#include "base/table.hpp"
#include "base/text.hpp"
#include "trace/check/waits.hpp"

#include <algorithm>
#include <fmt/format.h>

namespace troupe::trace {
namespace {

std::vector<role_summary> summarize_roles(const model& m) {
  // By actor first: that is an index, a role on a node would be a lookup for each message.
  struct tally {
    std::uint64_t sent = 0, handled = 0;
    std::int64_t busy = 0;
  };
  std::vector<tally> actors(m.actors.size());
  auto& e = m.events;
  for (row i = 0; i < e.size(); ++i) {
    auto& a = actors[e.actor[i]];
    if (e.kind[i] == event_kind::sent) ++a.sent;
    if (e.kind[i] != event_kind::handled) continue;
    ++a.handled;
    a.busy += e.value[i];
  }
  std::map<std::pair<std::string, std::string>, role_summary> roles;
  for (std::uint32_t i = 0; i < m.actors.size(); ++i) {
    auto& a = actors[i];
    bool seen = m.actors[i].spawned != no_row || a.sent > 0 || a.handled > 0;
    if (!seen) continue;
    std::string role{m.role_name(i)}, node = i == 0 ? "-" : m.node_name(m.actors[i].node);
    auto& r = roles[{role, node}];
    r.role = role;
    r.node = node;
    r.actors += i != 0;
    r.sent += a.sent;
    r.handled += a.handled;
    r.busy_ns += a.busy;
  }
  std::vector<role_summary> out;
  for (auto& [key, r] : roles)
    out.push_back(std::move(r));
  return out;
}

std::vector<type_summary> summarize_types(const model& m) {
  struct sums {
    type_summary s;
    std::int64_t wait = 0, handling = 0;
    std::uint64_t waits = 0, handlings = 0;
  };
  std::vector<sums> types(m.strings.size());
  for (row i = 0; i < m.messages.size(); ++i) {
    auto& t = types[m.messages.type[i]];
    t.s.sent += m.messages.sent[i] != no_row;
    t.s.discarded += m.messages.discarded[i] != no_row;
    if (auto bytes = m.bytes(i); bytes >= 0) {
      ++t.s.between_nodes;
      t.s.bytes += static_cast<std::uint64_t>(bytes);
    }
    if (auto ns = m.handling_ns(i); ns >= 0) {
      ++t.handlings;
      t.handling += ns;
    }
    if (auto ns = m.wait_ns(i); ns >= 0) {
      ++t.waits;
      t.wait += ns;
    }
  }
  std::vector<type_summary> out;
  for (std::uint32_t i = 0; i < types.size(); ++i) {
    auto& t = types[i];
    t.s.handled = t.handlings;
    if (t.s.sent + t.s.handled + t.s.discarded == 0) continue;
    t.s.type = m.strings[i];
    t.s.handling_ns = t.handlings == 0 ? -1 : t.handling / static_cast<std::int64_t>(t.handlings);
    t.s.wait_ns = t.waits == 0 ? -1 : t.wait / static_cast<std::int64_t>(t.waits);
    out.push_back(std::move(t.s));
  }
  std::ranges::stable_sort(out, std::greater{}, &type_summary::sent);
  return out;
}

std::string reasons_text(const std::map<std::string, std::uint64_t>& reasons) {
  std::string out;
  for (auto& [reason, n] : reasons)
    out += fmt::format("{}{} {}", out.empty() ? "" : ", ", reason.empty() ? "no reason" : reason, grouped(n));
  return out.empty() ? out : fmt::format(" ({})", out);
}

shown_text ledger_text(const ledger_view& l) {
  auto out = say("ledger     sent {} = handled {}", grouped(l.sent), grouped(l.count(fate::handled)));
  out += say(" + dropped {}{}", grouped(l.count(fate::dropped)), reasons_text(l.dropped));
  out += say(" + dead-lettered {}{}", grouped(l.count(fate::dead_lettered)), reasons_text(l.dead_lettered));
  out += say(" + lost {}", grouped(l.count(fate::lost)));
  if (auto n = l.count(fate::in_handler)) out += say(" + in a handler at the end {}", grouped(n));
  if (auto n = l.count(fate::unrecorded)) out += say(" + not recorded {}", grouped(n));
  if (auto n = l.count(fate::vanished)) out += say(" + VANISHED {}", grouped(n));
  out += l.balanced() ? say("\n           it balances\n")
                      : say("\n           it does not balance: see `{}`\n", own_command("trace check"));
  if (l.unsent > 0)
    out += say("           {} received whose send is not in the trace\n", counted(l.unsent, "message"));
  return out;
}

shown_text end_text(const summary_report& s) {
  if (s.told_to_end == no_row) return {};
  auto& e = s.of->events;
  return say("ended      at {}, told to: {}, {}\n", time_text(e.time[s.told_to_end]),
             s.of->text(e.type[s.told_to_end]),
             s.of->text(static_cast<std::uint32_t>(e.value[s.told_to_end])));
}

std::vector<standstill_summary> summarize_standstills(const model& m) {
  std::map<std::uint16_t, standstill_summary> by_node;
  auto& e = m.events;
  for (row i = 0; i < e.size(); ++i) {
    if (e.kind[i] != event_kind::stood_still) continue;
    auto& s = by_node[e.node[i]];
    ++s.times;
    if (e.value[i] <= s.longest_ns) continue;
    s.longest_ns = e.value[i];
    s.longest_until = e.time[i];
  }
  std::vector<standstill_summary> out;
  for (auto& [n, s] : by_node) {
    s.node = m.node_name(n);
    out.push_back(std::move(s));
  }
  return out;
}

shown_text standstills_text(const summary_report& s) {
  shown_text out;
  for (auto& each : s.standstills)
    out += say("paused     {} did not run for {} until {}{}\n", each.node, duration_text(each.longest_ns),
               time_text(each.longest_until),
               each.times == 1 ? "" : fmt::format(", the longest of {} times", each.times));
  return out;
}

shown_text nodes_table(const model& m, int width) {
  using align = table::align;
  table t{{{"node"},
           {"pid", align::right},
           {"host"},
           {"began", align::right},
           {"last event", align::right},
           {"events", align::right},
           {"trace"}}};
  for (std::uint16_t n = 0; n < m.nodes.size(); ++n) {
    auto& node = m.nodes[n];
    if (!node.recorded) {
      t.row({m.node_name(n), "", "", "", "", "", node.keeps_trace ? "missing" : "keeps none"});
      continue;
    }
    auto state = !node.closed ? "not closed" : node.ended != 0 ? "ended early" : "complete";
    t.row({m.node_name(n), std::to_string(node.pid), node.host, time_text(node.began), time_text(node.last),
           grouped(node.events), state});
  }
  return t.render(width);
}

shown_text roles_table(const summary_report& s, int width) {
  using align = table::align;
  table t{{{"role"},
           {"node"},
           {"actors", align::right},
           {"sent", align::right},
           {"handled", align::right},
           {"busy", align::right}}};
  for (auto& r : s.roles)
    t.row({r.role, r.node, r.actors == 0 ? "" : grouped(r.actors), grouped(r.sent), grouped(r.handled),
           r.handled == 0 ? "" : duration_text(r.busy_ns)});
  return t.render(width);
}

shown_text types_table(const summary_report& s, int width) {
  using align = table::align;
  table t{{{"message"},
           {"sent", align::right},
           {"handled", align::right},
           {"discarded", align::right},
           {"between nodes", align::right},
           {"bytes", align::right},
           {"mean wait", align::right},
           {"mean handling", align::right}}};
  for (auto& y : s.types)
    t.row({y.type.empty() ? "?" : y.type, grouped(y.sent), grouped(y.handled),
           y.discarded == 0 ? "" : grouped(y.discarded), y.between_nodes == 0 ? "" : grouped(y.between_nodes),
           y.between_nodes == 0 ? "" : bytes_text(y.bytes), y.wait_ns < 0 ? "" : duration_text(y.wait_ns),
           y.handling_ns < 0 ? "" : duration_text(y.handling_ns)});
  return t.render(width);
}

void json_nodes(json_writer& j, const model& m) {
  j.key("nodes").array();
  for (std::uint16_t n = 0; n < m.nodes.size(); ++n) {
    auto& node = m.nodes[n];
    j.object().member("name", m.node_name(n)).member("incarnation", fmt::format("{:016x}", node.incarnation));
    j.member("recorded", node.recorded).member("missing", node.is_missing());
    if (node.recorded) {
      j.member("pid", node.pid).member("host", node.host).member("closed", node.closed);
      j.member("began_ns", node.began).member("last_ns", node.last);
      j.member("events", node.events)
          .member("missed", node.missed)
          .member("sample_one_in", node.sample_one_in);
      j.member("clock_offset_ns", node.clock_offset_ns).key("clock_uncertainty_ns");
      node.clock_uncertainty_ns < 0 ? j.null() : j.value(node.clock_uncertainty_ns);
    }
    j.end();
  }
  j.end();
}

void json_end(json_writer& j, const summary_report& s) {
  j.key("told_to_end");
  if (s.told_to_end == no_row) {
    j.null();
    return;
  }
  auto& e = s.of->events;
  j.object()
      .member("at_ns", e.time[s.told_to_end])
      .member("verdict", s.of->text(e.type[s.told_to_end]))
      .member("reason", s.of->text(static_cast<std::uint32_t>(e.value[s.told_to_end])))
      .end();
}

void json_standstills(json_writer& j, const summary_report& s) {
  j.key("stood_still").array();
  for (auto& each : s.standstills)
    j.object()
        .member("node", each.node)
        .member("times", each.times)
        .member("longest_ns", each.longest_ns)
        .member("until_ns", each.longest_until)
        .end();
  j.end();
}

void json_reasons(json_writer& j, std::string_view name,
                  const std::map<std::string, std::uint64_t>& reasons) {
  j.key(name).object();
  for (auto& [reason, n] : reasons)
    j.member(reason, n);
  j.end();
}

} // namespace

summary_report summarize(const model& m) {
  summary_report out;
  out.of = &m;
  out.events = m.events.size();
  out.messages = m.messages.size();
  out.length = m.end_of_run();
  out.roles = summarize_roles(m);
  out.types = summarize_types(m);
  out.ledger = balance(m);
  out.standstills = summarize_standstills(m);
  out.told_to_end = told_to_end_at(m);
  return out;
}

shown_text render_remarks(const model& m) {
  auto out = (m.complete() ? say("the trace is complete").in(text_style::green)
                           : say("the trace is not complete").in(text_style::yellow))
             + "\n";
  for (auto& r : m.remarks)
    out += say("  {} {}\n", r.missing ? "!" : "-", r.text);
  return out;
}

shown_text render_text(const summary_report& s, int width) {
  auto& m = *s.of;
  auto out = say("{}\n", render_remarks(m));
  out += say("run        {} over {}, {}, {}\n", duration_text(s.length), counted(m.nodes.size(), "node"),
             counted(s.events, "event"), counted(s.ledger.sent, "message"));
  out += end_text(s) + standstills_text(s) + ledger_text(s.ledger);
  out += say("\n{}\n{}\n{}", nodes_table(m, width), roles_table(s, width), types_table(s, width));
  return out;
}

std::string render_json(const summary_report& s) {
  auto& m = *s.of;
  std::string out;
  json_writer j{out};
  j.object().member("complete", m.complete());
  j.key("remarks").array();
  for (auto& r : m.remarks)
    j.object().member("missing", r.missing).member("text", r.text).end();
  j.end();
  j.member("events", s.events).member("messages", s.ledger.sent).member("length_ns", s.length);
  j.member("started_unix_ns", m.started_unix_ns);
  json_end(j, s);
  json_standstills(j, s);
  json_nodes(j, m);
  j.key("roles").array();
  for (auto& r : s.roles)
    j.object()
        .member("role", r.role)
        .member("node", r.node)
        .member("actors", r.actors)
        .member("sent", r.sent)
        .member("handled", r.handled)
        .member("busy_ns", r.busy_ns)
        .end();
  j.end().key("types").array();
  for (auto& t : s.types) {
    j.object()
        .member("type", t.type)
        .member("sent", t.sent)
        .member("handled", t.handled)
        .member("discarded", t.discarded)
        .member("between_nodes", t.between_nodes)
        .member("bytes", t.bytes);
    j.key("mean_wait_ns");
    t.wait_ns < 0 ? j.null() : j.value(t.wait_ns);
    j.key("mean_handling_ns");
    t.handling_ns < 0 ? j.null() : j.value(t.handling_ns);
    j.end();
  }
  j.end().key("ledger").object().member("sent", s.ledger.sent);
  for (std::size_t f = 0; f < fate_count; ++f)
    j.member(to_string(static_cast<fate>(f)), s.ledger.counts[f]);
  json_reasons(j, "dropped_by_reason", s.ledger.dropped);
  json_reasons(j, "dead_lettered_by_reason", s.ledger.dead_lettered);
  j.member("received_without_send", s.ledger.unsent).member("balanced", s.ledger.balanced()).end();
  j.end();
  return out + "\n";
}

} // namespace troupe::trace
