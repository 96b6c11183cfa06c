#include "trace/check/check.hpp"

#include "base/text.hpp"
#include "trace/check/invariant.hpp"
#include "trace/check/waits.hpp"
#include "trace/merge/ledger_view.hpp"
#include "trace/record/format.hpp"
#include "trace/record/recorder.hpp"

#include <algorithm>
#include <fmt/format.h>
#include <map>
#include <unordered_map>

namespace troupe::trace {
namespace {

constexpr std::size_t evidence_max = 5;

void add_evidence(const model& m, finding& f, row message) {
  if (f.messages.size() >= evidence_max) return;
  f.messages.push_back(message);
  for (auto e : {m.messages.sent[message], m.messages.delivered[message], m.messages.handled[message],
                 m.messages.discarded[message]})
    if (e != no_row) f.events.push_back(e);
}

/// Reasons that an orderly run can have: its end, a time-out, a fault that was asked for.
bool expected(std::string_view reason) {
  return reason == "shutdown" || reason == "expired_response" || reason == "fault_injected"
         || reason == "peer_down";
}

void check_fates(const model& m, std::vector<finding>& out) {
  struct key {
    fate what;
    std::string_view reason;
    std::uint32_t type;
    auto operator<=>(const key&) const = default;
  };
  std::map<key, finding> groups;
  for (row i = 0; i < m.messages.size(); ++i) {
    if (m.messages.sent[i] == no_row) continue;
    auto f = fate_of(m, i);
    if (f == fate::handled) continue;
    bool discarded = f == fate::dropped || f == fate::dead_lettered;
    auto reason = discarded ? why_discarded(m, i) : std::string_view{};
    auto [it, fresh] = groups.try_emplace({f, reason, m.messages.type[i]});
    auto& group = it->second;
    if (!fresh) ++group.times;
    add_evidence(m, group, i);
  }
  for (auto& [k, f] : groups) {
    auto what = fmt::format("{} of type {}", counted(f.times, "message"), m.text(k.type));
    auto& reason = k.reason;
    f.what = rule::not_handled;
    f.how = k.what == fate::vanished || (k.what == fate::dropped && !expected(k.reason)) ? severity::fault
                                                                                         : severity::note;
    switch (k.what) {
    case fate::dropped:
      f.sentence = fmt::format("{} dropped: {}", what, reason);
      break;
    case fate::dead_lettered:
      f.sentence = fmt::format("{} became dead letters: {}", what, reason);
      break;
    case fate::lost:
      f.sentence = fmt::format("{} lost with a node that was killed or not heard of", what);
      break;
    case fate::in_handler:
      f.sentence = fmt::format("{} in a handler that never ended", what);
      break;
    case fate::unrecorded:
      f.sentence = fmt::format("what became of {} is not in the trace", what);
      break;
    default:
      f.sentence = fmt::format("{} vanished: sent, never handled, and no entry says why", what);
      break;
    }
    out.push_back(std::move(f));
  }
}

void check_doubles(const model& m, std::vector<finding>& out) {
  finding f{.what = rule::handled_twice, .sentence = {}, .times = 0, .events = {}, .messages = {}};
  for (row i = 0; i < m.messages.size(); ++i) {
    if (m.messages.handlings[i] < 2) continue;
    ++f.times;
    add_evidence(m, f, i);
  }
  if (f.times == 0) return;
  // All handlings of what is shown are evidence, not only the first.
  for (row e = 0; e < m.events.size(); ++e)
    if (m.events.kind[e] == event_kind::handled
        && std::ranges::find(f.messages, m.events.message[e]) != f.messages.end()
        && m.messages.handled[m.events.message[e]] != e)
      f.events.push_back(e);
  std::ranges::sort(f.events);
  f.sentence = fmt::format("{} handled more than once", counted(f.times, "message"));
  out.push_back(std::move(f));
}

/// Answers may overtake (an actor can await one of them), and so may what a timer held.
bool keeps_order(const model& m, row message) {
  return m.messages.sender[message] != 0 && m.messages.sent[message] != no_row && !m.messages.delayed[message]
         && m.messages.role[message] != static_cast<std::uint8_t>(message_role::response);
}

void check_order(const model& m, std::vector<finding>& out) {
  std::unordered_map<std::uint64_t, row> latest; // per pair, the message sent last among those handled
  finding f{.what = rule::out_of_order, .sentence = {}, .times = 0, .events = {}, .messages = {}};
  std::string first;
  for (row e = 0; e < m.events.size(); ++e) {
    auto message = m.events.message[e];
    bool begin = m.events.kind[e] == event_kind::handled || m.events.kind[e] == event_kind::unfinished;
    if (!begin || m.messages.handled[message] != e || !keeps_order(m, message)) continue;
    auto [it, fresh] =
        latest.try_emplace(std::uint64_t{m.messages.sender[message]} << 32 | m.events.actor[e], message);
    if (fresh) continue;
    if (m.messages.sent[it->second] < m.messages.sent[message]) {
      it->second = message;
      continue;
    }
    if (f.times++ == 0)
      first = fmt::format("{} of {} to {} was handled after {}, which was sent later",
                          m.message_name(message), m.actor_name(m.messages.sender[message]),
                          m.actor_name(m.events.actor[e]), m.message_name(it->second));
    if (f.messages.size() < evidence_max) {
      add_evidence(m, f, it->second);
      add_evidence(m, f, message);
    }
  }
  if (f.times == 0) return;
  f.sentence = fmt::format("{} out of order: {}", counted(f.times, "message"), first);
  out.push_back(std::move(f));
}

void check_answers(const model& m, const std::vector<row>& open, std::vector<finding>& out) {
  std::map<std::uint32_t, finding> by_type;
  for (auto message : open) {
    if (fate_of(m, message) != fate::handled) continue; // told by its fate already
    if (ended_with_the_run(m, message)) continue;       // told with those who wait at the end
    auto [it, fresh] = by_type.try_emplace(m.messages.type[message]);
    it->second.times += !fresh;
    add_evidence(m, it->second, message);
  }
  for (auto& [type, f] : by_type) {
    f.what = rule::no_answer;
    auto first = f.messages.front();
    f.sentence =
        fmt::format("{} of type {} handled but never answered, the first {} from {} to {}",
                    counted(f.times, "request"), m.text(type), m.message_name(first),
                    m.actor_name(m.messages.sender[first]), m.actor_name(m.messages.receiver[first]));
    out.push_back(std::move(f));
  }
}

/// Some node's trace ended before the node did, or is not there: what seems open may have been answered.
bool knows_all_answers(const model& m) {
  return std::ranges::none_of(m.nodes, [](const node_info& n) {
    return n.is_missing() || n.ended != static_cast<std::uint32_t>(format::end_reason::none);
  });
}

void check_open_requests(const model& m, std::vector<finding>& out) {
  const auto before = out.size();
  auto open = open_requests(m);
  check_answers(m, open, out);
  check_waits(m, open, out);
  if (knows_all_answers(m)) return;
  for (auto i = before; i < out.size(); ++i) {
    out[i].how = severity::note;
    out[i].sentence += "; but the trace is not complete";
  }
}

/// The first event of the end of the run: from there on actors lose whom they wait for.
row end_begins_at(const model& m) {
  const auto told = told_to_end_at(m);
  for (row i = 0; i < std::min<row>(told, static_cast<row>(m.events.size())); ++i)
    if (m.events.kind[i] == event_kind::sent && m.text(m.events.type[i]) == "troupe.leave_node") return i;
  return told;
}

void check_failures(const model& m, std::vector<finding>& out) {
  constexpr std::size_t told_max = 10;
  const auto end = end_begins_at(m);
  std::vector<row> more;
  std::size_t told = 0;
  for (row i = 0; i < std::min<row>(end, static_cast<row>(m.events.size())); ++i) {
    if (m.events.kind[i] != event_kind::exited) continue;
    const auto reason = m.text(static_cast<std::uint32_t>(m.events.value[i]));
    if (!reason.starts_with(failed_reason)) continue;
    if (told++ >= told_max) {
      more.push_back(i);
      continue;
    }
    out.push_back({.what = rule::actor_failed,
                   .sentence = fmt::format("{} on {} failed: {}", m.actor_name(m.events.actor[i]),
                                           printable(m.node_name(m.events.node[i])),
                                           printable(reason.substr(failed_reason.size()))),
                   .events = {i},
                   .messages = {}});
  }
  if (more.empty()) return;
  const auto times = more.size();
  more.resize(std::min(times, evidence_max));
  out.push_back({.what = rule::actor_failed,
                 .sentence = fmt::format("{} failed, too", counted(times, "more actor")),
                 .times = times,
                 .events = std::move(more),
                 .messages = {}});
}

bool is_sampled(const model& m) {
  return std::ranges::any_of(m.nodes, [](const node_info& n) { return n.sample_one_in > 1; });
}

finding not_judged(const std::string& text) {
  return {.what = rule::invariant,
          .how = severity::note,
          .sentence =
              fmt::format("\"{}\" was not judged: only a part of the causal trees was recorded", text),
          .events = {},
          .messages = {}};
}

void check_invariants(const model& m, bool sampled, std::vector<finding>& out) {
  bool whole = m.complete() && std::ranges::all_of(m.nodes, &node_info::recorded);
  for (auto& text : m.invariants) {
    try {
      invariant promise{text};
      if (sampled && !promise.sound_on_part()) {
        out.push_back(not_judged(text));
        continue;
      }
      // What is not in the trace may be what would have kept the promise.
      bool sure = whole || promise.sound_on_part();
      for (auto& b : promise.breaches(m)) {
        finding f{.what = rule::invariant, .sentence = b.sentence, .events = b.events, .messages = {}};
        if (!sure) {
          f.how = severity::note;
          f.sentence +=
              m.complete() ? "; but not every node keeps a trace" : "; but the trace is not complete";
        }
        for (auto e : b.events)
          if (m.events.message[e] != no_row) f.messages.push_back(m.events.message[e]);
        out.push_back(std::move(f));
      }
    } catch (const invariant_error& e) {
      out.push_back({.what = rule::invariant,
                     .sentence = fmt::format("the invariant \"{}\" cannot be evaluated: {}", text, e.what()),
                     .events = {},
                     .messages = {}});
    }
  }
}

} // namespace

std::string_view to_string(rule r) {
  constexpr std::string_view names[] = {"not_handled", "handled_twice",   "out_of_order", "no_answer",
                                        "waits",       "waits_in_circle", "invariant",    "actor_failed"};
  static_assert(std::size(names) == rule_count);
  return names[static_cast<std::size_t>(r)];
}

std::vector<finding> check_trace(const model& m) {
  std::vector<finding> out;
  check_fates(m, out);
  check_doubles(m, out);
  check_order(m, out);
  check_failures(m, out);
  bool sampled = is_sampled(m);
  if (!sampled) check_open_requests(m, out); // an answer may belong to another causal tree than its request
  check_invariants(m, sampled, out);
  std::ranges::stable_sort(out, [](const finding& a, const finding& b) { return a.how > b.how; });
  return out;
}

bool any_fault(const std::vector<finding>& findings) {
  return std::ranges::any_of(findings, [](const finding& f) { return f.how == severity::fault; });
}

} // namespace troupe::trace
