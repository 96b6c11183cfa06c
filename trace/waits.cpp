#include "trace/waits.hpp"

#include "trace/invariant.hpp"
#include "trace/ledger_view.hpp"
#include "trace/recorder.hpp"
#include "trace/text.hpp"

#include <algorithm>
#include <fmt/format.h>
#include <map>
#include <set>

namespace troupe::trace {
namespace {

struct edge {
  std::uint32_t to = 0;
  row evidence = no_row; ///< event
  std::string why;
};
using wait_graph = std::map<std::uint32_t, std::vector<edge>>;

/// Of the run as it was before the event `end`.
wait_graph build(const model& m, const std::vector<row>& open, row end) {
  wait_graph graph;
  for (auto message : open) {
    auto from = m.messages.sender[message], to = m.messages.receiver[message];
    if (from == 0 || to == 0) continue;
    graph[from].push_back(
        {to, m.messages.sent[message],
         fmt::format("{} waits for {} ({} {})", m.actor_name(from), m.actor_name(to),
                     printable(m.text(m.messages.type[message])), m.message_name(message))});
  }
  for (auto& text : m.invariants) {
    try {
      for (auto& [resource, held] : invariant{text}.held_at(m, end))
        graph[resource].push_back(
            {held.holder, held.granted,
             fmt::format("{} is held by {}", m.actor_name(resource), m.actor_name(held.holder))});
    } catch (const invariant_error&) {
      continue; // told where the invariants are checked
    }
  }
  return graph;
}

/// Depth first without recursion; a way back into what is being walked is a circle.
class circle_search {
 public:
  circle_search(const model& m, const wait_graph& graph, std::vector<finding>& out)
      : m_{m}, graph_{graph}, out_{out} {}

  void from(std::uint32_t start) {
    if (done_.contains(start)) return;
    enter(start);
    while (!path_.empty()) {
      auto& [who, next] = path_.back();
      auto it = graph_.find(who);
      if (it == graph_.end() || next == it->second.size()) {
        on_path_.erase(who);
        done_.insert(who);
        path_.pop_back();
        continue;
      }
      auto to = it->second[next++].to;
      if (on_path_.contains(to))
        report(to);
      else if (!done_.contains(to))
        enter(to);
    }
  }

 private:
  struct step {
    std::uint32_t who;
    std::size_t next;
  };

  void enter(std::uint32_t who) {
    path_.push_back({who, 0});
    on_path_.insert(who);
  }

  void report(std::uint32_t first) {
    finding f{.what = rule::waits_in_circle, .sentence = {}, .events = {}, .messages = {}};
    auto begin = std::ranges::find(path_, first, &step::who);
    std::string sentence;
    for (auto it = begin; it != path_.end(); ++it) {
      auto& e = graph_.at(it->who)[it->next - 1];
      sentence += (sentence.empty() ? "" : ", ") + e.why;
      if (e.evidence == no_row) continue;
      f.events.push_back(e.evidence);
      if (m_.events.message[e.evidence] != no_row) f.messages.push_back(m_.events.message[e.evidence]);
    }
    f.sentence = "deadlock: " + sentence;
    out_.push_back(std::move(f));
  }

  const model& m_;
  const wait_graph& graph_;
  std::vector<finding>& out_;
  std::vector<step> path_;
  std::set<std::uint32_t> on_path_, done_;
};

} // namespace

row told_to_end_at(const model& m) {
  auto it = std::ranges::find(m.events.kind, event_kind::told_to_end);
  return it == m.events.kind.end() ? no_row : static_cast<row>(it - m.events.kind.begin());
}

std::vector<row> open_requests(const model& m, row end) {
  std::vector<bool> answered(m.messages.size());
  auto mark = [&](row response, row cause) {
    if (m.messages.role[response] == static_cast<std::uint8_t>(message_role::response)
        && (end == no_row || m.messages.sent[response] < end))
      answered[cause] = true;
  };
  for (row i = 0; i < m.messages.size(); ++i)
    if (m.messages.cause[i] != no_row) mark(i, m.messages.cause[i]);
  for (auto& [message, cause] : m.more_causes)
    mark(message, cause);
  std::vector<row> out;
  for (row i = 0; i < m.messages.size(); ++i) {
    if (m.messages.role[i] != static_cast<std::uint8_t>(message_role::request) || answered[i]) continue;
    // The answer to somebody who is no actor goes where the trace does not look.
    if (m.messages.sender[i] == 0 || m.messages.sent[i] == no_row || m.messages.sent[i] >= end) continue;
    auto discarded = m.messages.discarded[i];
    if (discarded == no_row || discarded >= end) out.push_back(i);
  }
  return out;
}

void check_waits(const model& m, const std::vector<row>& open, std::vector<finding>& out) {
  // A run that was told to end lets go of what was stuck: the circle was there before.
  auto end = told_to_end_at(m);
  auto graph = build(m, end == no_row ? open : open_requests(m, end), end);
  circle_search search{m, graph, out};
  auto before = out.size();
  for (auto& [who, edges] : graph)
    search.from(who);
  if (out.size() > before) return; // the circles say it
  finding f{
      .what = rule::waits, .how = severity::note, .sentence = {}, .times = 0, .events = {}, .messages = {}};
  for (auto message : open) {
    if (m.messages.receiver[message] == 0) continue;
    if (f.times++ < 3)
      f.sentence +=
          fmt::format("{}{} waits for {} ({} {})", f.times == 1 ? "" : ", ",
                      m.actor_name(m.messages.sender[message]), m.actor_name(m.messages.receiver[message]),
                      printable(m.text(m.messages.type[message])), m.message_name(message));
    f.messages.push_back(message);
    f.events.push_back(m.messages.sent[message]);
  }
  if (f.times == 0) return;
  if (f.times > 3) f.sentence += fmt::format(", and {} more", f.times - 3);
  f.sentence = "at the end " + f.sentence;
  out.push_back(std::move(f));
}

} // namespace troupe::trace
