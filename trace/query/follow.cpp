#include "trace/query/follow.hpp"

#include "base/durations.hpp"
#include "base/json_writer.hpp"
#include "base/text.hpp"
#include "trace/merge/ledger_view.hpp"

#include <algorithm>
#include <fmt/format.h>
#include <unordered_map>

namespace troupe::trace {
namespace {

std::vector<row> without(std::vector<row> causes, row one) {
  std::erase(causes, one);
  return causes;
}

/// The message's first cause; none where a damaged trace would lead in a circle.
row first_cause(const model& m, row message) {
  auto& r = m.messages;
  auto cause = r.cause[message];
  if (cause == no_row || r.sent[cause] == no_row) return cause;
  return r.sent[cause] < r.sent[message] ? cause : no_row;
}

std::vector<row> chain_to(const model& m, row message) {
  std::vector<row> chain;
  for (auto c = message; c != no_row; c = first_cause(m, c))
    chain.push_back(c);
  std::reverse(chain.begin(), chain.end());
  return chain;
}

/// All that a message waited for: its causes and theirs, back to those that have none. Hung below
/// their first causes they are trees; in the last one, the last branch is the chain to the message.
class ancestry {
 public:
  ancestry(const model& m, row message) : m_(m), chain_(chain_to(m, message)), found_(m.messages.size()) {
    for (auto c : chain_)
      place_[c] = 0; // besides, so that the chain is always kept
    nearest_first_.push_back(message);
    found_[message] = true;
    for (std::size_t i = 0; i < nearest_first_.size(); ++i)
      for (auto c : m.causes(nearest_first_[i])) {
        if (found_[c]) continue;
        found_[c] = true;
        nearest_first_.push_back(c);
        place_.try_emplace(c, nearest_first_.size());
      }
  }

  /// In the order in which they are shown; of those outside of the chain the `limit` nearest, 0: all.
  std::vector<hop> hops(std::uint64_t limit, std::uint64_t& left_out) const {
    std::unordered_map<row, std::vector<row>> below;
    for (auto x : nearest_first_)
      below[first_cause(m_, x)].push_back(x);
    for (auto& [above, list] : below)
      std::ranges::sort(list, {}, [&](row x) { return std::pair{place_.at(x) == 0, m_.messages.sent[x]}; });
    const auto farthest = farthest_kept(limit);
    std::vector<hop> out;
    std::vector<std::pair<row, std::uint32_t>> stack;
    const auto push = [&](row above, std::uint32_t depth) {
      auto found = below.find(above);
      if (found == below.end()) return;
      for (auto x = found->second.rbegin(); x != found->second.rend(); ++x)
        stack.emplace_back(*x, depth);
    };
    push(no_row, 0);
    while (!stack.empty()) {
      const auto [x, depth] = stack.back();
      stack.pop_back();
      push(x, depth + 1);
      const auto place = place_.at(x);
      if (place > farthest)
        ++left_out;
      else
        out.push_back(
            {x, depth, x == chain_.back(), false, place != 0, without(m_.causes(x), first_cause(m_, x))});
    }
    return out;
  }

  const std::vector<bool>& found() const { return found_; }
  /// Of what the message caused.
  std::uint32_t depth_below() const { return static_cast<std::uint32_t>(chain_.size()); }

 private:
  /// The highest place that is shown.
  std::size_t farthest_kept(std::uint64_t limit) const {
    if (limit == 0) return nearest_first_.size();
    std::vector<std::size_t> places;
    for (auto x : nearest_first_)
      if (auto place = place_.at(x); place != 0) places.push_back(place);
    return places.size() <= limit ? nearest_first_.size() : places[limit - 1];
  }

  const model& m_;
  std::vector<row> chain_; ///< of first causes, from the root to the message
  std::vector<bool> found_;
  std::vector<row> nearest_first_;
  std::unordered_map<row, std::size_t> place_; ///< from 1 in that list; 0: in the chain
};

run_time end_of(const model& m, row message) {
  auto& r = m.messages;
  if (r.handled[message] != no_row) return m.handler_end(r.handled[message]);
  if (r.discarded[message] != no_row) return m.events.time[r.discarded[message]];
  return r.sent[message] != no_row ? m.events.time[r.sent[message]] : 0;
}

std::string discarded_text(const model& m, row message) {
  auto d = m.messages.discarded[message];
  auto reason = m.text(static_cast<std::uint32_t>(m.events.value[d]));
  return fmt::format("{}: {}", m.events.kind[d] == event_kind::dropped ? "dropped" : "a dead letter", reason);
}

/// A pool that joins has one cause a task.
constexpr std::size_t names_max = 10;

std::string names(const model& m, const std::vector<row>& messages) {
  std::string out;
  for (std::size_t i = 0; i < std::min(messages.size(), names_max); ++i)
    out += (i == 0 ? "" : ", ") + m.message_name(messages[i]);
  if (messages.size() > names_max) out += fmt::format(" and {} more", grouped(messages.size() - names_max));
  return out;
}

void json_time(json_writer& j, std::string_view name, std::int64_t ns) {
  j.key(name);
  ns < 0 ? j.null() : j.value(ns);
}

} // namespace

follow_report follow_message(const model& m, row message, std::uint64_t limit) {
  follow_report out;
  out.of = &m;
  out.message = message;
  const ancestry before{m, message};
  out.hops = before.hops(limit, out.causes_left_out);
  const auto causes_shown = out.hops.size();
  effects_index effects{m};
  auto seen = before.found();
  struct pending {
    row message, above;
    std::uint32_t depth;
  };
  std::vector<pending> stack;
  auto push = [&](row of, std::uint32_t depth) {
    auto list = effects.of(of);
    for (auto it = list.rbegin(); it != list.rend(); ++it)
      stack.push_back({*it, of, depth});
  };
  push(message, before.depth_below());
  out.to = end_of(m, message);
  while (!stack.empty()) {
    auto next = stack.back();
    stack.pop_back();
    bool again = seen[next.message];
    seen[next.message] = true;
    if (!again) {
      ++out.effects;
      out.to = std::max(out.to, end_of(m, next.message));
      push(next.message, next.depth + 1);
    }
    if (limit != 0 && out.hops.size() >= causes_shown + limit)
      out.left_out += !again;
    else
      out.hops.push_back(
          {next.message, next.depth, false, again, false, without(m.causes(next.message), next.above)});
  }
  out.from = out.to;
  for (row i = 0; i < m.messages.size(); ++i)
    if (before.found()[i] && m.messages.sent[i] != no_row)
      out.from = std::min(out.from, m.events.time[m.messages.sent[i]]);
  return out;
}

std::string hop_times(const model& m, row message) {
  std::vector<std::string> parts;
  if (auto ns = m.network_ns(message); ns >= 0) parts.push_back(duration_text(ns) + " on the way");
  if (auto ns = m.delay_ns(message); ns > 0) parts.push_back("held by a timer for " + duration_text(ns));
  if (auto ns = m.wait_ns(message); ns >= 0) parts.push_back("waited " + duration_text(ns));
  auto handled = m.messages.handled[message];
  if (m.messages.discarded[message] != no_row && handled == no_row)
    parts.push_back(discarded_text(m, message));
  else if (handled == no_row)
    parts.push_back("not handled: " + std::string{to_string(fate_of(m, message))});
  else if (m.events.kind[handled] == event_kind::unfinished)
    parts.push_back("its handler never ended");
  else
    parts.push_back("handled in " + duration_text(m.events.value[handled]));
  return fmt::format("{}", fmt::join(parts, ", "));
}

shown_text render_text(const follow_report& f, int width) {
  auto& m = *f.of;
  shown_text out;
  for (auto& h : f.hops) {
    // Very deep trees stay readable: the depth is told where the indentation ends.
    auto indent = std::string(2 * std::min<std::size_t>(h.depth, 30), ' ');
    if (h.depth > 30) indent += fmt::format("[{}] ", h.depth);
    auto sent = m.messages.sent[h.message];
    auto line = fmt::format(
        "{:>14}  {}{} {} {}  {} → {}", sent == no_row ? "?" : time_text(m.events.time[sent]), indent,
        h.asked    ? "▶"
        : h.seen   ? "↑"
        : h.joined ? "+"
                   : "·",
        m.message_name(h.message), m.text(m.messages.type[h.message]),
        m.actor_name(m.messages.sender[h.message]), m.actor_name(m.messages.receiver[h.message]));
    if (h.seen)
      line += "  (shown above)";
    else
      line += "  " + hop_times(m, h.message);
    if (!h.other_causes.empty()) line += fmt::format("  also because of {}", names(m, h.other_causes));
    out += shown_text{line}.cut(width).in(h.asked ? text_style::bold : text_style::plain) + "\n";
  }
  if (f.causes_left_out > 0) out += say("{} more\n", counted(f.causes_left_out, "cause"));
  if (f.left_out > 0) out += say("{} more\n", counted(f.left_out, "effect"));
  out += say("\n{} after {}; {} from the first send to the last handler's end\n",
             counted(f.effects, "effect"), m.message_name(f.message), duration_text(f.to - f.from));
  return out;
}

std::string render_json(const follow_report& f) {
  auto& m = *f.of;
  std::string out;
  json_writer j{out};
  j.object()
      .member("message", m.message_name(f.message))
      .member("effects", f.effects)
      .member("left_out", f.left_out)
      .member("causes_left_out", f.causes_left_out);
  j.member("from_ns", f.from).member("to_ns", f.to).key("hops").array();
  for (auto& h : f.hops) {
    j.object().member("message", m.message_name(h.message)).member("depth", h.depth).member("asked", h.asked);
    j.member("joined", h.joined)
        .member("seen_above", h.seen)
        .member("type", m.text(m.messages.type[h.message]));
    j.member("sender", m.actor_name(m.messages.sender[h.message]));
    j.member("receiver", m.actor_name(m.messages.receiver[h.message]));
    auto sent = m.messages.sent[h.message];
    j.key("sent_ns");
    sent == no_row ? j.null() : j.value(m.events.time[sent]);
    json_time(j, "network_ns", m.network_ns(h.message));
    json_time(j, "wait_ns", m.wait_ns(h.message));
    json_time(j, "handling_ns", m.handling_ns(h.message));
    j.member("fate", to_string(fate_of(m, h.message))).key("causes").array();
    for (auto c : m.causes(h.message))
      j.value(m.message_name(c));
    j.end().end();
  }
  j.end().end();
  return out + "\n";
}

} // namespace troupe::trace
