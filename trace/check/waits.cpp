#include "trace/check/waits.hpp"

#include "base/text.hpp"
#include "trace/check/invariant.hpp"
#include "trace/merge/ledger_view.hpp"
#include "trace/record/recorder.hpp"

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
    graph[from].push_back({to, m.messages.sent[message],
                           fmt::format("{} waits for {} ({} {})", m.actor_name(from), m.actor_name(to),
                                       m.text(m.messages.type[message]), m.message_name(message))});
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
  circle_search(const model& m, const wait_graph& graph, const std::vector<bool>& free,
                std::vector<finding>& out)
      : m_{m}, graph_{graph}, free_{free}, out_{out} {}

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
    if (std::any_of(begin, path_.end(), [this](const step& s) { return free_[s.who]; })) return;
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
  const std::vector<bool>& free_; ///< by actor: not stuck, whomever it waits for
  std::vector<finding>& out_;
  std::vector<step> path_;
  std::set<std::uint32_t> on_path_, done_;
};

} // namespace

row told_to_end_at(const model& m) {
  auto it = std::ranges::find(m.events.kind, event_kind::told_to_end);
  return it == m.events.kind.end() ? no_row : static_cast<row>(it - m.events.kind.begin());
}

namespace {

bool is_response(const model& m, row message) {
  return m.messages.role[message] == static_cast<std::uint8_t>(message_role::response);
}

/// Marks what the sent responses answer, as far as the trace says so, and returns those of which it
/// does not: the requester tells it when it handles one, and these nobody handled.
std::vector<row> mark_answered(const model& m, row end, std::vector<bool>& answered) {
  std::vector<bool> known(m.messages.size());
  auto mark = [&](row response, row cause) {
    if (!is_response(m, response) || (end != no_row && m.messages.sent[response] >= end)) return;
    answered[cause] = true;
    known[response] = known[response] || m.messages.sender[cause] == m.messages.receiver[response];
  };
  for (row i = 0; i < m.messages.size(); ++i)
    if (m.messages.cause[i] != no_row) mark(i, m.messages.cause[i]);
  for (auto& [message, cause] : m.more_causes)
    mark(message, cause);
  std::vector<row> rest;
  for (row i = 0; i < m.messages.size(); ++i)
    if (is_response(m, i) && !known[i] && m.messages.handled[i] == no_row && m.messages.sent[i] < end)
      rest.push_back(i);
  return rest;
}

/// Each of these responses answers one of its receiver's open requests: the first to its sender, or
/// the first to somebody who let another one answer.
void take_answered(const model& m, const std::vector<row>& responses, std::vector<row>& open) {
  if (responses.empty()) return;
  std::map<std::uint32_t, std::vector<row>> by_sender;
  for (auto request : open)
    by_sender[m.messages.sender[request]].push_back(request);
  std::set<row> taken;
  for (auto response : responses) {
    auto& mine = by_sender[m.messages.receiver[response]];
    auto it = std::ranges::find_if(
        mine, [&](row request) { return m.messages.receiver[request] == m.messages.sender[response]; });
    if (it == mine.end()) it = mine.begin();
    if (it == mine.end()) continue;
    taken.insert(*it);
    mine.erase(it);
  }
  std::erase_if(open, [&](row request) { return taken.contains(request); });
}

/// Another node saw this one go before `end`, or it never ended in order.
bool is_lost(const model& m, std::uint16_t node, row end) {
  if (end == no_row && m.nodes[node].recorded && !m.nodes[node].closed) return true;
  auto& e = m.events;
  for (row i = 0; i < std::min<row>(end, static_cast<row>(e.size())); ++i)
    if (e.kind[i] == event_kind::node_down && e.cause[i] == node
        && m.text(static_cast<std::uint32_t>(e.value[i])) != "left")
      return true;
  return false;
}

/// The runner, or whoever stopped the node, told it to end.
bool was_shut_down(const model& m, std::uint32_t actor) {
  auto exited = m.actors[actor].exited;
  return exited != no_row
         && m.text(static_cast<std::uint32_t>(m.events.value[exited])).find("user_shutdown")
                != std::string_view::npos;
}

} // namespace

std::vector<row> open_requests(const model& m, row end) {
  std::vector<bool> answered(m.messages.size());
  const auto unclear = mark_answered(m, end, answered);
  std::vector<row> out;
  for (row i = 0; i < m.messages.size(); ++i) {
    if (m.messages.role[i] != static_cast<std::uint8_t>(message_role::request) || answered[i]) continue;
    // The answer to somebody who is no actor goes where the trace does not look.
    if (m.messages.sender[i] == 0 || m.messages.sent[i] == no_row || m.messages.sent[i] >= end) continue;
    auto discarded = m.messages.discarded[i];
    if (discarded == no_row || discarded >= end) out.push_back(i);
  }
  take_answered(m, unclear, out);
  return out;
}

bool ended_with_the_run(const model& m, row request) {
  auto told = told_to_end_at(m);
  auto ends = [&](std::uint32_t actor) {
    auto& who = m.actors[actor];
    auto& node = m.nodes[who.node];
    if (node.recorded && !node.closed) return true;
    if (told != no_row && (who.exited == no_row || who.exited > told)) return true;
    return was_shut_down(m, actor);
  };
  auto from = m.messages.sender[request], to = m.messages.receiver[request];
  std::pair between{std::min(m.actors[from].node, m.actors[to].node),
                    std::max(m.actors[from].node, m.actors[to].node)};
  return ends(from) || ends(to) || std::ranges::binary_search(m.parted, between);
}

namespace {

/// Who could still act at `end`, by a message that it was to handle or was handling, or never will.
std::vector<bool> not_stuck(const model& m, row end) {
  std::vector<bool> free(m.actors.size());
  auto& e = m.events;
  // The detector has proved that nobody could.
  bool proved = end != no_row && m.text(e.type[end]) == "deadlock";
  for (row i = 0; i < m.messages.size() && !proved; ++i) {
    if (m.messages.sent[i] == no_row || m.messages.sent[i] >= end) continue;
    auto settled = std::min(m.messages.handled[i], m.messages.discarded[i]);
    bool running = settled != no_row && end != no_row && e.kind[settled] == event_kind::handled
                   && m.handler_end(settled) > e.time[end];
    if (settled == no_row || settled >= end || running) free[m.messages.receiver[i]] = true;
  }
  std::vector<bool> lost(m.nodes.size());
  for (std::uint16_t n = 0; n < m.nodes.size(); ++n)
    lost[n] = is_lost(m, n, end);
  for (std::uint32_t a = 1; a < m.actors.size(); ++a) {
    auto exited = m.actors[a].exited;
    bool gone = exited != no_row && (end == no_row ? !was_shut_down(m, a) : exited < end);
    if (gone || lost[m.actors[a].node]) free[a] = true;
  }
  return free;
}

} // namespace

void check_waits(const model& m, const std::vector<row>& open, std::vector<finding>& out) {
  // A run that was told to end lets go of what was stuck: the circle was there before.
  auto end = told_to_end_at(m);
  auto graph = build(m, end == no_row ? open : open_requests(m, end), end);
  const auto free = not_stuck(m, end);
  circle_search search{m, graph, free, out};
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
                      m.text(m.messages.type[message]), m.message_name(message));
    f.messages.push_back(message);
    f.events.push_back(m.messages.sent[message]);
  }
  if (f.times == 0) return;
  if (f.times > 3) f.sentence += fmt::format(", and {} more", f.times - 3);
  f.sentence = "at the end " + f.sentence;
  out.push_back(std::move(f));
}

} // namespace troupe::trace
