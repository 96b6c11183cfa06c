#include "cli/watch/metrics_families.hpp"

#include <fmt/format.h>

namespace troupe::cli {
namespace {

using prometheus::ClientMetric;
using prometheus::MetricFamily;
using prometheus::MetricType;
using labels = std::vector<ClientMetric::Label>;

class family {
 public:
  family(std::string name, MetricType type, std::string help)
      : made_{std::move(name), std::move(help), type, {}} {}

  void add(labels where, double value) {
    auto& metric = made_.metric.emplace_back();
    metric.label = std::move(where);
    if (made_.type == MetricType::Counter)
      metric.counter.value = value;
    else
      metric.gauge.value = value;
  }
  void add(labels where, std::uint64_t value) { add(std::move(where), static_cast<double>(value)); }

  void into(std::vector<MetricFamily>& all) {
    if (!made_.metric.empty()) all.push_back(std::move(made_));
  }

 private:
  MetricFamily made_;
};

using families = std::vector<MetricFamily>;

/// By type where every message is in the trace; else the sum, which the books have.
void add_sent(const trace::live_state& live, families& all) {
  family sent("troupe_messages_sent_total", MetricType::Counter,
              "Messages that actors of the node sent; without a type where the trace has not all of them");
  for (const auto& node : live.nodes) {
    if (node.complete())
      for (const auto& [type, counts] : node.types)
        sent.add({{"node", node.name}, {"type", type}}, counts.sent);
    else if (node.books)
      sent.add({{"node", node.name}}, node.books->sent);
  }
  sent.into(all);
}

void add_books(const trace::live_state& live, families& all) {
  family handled("troupe_messages_handled_total", MetricType::Counter,
                 "Messages that actors of the node handled");
  family dropped("troupe_messages_dropped_total", MetricType::Counter,
                 "Messages that were not handled, by reason; they are booked, not lost");
  family dead("troupe_messages_dead_lettered_total", MetricType::Counter,
              "Messages whose receiver had ended, or ended before it handled them");
  family out("troupe_messages_remote_sent_total", MetricType::Counter,
             "Messages handed to a link to another node");
  family in("troupe_messages_remote_received_total", MetricType::Counter, "Messages that came over links");
  for (const auto& node : live.nodes) {
    if (!node.books) continue;
    const labels here{{"node", node.name}};
    handled.add(here, node.books->handled);
    dead.add(here, node.books->dead_lettered);
    out.add(here, node.books->remote_sent);
    in.add(here, node.books->remote_received);
    for (std::size_t i = 0; i < trace::drop_reason_count; ++i)
      dropped.add(
          {{"node", node.name}, {"reason", std::string(to_string(static_cast<trace::drop_reason>(i)))}},
          node.books->dropped[i]);
  }
  for (auto* each : {&handled, &dropped, &dead, &out, &in})
    each->into(all);
}

void add_mailboxes(const trace::live_state& live, families& all) {
  family whole("troupe_mailbox_messages", MetricType::Gauge, "Messages in all mailboxes of the node");
  family depth(
      "troupe_mailbox_depth", MetricType::Gauge,
      fmt::format("Messages in the mailbox of an actor, at most the {} deepest", metrics_actors_max));
  std::map<std::string, bool> complete;
  for (const auto& node : live.nodes) {
    complete[node.name] = node.complete();
    if (node.complete()) whole.add({{"node", node.name}}, node.mailbox_total);
  }
  std::size_t told = 0;
  for (const auto& actor : live.actors)
    if (complete[actor.node] && told++ < metrics_actors_max)
      depth.add({{"node", actor.node}, {"actor", actor.name()}}, actor.depth);
  whole.into(all);
  depth.into(all);
}

void add_nodes(const run_snapshot& now, families& all) {
  family up("troupe_node_up", MetricType::Gauge, "1 while the node is part of the run");
  for (const auto& [name, presence] : now.nodes)
    up.add({{"node", name}}, presence.up ? 1.0 : 0.0);
  up.into(all);
  family complete("troupe_trace_complete", MetricType::Gauge,
                  "1 if every message of the node is in its trace; else types and mailboxes are left out");
  family link_up("troupe_link_up", MetricType::Gauge, "1 while the link to the peer is connected");
  family round_trip("troupe_link_round_trip_seconds", MetricType::Gauge,
                    "Time of the best recent exchange of heartbeats");
  for (const auto& node : now.live.nodes) {
    complete.add({{"node", node.name}}, node.complete() ? 1.0 : 0.0);
    for (const auto& [peer, link] : node.links) {
      link_up.add({{"node", node.name}, {"peer", peer}}, link.up ? 1.0 : 0.0);
      if (link.round_trip)
        round_trip.add({{"node", node.name}, {"peer", peer}},
                       std::chrono::duration<double>(*link.round_trip).count());
    }
  }
  for (auto* each : {&complete, &link_up, &round_trip})
    each->into(all);
}

void add_run(const run_snapshot& now, families& all) {
  family info("troupe_run_info", MetricType::Gauge, "The scenario of the run");
  info.add({{"scenario", now.scenario}}, 1.0);
  info.into(all);
  family done("troupe_progress_done", MetricType::Gauge, "Steps of the scenario that are done");
  done.add({}, now.how_far.done);
  done.into(all);
  if (now.how_far.total == 0) return; // not known
  family goal("troupe_progress_goal", MetricType::Gauge, "Steps of the scenario in all");
  goal.add({}, now.how_far.total);
  goal.into(all);
}

} // namespace

std::vector<MetricFamily> families_of(const run_snapshot& now) {
  families all;
  add_run(now, all);
  add_nodes(now, all);
  add_sent(now.live, all);
  add_books(now.live, all);
  add_mailboxes(now.live, all);
  return all;
}

} // namespace troupe::cli
