#include "trace/query/graph.hpp"

#include "base/json_writer.hpp"
#include "base/table.hpp"
#include "base/text.hpp"

#include <algorithm>
#include <cmath>
#include <fmt/format.h>
#include <map>
#include <stdexcept>
#include <unordered_map>

namespace troupe::trace {
namespace {

graph_level level_of(const model& m, std::string_view by) {
  if (by == "actor") return graph_level::actors;
  if (by == "role") return graph_level::roles;
  if (by == "node") return graph_level::nodes;
  if (by.empty()) return m.actors.size() > graph_actors_max ? graph_level::roles : graph_level::actors;
  throw std::runtime_error(fmt::format("a graph can be by actor, role or node, not by \"{}\"", by));
}

/// Which vertex an actor belongs to, made on the way.
class vertices {
 public:
  vertices(const model& m, graph_report& out) : m_{m}, out_{out}, of_actor_(m.actors.size(), no_row) {}

  std::uint32_t operator()(std::uint32_t actor) {
    auto& known = of_actor_[actor];
    if (known != no_row) return known;
    std::string name, node = actor == 0 ? "" : m_.node_name(m_.actors[actor].node);
    switch (out_.level) {
    case graph_level::actors:
      name = m_.actor_name(actor);
      break;
    case graph_level::roles:
      name = m_.role_name(actor);
      break;
    case graph_level::nodes:
      name = actor == 0 ? "outside" : node;
      break;
    }
    auto [it, fresh] = by_name_.try_emplace(name, static_cast<std::uint32_t>(out_.vertices.size()));
    if (fresh)
      out_.vertices.push_back({name, node, 0});
    else if (out_.vertices[it->second].node != node)
      out_.vertices[it->second].node.clear();
    return known = it->second;
  }

 private:
  const model& m_;
  graph_report& out_;
  std::vector<std::uint32_t> of_actor_;
  std::map<std::string, std::uint32_t> by_name_;
};

std::string dot_quoted(std::string_view text) {
  std::string escaped;
  for (char c : printable(text)) {
    if (c == '"' || c == '\\') escaped += '\\';
    escaped += c;
  }
  return fmt::format("\"{}\"", escaped);
}

std::string types_text(const graph_edge& e, std::size_t max) {
  std::string out;
  for (std::size_t i = 0; i < e.types.size(); ++i) {
    if (i == max) return out + fmt::format(", {} more", e.types.size() - max);
    out += fmt::format("{}{}", i == 0 ? "" : ", ", e.types[i].first);
    if (e.types.size() > 1) out += fmt::format(" {}", grouped(e.types[i].second));
  }
  return out;
}

} // namespace

std::vector<bool> matching_messages(const model& m, const filter& f) {
  if (f.everything()) return std::vector<bool>(m.messages.size(), true);
  std::vector<bool> out(m.messages.size());
  for (row i = 0; i < m.events.size(); ++i)
    if (auto message = m.events.message[i]; message != no_row && !out[message] && f.matches(i))
      out[message] = true;
  return out;
}

graph_report who_talks_to_whom(const model& m, const filter& f, std::string_view by) {
  graph_report out;
  out.of = &m;
  out.level = level_of(m, by);
  auto wanted = matching_messages(m, f);
  vertices vertex{m, out};
  std::unordered_map<std::uint64_t, std::size_t> edge_of;
  std::vector<std::unordered_map<std::uint32_t, std::uint64_t>> types;
  for (row i = 0; i < m.messages.size(); ++i) {
    if (!wanted[i] || (m.messages.sent[i] == no_row && m.messages.handled[i] == no_row)) continue;
    auto from = vertex(m.messages.sender[i]), to = vertex(m.messages.receiver[i]);
    auto [it, fresh] = edge_of.try_emplace(std::uint64_t{from} << 32 | to, out.edges.size());
    if (fresh) {
      out.edges.push_back({.from = from, .to = to, .types = {}});
      types.emplace_back();
    }
    auto& e = out.edges[it->second];
    ++e.messages;
    e.discarded += m.messages.discarded[i] != no_row;
    if (auto bytes = m.bytes(i); bytes >= 0) {
      ++e.between_nodes;
      e.bytes += static_cast<std::uint64_t>(bytes);
    }
    ++types[it->second][m.messages.type[i]];
    out.vertices[to].handled += m.messages.handled[i] != no_row;
  }
  for (std::size_t i = 0; i < out.edges.size(); ++i) {
    auto& list = out.edges[i].types;
    for (auto& [type, n] : types[i])
      list.emplace_back(m.text(type).empty() ? "?" : m.text(type), n);
    std::ranges::sort(list, [](auto& a, auto& b) {
      return a.second != b.second ? a.second > b.second : a.first < b.first;
    });
  }
  std::ranges::stable_sort(out.edges, [](auto& a, auto& b) { return a.messages > b.messages; });
  return out;
}

shown_text render_text(const graph_report& g, int width) {
  if (g.edges.empty()) return say("no message matches\n");
  using align = table::align;
  table t{{{"from"},
           {"to"},
           {"messages", align::right},
           {"discarded", align::right},
           {"between nodes", align::right},
           {"bytes", align::right},
           {"types"}}};
  for (auto& e : g.edges)
    t.row({g.vertices[e.from].name, g.vertices[e.to].name, grouped(e.messages),
           e.discarded == 0 ? "" : grouped(e.discarded), e.between_nodes == 0 ? "" : grouped(e.between_nodes),
           e.between_nodes == 0 ? "" : bytes_text(e.bytes), types_text(e, 4)});
  return t.render(width);
}

std::string render_json(const graph_report& g) {
  std::string out;
  json_writer j{out};
  j.object().key("vertices").array();
  for (auto& v : g.vertices)
    j.object().member("name", v.name).member("node", v.node).member("handled", v.handled).end();
  j.end().key("edges").array();
  for (auto& e : g.edges) {
    j.object()
        .member("from", g.vertices[e.from].name)
        .member("to", g.vertices[e.to].name)
        .member("messages", e.messages);
    j.member("discarded", e.discarded).member("between_nodes", e.between_nodes).member("bytes", e.bytes);
    j.key("types").object();
    for (auto& [type, n] : e.types)
      j.member(type, n);
    j.end().end();
  }
  j.end().end();
  return out + "\n";
}

std::string render_dot(const graph_report& g) {
  std::string out =
      "digraph messages {\n  rankdir=LR;\n  node [shape=box, style=\"rounded,filled\", "
      "fillcolor=\"#eef3fb\", "
      "fontname=\"sans-serif\"];\n  edge [fontname=\"sans-serif\", fontsize=10, color=\"#445566\"];\n";
  std::map<std::string, std::vector<std::size_t>> clusters;
  for (std::size_t i = 0; i < g.vertices.size(); ++i)
    clusters[g.level == graph_level::nodes ? "" : g.vertices[i].node].push_back(i);
  std::size_t number = 0;
  for (auto& [node, members] : clusters) {
    if (!node.empty())
      out += fmt::format("  subgraph cluster_{} {{\n    label={};\n    color=\"#99aabb\";\n", number++,
                         dot_quoted(node));
    for (auto i : members)
      out += fmt::format("    v{} [label={}];\n", i, dot_quoted(g.vertices[i].name));
    if (!node.empty()) out += "  }\n";
  }
  for (auto& e : g.edges) {
    auto label = counted(e.messages, "message");
    if (e.between_nodes > 0) label += ", " + bytes_text(e.bytes);
    if (e.discarded > 0) label += fmt::format(", {} discarded", grouped(e.discarded));
    out += fmt::format("  v{} -> v{} [label={}, tooltip={}, penwidth={:.1f}{}];\n", e.from, e.to,
                       dot_quoted(label), dot_quoted(types_text(e, 20)),
                       1 + std::log10(static_cast<double>(e.messages)),
                       e.discarded > 0 ? ", color=\"#cc3333\"" : "");
  }
  return out + "}\n";
}

} // namespace troupe::trace
