#include "trace/query/stats.hpp"

#include <algorithm>
#include <functional>

// The numbers; stats_text.cpp shows them.

namespace troupe::trace {
namespace {

/// What is known of one handled message, and to whom it counts.
struct sample {
  row message;
  std::uint32_t group;
};

/// One group at a time, so that only its values are in memory.
std::vector<stats_row> rows_by(const model& m, std::vector<sample> samples,
                               const std::function<std::string(std::uint32_t)>& name) {
  std::ranges::stable_sort(samples, {}, &sample::group);
  std::vector<stats_row> out;
  std::vector<std::int64_t> network, wait, handling;
  for (std::size_t at = 0; at < samples.size();) {
    auto& r = out.emplace_back();
    auto group = samples[at].group;
    r.name = name(group);
    network.clear(), wait.clear(), handling.clear();
    run_time first = INT64_MAX, last = INT64_MIN;
    for (; at < samples.size() && samples[at].group == group; ++at) {
      auto message = samples[at].message;
      ++r.messages;
      if (auto ns = m.network_ns(message); ns >= 0) network.push_back(ns);
      if (auto ns = m.wait_ns(message); ns >= 0) wait.push_back(ns);
      if (auto ns = m.handling_ns(message); ns >= 0) {
        handling.push_back(ns);
        r.busy_ns += ns;
      }
      auto begin = m.events.time[m.messages.handled[message]];
      first = std::min(first, begin);
      last = std::max(last, begin);
    }
    r.network = distribution_of(network);
    r.wait = distribution_of(wait);
    r.handling = distribution_of(handling);
    if (last > first)
      r.per_second = static_cast<double>(r.messages - 1) * 1e9 / static_cast<double>(last - first);
  }
  std::ranges::stable_sort(out, [](const stats_row& a, const stats_row& b) { return a.busy_ns > b.busy_ns; });
  return out;
}

/// How many messages lie in an actor's mailbox, from arrivals and begins of handlers.
struct mailbox {
  std::int64_t depth = 0;
  run_time since = 0;
  double area = 0;
  mailbox_row out;

  void change(run_time now, int by, std::size_t bucket) {
    area += static_cast<double>(depth) * static_cast<double>(std::max<run_time>(0, now - since));
    since = now;
    depth = std::max<std::int64_t>(0, depth + by);
    auto d = static_cast<std::uint64_t>(depth);
    if (d > out.deepest) {
      out.deepest = d;
      out.deepest_at = now;
    }
    if (out.depth.empty()) out.depth.assign(mailbox_buckets, 0);
    out.depth[bucket] =
        std::max(out.depth[bucket], static_cast<std::uint32_t>(std::min<std::uint64_t>(d, UINT32_MAX)));
  }
};

std::vector<mailbox_row> mailboxes(const model& m) {
  std::vector<mailbox> boxes(m.actors.size());
  auto length = std::max<run_time>(1, m.end_of_run());
  auto bucket = [&](run_time t) {
    auto clipped = std::clamp<run_time>(t, 0, length - 1);
    return static_cast<std::size_t>(static_cast<double>(clipped) / static_cast<double>(length)
                                    * mailbox_buckets);
  };
  auto& e = m.events;
  for (row i = 0; i < e.size(); ++i) {
    auto message = e.message[i];
    if (message == no_row || m.messages.delayed[message]) continue; // a timer's message is in no mailbox yet
    auto arrived = m.arrival(message).first;
    auto receiver = m.messages.receiver[message];
    if (arrived == no_row || receiver == 0) continue;
    if (arrived == i)
      boxes[receiver].change(e.time[i], +1, std::min(bucket(e.time[i]), mailbox_buckets - 1));
    else if (m.messages.handled[message] == i
             || (m.messages.handled[message] == no_row && m.messages.discarded[message] == i))
      boxes[receiver].change(e.time[i], -1, std::min(bucket(e.time[i]), mailbox_buckets - 1));
  }
  std::vector<mailbox_row> out;
  for (std::uint32_t a = 1; a < boxes.size(); ++a) {
    auto& b = boxes[a];
    if (b.out.deepest < 2) continue;
    b.change(length, 0, mailbox_buckets - 1);
    b.out.actor = a;
    b.out.mean = b.area / static_cast<double>(length);
    out.push_back(std::move(b.out));
  }
  std::ranges::stable_sort(out, std::greater{}, &mailbox_row::deepest);
  return out;
}

} // namespace

distribution distribution_of(std::vector<std::int64_t>& values) {
  distribution out;
  out.count = values.size();
  if (values.empty()) return out;
  auto at = [&](unsigned percent) {
    // The rank of the nearest value: ceil(n * p), from 1.
    auto rank = (values.size() * percent + 99) / 100;
    auto it = values.begin() + static_cast<std::ptrdiff_t>(std::max<std::size_t>(rank, 1) - 1);
    std::nth_element(values.begin(), it, values.end());
    return *it;
  };
  out.p50 = at(50);
  out.p95 = at(95);
  out.p99 = at(99);
  out.max = *std::max_element(values.begin(), values.end());
  return out;
}

stats_report compute_stats(const model& m, const filter& f) {
  stats_report out;
  out.of = &m;
  std::vector<row> handled;
  for (row i = 0; i < m.messages.size(); ++i) {
    auto h = m.messages.handled[i];
    if (h != no_row && m.events.kind[h] == event_kind::handled && f.matches(h)) handled.push_back(i);
  }
  auto by = [&](auto&& group, auto&& name) {
    std::vector<sample> samples;
    samples.reserve(handled.size());
    for (auto message : handled)
      samples.push_back({message, static_cast<std::uint32_t>(group(message))});
    return rows_by(m, std::move(samples), name);
  };
  auto who = [&](row message) { return m.events.actor[m.messages.handled[message]]; };
  out.actors = by(who, [&](std::uint32_t a) { return m.actor_name(a); });
  out.roles = by([&](row i) { return who(i) == 0 ? UINT32_MAX : m.actors[who(i)].role; },
                 [&](std::uint32_t r) -> std::string {
                   if (r == UINT32_MAX) return "outside";
                   return r == 0 ? "actor" : std::string{m.text(r)};
                 });
  out.nodes = by([&](row i) { return m.events.node[m.messages.handled[i]]; },
                 [&](std::uint32_t n) { return m.node_name(static_cast<std::uint16_t>(n)); });
  out.types =
      by([&](row i) { return m.messages.type[i]; }, [&](std::uint32_t t) { return std::string{m.text(t)}; });
  out.mailboxes = mailboxes(m);
  return out;
}

} // namespace troupe::trace
