#include "runner/run/trace_holders.hpp"

#include "trace/check/invariant.hpp"
#include "trace/merge/merge.hpp"

#include <algorithm>

namespace troupe::scenarios {

namespace {

/// A larger trace is not read while the run is on.
constexpr std::uintmax_t trace_bytes_read_max = 256ULL << 20;

bool all_is_recorded(const trace::model& m) {
  return std::all_of(m.nodes.begin(), m.nodes.end(), [](const trace::node_info& node) {
    return node.recorded && node.missed == 0 && node.sample_one_in <= 1;
  });
}

std::uintmax_t bytes_of_traces(const std::filesystem::path& directory) {
  std::uintmax_t bytes = 0;
  std::error_code ignored;
  for (auto& file : std::filesystem::directory_iterator{directory, ignored})
    if (file.path().extension() == ".trace") bytes += file.file_size(ignored);
  return bytes;
}

} // namespace

std::vector<wait_edge> holders_by_trace(const std::filesystem::path& run_dir,
                                        const std::vector<std::string>& promises,
                                        const std::function<void(const std::string&)>& warn) {
  std::vector<wait_edge> edges;
  const bool tells = std::any_of(promises.begin(), promises.end(),
                                 [](auto& promise) { return promise.starts_with("exclusive "); });
  if (!tells || bytes_of_traces(run_dir) > trace_bytes_read_max) return edges;
  try {
    const auto m = trace::load({run_dir});
    if (!all_is_recorded(m)) return edges;
    const auto ref = [&](std::uint32_t actor) {
      return actor_ref{m.nodes[m.actors[actor].node].incarnation, m.actors[actor].id};
    };
    for (auto& promise : promises)
      for (auto& [resource, held] : trace::invariant{promise}.held_at(m, trace::no_row)) {
        const auto ended = m.actors[held.holder].exited != trace::no_row;
        edges.push_back({.from = ref(resource), .to = ref(held.holder), .held = true, .to_ended = ended});
      }
  } catch (const std::exception& e) {
    warn(std::string{"the trace could not be asked who holds what: "} + e.what());
    edges.clear();
  }
  return edges;
}

} // namespace troupe::scenarios
