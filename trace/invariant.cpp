#include "trace/invariant.hpp"

#include "trace/text.hpp"

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
    throw invariant_error("there is a mistake in its filter:\n" + e.render());
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
  else
    throw invariant_error("an invariant begins with never, exactly, at most, at least or exclusive");
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

void invariant::parse_exclusive(const std::string& rest) {
  std::istringstream in{rest};
  exclusive e;
  std::string until, more;
  in >> e.role >> e.granted >> until >> e.released;
  if (e.role.empty() || e.role.back() != ':' || until != "until" || e.released.empty() || in >> more)
    throw invariant_error("it should read: exclusive ROLE: GRANTED until RELEASED");
  e.role.pop_back();
  rule_ = std::move(e);
}

std::vector<invariant::breach> invariant::breaches(const model& m) {
  std::vector<breach> out;
  if (auto* n = std::get_if<never>(&rule_)) {
    n->what.bind(m);
    for (row i = 0; i < m.events.size() && out.size() < breaches_max; ++i)
      if (n->what.matches(i)) out.push_back({fmt::format("it happened although \"{}\"", text_), {i}});
  } else if (auto* c = std::get_if<count>(&rule_)) {
    c->what.bind(m);
    std::uint64_t found = 0;
    breach b;
    for (row i = 0; i < m.events.size(); ++i) {
      if (!c->what.matches(i)) continue;
      if (++found <= breaches_max || found == c->number + 1) b.events.push_back(i);
    }
    bool holds = c->how == bound::exactly   ? found == c->number
                 : c->how == bound::at_most ? found <= c->number
                                            : found >= c->number;
    if (holds) return out;
    b.sentence = fmt::format("it happened {} although \"{}\"", counted(found, "time"), text_);
    out.push_back(std::move(b));
  } else {
    walk(m, std::get<exclusive>(rule_), out);
  }
  return out;
}

std::map<std::uint32_t, invariant::holding> invariant::held_at_end(const model& m) const {
  std::vector<breach> ignored;
  auto* e = std::get_if<exclusive>(&rule_);
  return e ? walk(m, *e, ignored) : std::map<std::uint32_t, holding>{};
}

std::map<std::uint32_t, invariant::holding> invariant::walk(const model& m, const exclusive& rule,
                                                            std::vector<breach>& out) const {
  std::map<std::uint32_t, holding> held;
  auto& e = m.events;
  // Both types once, not once an event.
  std::vector<bool> grants, releases, resource;
  for (auto& s : m.strings) {
    grants.push_back(glob_match(rule.granted, s));
    releases.push_back(glob_match(rule.released, s));
  }
  for (std::uint32_t a = 0; a < m.actors.size(); ++a)
    resource.push_back(a != 0 && m.role_name(a) == rule.role);
  for (row i = 0; i < e.size(); ++i) {
    if (!resource[e.actor[i]]) continue;
    auto who = e.actor[i];
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
  return held;
}

} // namespace troupe::trace
