// `troupe trace graph`: who talks to whom.
#pragma once

#include "base/shown_text.hpp"
#include "trace/merge/model.hpp"
#include "trace/query/filter.hpp"

#include <string>
#include <vector>

namespace troupe::trace {

enum class graph_level : std::uint8_t { actors, roles, nodes };

struct graph_edge {
  std::uint32_t from = 0, to = 0; ///< into graph_report::names
  std::uint64_t messages = 0;
  std::uint64_t discarded = 0; ///< of those, dropped or dead-lettered
  std::uint64_t between_nodes = 0;
  std::uint64_t bytes = 0;                                  ///< on the wire
  std::vector<std::pair<std::string, std::uint64_t>> types; ///< most frequent first
};

struct graph_report {
  const model* of = nullptr;
  graph_level level = graph_level::actors;
  struct vertex {
    std::string name;
    std::string node; ///< empty where it is on several, or outside
    std::uint64_t handled = 0;
  };
  std::vector<vertex> vertices;
  std::vector<graph_edge> edges; ///< most messages first
};

/// More actors than this are shown by role unless asked for otherwise.
inline constexpr std::size_t graph_actors_max = 40;

/// Messages count of which an event matches the filter. `by`: "actor", "role", "node", or
/// empty. Throws std::runtime_error for anything else.
graph_report who_talks_to_whom(const model&, const filter&, std::string_view by);
shown_text render_text(const graph_report&, int width);
std::string render_json(const graph_report&);
std::string render_dot(const graph_report&);

/// Messages of which at least one event matches; what exports keep.
std::vector<bool> matching_messages(const model&, const filter&);

} // namespace troupe::trace
