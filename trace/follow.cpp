#include "trace/follow.hpp"

#include "trace/json_writer.hpp"
#include "trace/ledger_view.hpp"
#include "trace/text.hpp"

#include <algorithm>
#include <fmt/format.h>

namespace troupe::trace {
namespace {

/// From the root to the message along first causes. A cause is earlier than its effect,
/// but a damaged trace may say otherwise: each message once.
std::vector<row> chain_to(const model& m, row message) {
  std::vector<row> chain{message};
  std::vector<bool> seen(m.messages.size());
  seen[message] = true;
  for (auto c = m.messages.cause[message]; c != no_row && !seen[c]; c = m.messages.cause[c]) {
    seen[c] = true;
    chain.push_back(c);
  }
  std::reverse(chain.begin(), chain.end());
  return chain;
}

std::vector<row> without(std::vector<row> causes, row one) {
  std::erase(causes, one);
  return causes;
}

run_time end_of(const model& m, row message) {
  auto& r = m.messages;
  if (r.handled[message] != no_row) return m.handler_end(r.handled[message]);
  if (r.discarded[message] != no_row) return m.events.time[r.discarded[message]];
  return r.sent[message] != no_row ? m.events.time[r.sent[message]] : 0;
}

std::string discarded_text(const model& m, row message) {
  auto d = m.messages.discarded[message];
  auto reason = printable(m.text(static_cast<std::uint32_t>(m.events.value[d])));
  return fmt::format("{}: {}", m.events.kind[d] == event_kind::dropped ? "dropped" : "a dead letter", reason);
}

std::string names(const model& m, const std::vector<row>& messages) {
  std::string out;
  for (auto i : messages)
    out += (out.empty() ? "" : ", ") + m.message_name(i);
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
  auto chain = chain_to(m, message);
  for (std::size_t i = 0; i < chain.size(); ++i) {
    auto above = i == 0 ? no_row : chain[i - 1];
    out.hops.push_back({chain[i], static_cast<std::uint32_t>(i), chain[i] == message, false,
                        without(m.causes(chain[i]), above)});
  }
  effects_index effects{m};
  std::vector<bool> seen(m.messages.size());
  for (auto c : chain)
    seen[c] = true;
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
  push(message, static_cast<std::uint32_t>(chain.size()));
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
    if (limit != 0 && out.hops.size() >= chain.size() + limit)
      out.left_out += !again;
    else
      out.hops.push_back(
          {next.message, next.depth, false, again, without(m.causes(next.message), next.above)});
  }
  auto root = m.messages.sent[chain.front()];
  out.from = root == no_row ? 0 : m.events.time[root];
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

std::string render_text(const follow_report& f, bool colour, int width) {
  auto& m = *f.of;
  std::string out;
  for (auto& h : f.hops) {
    // Very deep trees stay readable: the depth is told where the indentation ends.
    auto indent = std::string(2 * std::min<std::size_t>(h.depth, 30), ' ');
    if (h.depth > 30) indent += fmt::format("[{}] ", h.depth);
    auto sent = m.messages.sent[h.message];
    auto line = fmt::format(
        "{:>14}  {}{} {} {}  {} → {}", sent == no_row ? "?" : time_text(m.events.time[sent]), indent,
        h.asked  ? "▶"
        : h.seen ? "↑"
                 : "·",
        m.message_name(h.message), printable(m.text(m.messages.type[h.message])),
        m.actor_name(m.messages.sender[h.message]), m.actor_name(m.messages.receiver[h.message]));
    if (h.seen)
      line += "  (shown above)";
    else
      line += "  " + hop_times(m, h.message);
    if (!h.other_causes.empty()) line += fmt::format("  also because of {}", names(m, h.other_causes));
    line = cut_to_width(line, width);
    out += h.asked && colour ? "\x1b[1m" + line + "\x1b[0m\n" : line + "\n";
  }
  if (f.left_out > 0) out += fmt::format("{} more\n", counted(f.left_out, "effect"));
  out += fmt::format("\n{} after {}; {} from the first send to the last handler's end\n",
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
      .member("left_out", f.left_out);
  j.member("from_ns", f.from).member("to_ns", f.to).key("hops").array();
  for (auto& h : f.hops) {
    j.object().member("message", m.message_name(h.message)).member("depth", h.depth).member("asked", h.asked);
    j.member("seen_above", h.seen).member("type", m.text(m.messages.type[h.message]));
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
