#include "trace/query/diff.hpp"

#include "base/durations.hpp"
#include "base/json_writer.hpp"
#include "base/table.hpp"
#include "base/text.hpp"
#include "trace/merge/ledger_view.hpp"

#include <algorithm>
#include <fmt/format.h>
#include <map>
#include <unordered_map>

namespace troupe::trace {
namespace {

using counts = std::map<std::string, std::uint64_t>;

counts count_nodes(const model& m) {
  counts out;
  for (std::uint16_t n = 0; n < m.nodes.size(); ++n)
    ++out[m.node_name(n)];
  return out;
}

counts count_actors(const model& m) {
  counts out;
  for (std::uint32_t a = 1; a < m.actors.size(); ++a)
    if (m.actors[a].spawned != no_row)
      ++out[fmt::format("{} on {}", m.role_name(a), m.node_name(m.actors[a].node))];
  return out;
}

counts count_messages(const model& m) {
  // By rows first: names are made once a kind of message and not once a message.
  std::unordered_map<std::uint64_t, std::unordered_map<std::uint32_t, std::uint64_t>> by_pair;
  for (row i = 0; i < m.messages.size(); ++i)
    if (m.messages.sent[i] != no_row)
      ++by_pair[std::uint64_t{m.messages.sender[i]} << 32 | m.messages.receiver[i]][m.messages.type[i]];
  counts out;
  for (auto& [pair, types] : by_pair)
    for (auto& [type, n] : types)
      out[fmt::format("{} → {}: {}", m.actor_name(static_cast<std::uint32_t>(pair >> 32)),
                      m.actor_name(static_cast<std::uint32_t>(pair)), m.text(type))] += n;
  return out;
}

counts count_fates(const model& m) {
  counts out;
  for (row i = 0; i < m.messages.size(); ++i) {
    if (m.messages.sent[i] == no_row) continue;
    auto f = fate_of(m, i);
    if (f == fate::handled) continue;
    auto d = m.messages.discarded[i];
    auto reason =
        d == no_row ? "" : fmt::format(": {}", m.text(static_cast<std::uint32_t>(m.events.value[d])));
    ++out[fmt::format("{} {}{}", m.text(m.messages.type[i]), to_string(f), reason)];
  }
  return out;
}

std::vector<count_difference> differences(const counts& left, const counts& right) {
  std::map<std::string, count_difference> all;
  for (auto& [what, n] : left)
    all[what].left = n;
  for (auto& [what, n] : right)
    all[what].right = n;
  std::vector<count_difference> out;
  for (auto& [what, d] : all)
    if (d.left != d.right) out.push_back({what, d.left, d.right});
  return out;
}

std::map<std::string, std::vector<row>> handled_by_actor(const model& m) {
  std::vector<std::vector<row>> by_row(m.actors.size());
  for (row i = 0; i < m.events.size(); ++i)
    if (m.events.kind[i] == event_kind::handled) by_row[m.events.actor[i]].push_back(i);
  std::map<std::string, std::vector<row>> out;
  for (std::uint32_t a = 1; a < by_row.size(); ++a)
    if (!by_row[a].empty()) out[m.actor_name(a)] = std::move(by_row[a]);
  return out;
}

std::string deed(const model& m, row event) {
  if (event == no_row) return "handled nothing more";
  return fmt::format("handled {} from {}", m.text(m.events.type[event]), m.actor_name(m.events.peer[event]));
}

std::vector<parting> find_partings(const model& left, const model& right) {
  auto a = handled_by_actor(left), b = handled_by_actor(right);
  for (auto& [name, rows] : b)
    a.try_emplace(name);
  std::vector<parting> out;
  for (auto& [name, mine] : a) {
    auto& theirs = b[name];
    for (std::size_t i = 0; i < std::max(mine.size(), theirs.size()); ++i) {
      auto l = i < mine.size() ? mine[i] : no_row, r = i < theirs.size() ? theirs[i] : no_row;
      auto left_did = deed(left, l), right_did = deed(right, r);
      if (left_did == right_did) continue;
      out.push_back({name, i + 1, l, r, std::move(left_did), std::move(right_did)});
      break;
    }
  }
  std::ranges::stable_sort(out, {}, [](const parting& p) { return std::min(p.left, p.right); });
  return out;
}

shown_text list(std::string_view title, const std::vector<count_difference>& all, std::uint64_t limit,
                int width) {
  if (all.empty()) return {};
  using align = table::align;
  table t{{{std::string{title}}, {"left", align::right}, {"right", align::right}}};
  std::uint64_t shown = 0;
  for (auto& d : all) {
    if (limit != 0 && shown++ == limit) break;
    t.row({d.what, grouped(d.left), grouped(d.right)});
  }
  auto out = t.render(width);
  if (limit != 0 && all.size() > limit) out += say("{} more\n", counted(all.size() - limit, "difference"));
  return out + "\n";
}

void json_list(json_writer& j, std::string_view name, const std::vector<count_difference>& all) {
  j.key(name).array();
  for (auto& d : all)
    j.object().member("what", d.what).member("left", d.left).member("right", d.right).end();
  j.end();
}

} // namespace

diff_report compare(const model& left, const model& right) {
  return {differences(count_nodes(left), count_nodes(right)),
          differences(count_actors(left), count_actors(right)),
          differences(count_messages(left), count_messages(right)),
          differences(count_fates(left), count_fates(right)), find_partings(left, right)};
}

shown_text render_text(const diff_report& d, const model& left, const model& right, std::uint64_t limit,
                       int width) {
  if (d.same()) return say("the runs have the same structure\n");
  auto out = list("node", d.nodes, limit, width) + list("actors", d.actors, limit, width)
             + list("messages", d.messages, limit, width) + list("not handled", d.fates, limit, width);
  if (d.partings.empty()) return out;
  out += "where actors part for the first time:\n";
  std::uint64_t shown = 0;
  for (auto& p : d.partings) {
    if (limit != 0 && shown++ == limit) break;
    auto at = [&](const model& m, row e) {
      return e == no_row ? std::string{} : " at " + time_text(m.events.time[e]);
    };
    out += say("  {}, message {}: left {}{}; right {}{}", p.actor, grouped(p.nth), p.left_did,
               at(left, p.left), p.right_did, at(right, p.right))
               .cut(width)
           + "\n";
  }
  return out;
}

std::string render_json(const diff_report& d, const model& left, const model& right) {
  std::string out;
  json_writer j{out};
  j.object().member("same", d.same());
  json_list(j, "nodes", d.nodes);
  json_list(j, "actors", d.actors);
  json_list(j, "messages", d.messages);
  json_list(j, "not_handled", d.fates);
  j.key("partings").array();
  auto side = [&](std::string_view name, const model& m, row e, const std::string& did) {
    j.key(name).object().member("did", did);
    if (e != no_row)
      j.member("message", m.message_name(m.events.message[e])).member("time_ns", m.events.time[e]);
    j.end();
  };
  for (auto& p : d.partings) {
    j.object().member("actor", p.actor).member("nth", p.nth);
    side("left", left, p.left, p.left_did);
    side("right", right, p.right, p.right_did);
    j.end();
  }
  j.end().end();
  return out + "\n";
}

} // namespace troupe::trace
