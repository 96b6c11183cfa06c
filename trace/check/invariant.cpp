#include "trace/check/invariant.hpp"

#include "base/text.hpp"

#include <algorithm>
#include <charconv>
#include <fmt/format.h>
#include <sstream>

namespace troupe::trace {
namespace {

filter filter_of(const std::string& text) {
  try {
    filter f{text};
    if (f.everything()) throw invariant_error("a filter is missing, as in: never kind=dropped");
    return f;
  } catch (const filter_error& e) {
    throw invariant_error(fmt::format("there is a mistake in its filter \"{}\": {}", text, e.what()));
  }
}

bool begins_with(const std::string& text, std::string_view word) { return text.rfind(word, 0) == 0; }

} // namespace

invariant::invariant(const std::string& text) : text_{text} {
  if (begins_with(text, "never "))
    rule_ = never{filter_of(text.substr(6))};
  else if (begins_with(text, "exactly "))
    parse_count(text, bound::exactly, 8);
  else if (begins_with(text, "at most "))
    parse_count(text, bound::at_most, 8);
  else if (begins_with(text, "at least "))
    parse_count(text, bound::at_least, 9);
  else if (begins_with(text, "exclusive "))
    parse_exclusive(text.substr(10));
  else if (begins_with(text, "order "))
    parse_order(text.substr(6));
  else if (begins_with(text, "each "))
    parse_each(text.substr(5));
  else
    throw invariant_error(
        "an invariant begins with never, exactly, at most, at least, exclusive, order or each");
}

void invariant::parse_count(const std::string& text, bound how, std::size_t at) {
  count c{how, 0, {}};
  auto colon = text.find(':', at);
  auto end = text.data() + std::min(colon, text.size());
  auto [stop, error] = std::from_chars(text.data() + at, end, c.number);
  if (colon == std::string::npos || error != std::errc{} || stop != end)
    throw invariant_error("a number and a colon are missing, as in: exactly 10: type=task and kind=handled");
  c.what = filter_of(text.substr(colon + 1));
  rule_ = std::move(c);
}

namespace {

/// The words of "ROLE: FIRST until LAST", or of "TYPE: one RESULT"; empty if it reads otherwise.
std::vector<std::string> words_after_colon(const std::string& text) {
  std::vector<std::string> words;
  std::istringstream in{text};
  for (std::string word; in >> word;)
    words.push_back(std::move(word));
  if (words.empty() || words.front().size() < 2 || words.front().back() != ':') return {};
  words.front().pop_back();
  return words;
}

/// By string of the model: whether the pattern is its name. Once a type, not once an event.
std::vector<bool> matching(const model& m, const std::string& pattern) {
  std::vector<bool> out;
  for (auto& s : m.strings)
    out.push_back(glob_match(pattern, s));
  return out;
}

std::vector<bool> actors_of(const model& m, const std::string& role) {
  std::vector<bool> out;
  for (std::uint32_t a = 0; a < m.actors.size(); ++a)
    out.push_back(a != 0 && m.role_name(a) == role);
  return out;
}

/// It ended otherwise than by itself, its node did, or the run was told to end.
bool cut_short(const model& m, std::uint32_t actor, bool told_to_end) {
  auto& who = m.actors[actor];
  auto& node = m.nodes[who.node];
  if (told_to_end || !node.recorded || !node.closed || node.ended != 0) return true;
  return who.exited != no_row && m.text(static_cast<std::uint32_t>(m.events.value[who.exited])) != "normal";
}

} // namespace

void invariant::parse_exclusive(const std::string& rest) {
  auto words = words_after_colon(rest);
  if (words.size() != 4 || words[2] != "until")
    throw invariant_error("it should read: exclusive ROLE: GRANTED until RELEASED");
  rule_ = exclusive{words[0], words[1], words[3]};
}

void invariant::parse_order(const std::string& rest) {
  auto words = words_after_colon(rest);
  if (words.size() != 4 || words[2] != "before")
    throw invariant_error("it should read: order ROLE: FIRST before LAST");
  rule_ = order{words[0], words[1], words[3]};
}

void invariant::parse_each(const std::string& rest) {
  auto words = words_after_colon(rest);
  bool always = words.size() == 3 && words[1] == "one";
  bool at_most = words.size() == 5 && words[1] == "at" && words[2] == "most" && words[3] == "one";
  if (!always && !at_most)
    throw invariant_error("it should read: each TYPE: one RESULT, or: each TYPE: at most one RESULT");
  rule_ = each{words.front(), words.back(), always};
}

std::vector<invariant::breach> invariant::breaches(const model& m) {
  std::vector<breach> out;
  std::visit([&](auto& rule) { judge(rule, m, out); }, rule_);
  return out;
}

std::vector<std::string> invariant::types() const {
  struct {
    using names = std::vector<std::string>;
    names operator()(const never& x) const { return x.what.types(); }
    names operator()(const count& x) const { return x.what.types(); }
    names operator()(const exclusive& x) const { return {x.granted, x.released}; }
    names operator()(const order& x) const { return {x.first, x.last}; }
    names operator()(const each& x) const { return {x.type, x.result}; }
  } types_of;
  return std::visit(types_of, rule_);
}

bool invariant::sound_on_part() const {
  if (auto* c = std::get_if<count>(&rule_)) return c->how == bound::at_most;
  if (auto* e = std::get_if<each>(&rule_)) return !e->always;
  return !std::holds_alternative<exclusive>(rule_);
}

void invariant::judge(never& rule, const model& m, std::vector<breach>& out) const {
  rule.what.bind(m);
  for (row i = 0; i < m.events.size() && out.size() < breaches_max; ++i)
    if (rule.what.matches(i)) out.push_back({fmt::format("it happened although \"{}\"", text_), {i}});
}

void invariant::judge(count& rule, const model& m, std::vector<breach>& out) const {
  rule.what.bind(m);
  std::uint64_t found = 0;
  breach b;
  for (row i = 0; i < m.events.size(); ++i) {
    if (!rule.what.matches(i)) continue;
    if (++found <= breaches_max || found == rule.number + 1) b.events.push_back(i);
  }
  bool holds = rule.how == bound::exactly   ? found == rule.number
               : rule.how == bound::at_most ? found <= rule.number
                                            : found >= rule.number;
  if (holds) return;
  b.sentence = fmt::format("it happened {} although \"{}\"", counted(found, "time"), text_);
  out.push_back(std::move(b));
}

void invariant::judge(exclusive& rule, const model& m, std::vector<breach>& out) const {
  std::map<std::uint32_t, holding> held;
  auto& e = m.events;
  auto grants = matching(m, rule.granted), releases = matching(m, rule.released);
  auto resource = actors_of(m, rule.role);
  for (row i = 0; i < e.size(); ++i) {
    auto who = e.actor[i];
    if (!resource[who]) continue;
    if (e.kind[i] == event_kind::sent && grants[e.type[i]]) {
      auto& h = held[who];
      if (h.granted != no_row && h.holder != e.peer[i] && out.size() < breaches_max)
        out.push_back({fmt::format("{} was given to {} while {} still held it, although \"{}\"",
                                   m.actor_name(who), m.actor_name(e.peer[i]), m.actor_name(h.holder), text_),
                       {h.granted, i}});
      h = {e.peer[i], i};
    } else if (e.kind[i] == event_kind::handled && releases[e.type[i]]) {
      auto it = held.find(who);
      if (it != held.end() && it->second.holder == e.peer[i]) held.erase(it);
    }
  }
}

std::map<std::uint32_t, invariant::holding> invariant::held_at(const model& m, row end) const {
  std::map<std::uint32_t, holding> held;
  auto* rule = std::get_if<exclusive>(&rule_);
  if (rule == nullptr) return held;
  auto& e = m.events;
  auto grants = matching(m, rule->granted), releases = matching(m, rule->released);
  auto resource = actors_of(m, rule->role);
  for (row i = 0; i < std::min<row>(end, static_cast<row>(e.size())); ++i) {
    if (e.kind[i] != event_kind::sent) continue;
    if (resource[e.actor[i]] && grants[e.type[i]]) {
      held[e.actor[i]] = {e.peer[i], i};
    } else if (resource[e.peer[i]] && releases[e.type[i]]) {
      auto it = held.find(e.peer[i]);
      if (it != held.end() && it->second.holder == e.actor[i]) held.erase(it);
    }
  }
  return held;
}

void invariant::judge(order& rule, const model& m, std::vector<breach>& out) const {
  auto& e = m.events;
  auto firsts = matching(m, rule.first), lasts = matching(m, rule.last);
  auto bound_by = actors_of(m, rule.role);
  std::vector<row> last(m.actors.size(), no_row);
  for (row i = 0; i < e.size() && out.size() < breaches_max; ++i) {
    auto who = e.actor[i];
    if (e.kind[i] != event_kind::handled || !bound_by[who]) continue;
    if (lasts[e.type[i]])
      last[who] = i;
    else if (last[who] != no_row && firsts[e.type[i]])
      out.push_back(
          {fmt::format("{} handled {} {} after {}, although \"{}\"", m.actor_name(who), m.text(e.type[i]),
                       m.message_name(e.message[i]), m.message_name(e.message[last[who]]), text_),
           {last[who], i}});
  }
}

void invariant::judge(each& rule, const model& m, std::vector<breach>& out) const {
  auto types = matching(m, rule.type), results = matching(m, rule.result);
  bool told_to_end = std::ranges::find(m.events.kind, event_kind::told_to_end) != m.events.kind.end();
  std::map<row, std::vector<row>> given; // by message of TYPE, its results
  for (row i = 0; i < m.messages.size(); ++i) {
    if (m.messages.sent[i] == no_row || !results[m.messages.type[i]]) continue;
    for (auto cause : m.causes(i))
      if (types[m.messages.type[cause]]) given[cause].push_back(m.messages.sent[i]);
  }
  for (row i = 0; i < m.messages.size() && out.size() < breaches_max; ++i) {
    auto handled = m.messages.handled[i];
    if (!types[m.messages.type[i]] || handled == no_row) continue;
    auto found = given.find(i);
    std::size_t n = found == given.end() ? 0 : found->second.size();
    bool owes = n == 0 && rule.always && m.events.kind[handled] == event_kind::handled
                && !cut_short(m, m.events.actor[handled], told_to_end);
    if (n <= 1 && !owes) continue;
    breach b{fmt::format("{} {} gave {} of type {}, although \"{}\"", m.text(m.messages.type[i]),
                         m.message_name(i), n == 0 ? "no message" : counted(n, "message"), rule.result,
                         text_),
             {handled}};
    if (n > 0) b.events.insert(b.events.end(), found->second.begin(), found->second.end());
    out.push_back(std::move(b));
  }
}

} // namespace troupe::trace
