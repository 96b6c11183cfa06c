#include "runner/run/obstacles.hpp"

#include "base/cores.hpp"
#include "base/process_limits.hpp"
#include "runner/member/socket_directory.hpp"
#include "transport/hub/endpoints.hpp"

#include <fmt/format.h>

namespace troupe::scenarios {

namespace {

/// Of the launcher itself: its own node, trace, logs, terminal.
constexpr std::size_t files_of_launcher = 64;
/// Of a node beside those of its scheduler: clock, links, ZeroMQ, signals, the lifeline.
constexpr std::size_t threads_beside_scheduler = 7;

std::string lacking_files(const topology_plan& topology) {
  const auto nodes = static_cast<std::size_t>(topology.nodes) + topology.external.size();
  const auto needed = files_of_launcher + files_a_node_min * nodes;
  const auto left = files_left(files_of_launcher + files_a_node * nodes);
  if (left >= needed) return {};
  return fmt::format(
      "{} nodes need {} open files, and this process may open {} more of at most {}: raise the limit "
      "(`ulimit -n`), or take fewer nodes",
      nodes, needed, left, files_max());
}

std::string lacking_threads(const topology_plan& topology) {
  const auto cores = std::max<std::size_t>(2, usable_cores().size());
  const auto each =
      (topology.threads != 0 ? static_cast<std::size_t>(topology.threads) : cores) + threads_beside_scheduler;
  const auto needed = each * (static_cast<std::size_t>(topology.nodes) + 1);
  const auto most = processes_max();
  if (most >= needed) return {};
  return fmt::format(
      "{} nodes need about {} threads, and this user may have {}: raise the limit (`ulimit -u`), or take "
      "fewer nodes or `threads`",
      topology.nodes, needed, most);
}

std::string lacking_place(const topology_plan& topology) {
  if (topology.endpoint == endpoint_kind::ipc) {
    try {
      choose_socket_directory();
    } catch (const std::exception& e) {
      return e.what();
    }
  }
  if (topology.endpoint == endpoint_kind::tcp)
    if (const auto why = transport::why_not_bindable(topology.host); !why.empty())
      return fmt::format("cannot listen at `host` = \"{}\" of [topology]: {}", topology.host, why);
  return {};
}

} // namespace

std::vector<std::string> obstacles(const topology_plan& topology) {
  if (topology.nodes == 0 && topology.external.empty()) return {};
  std::vector<std::string> found;
  for (auto& each : {lacking_place(topology), lacking_files(topology), lacking_threads(topology)})
    if (!each.empty()) found.push_back(each);
  return found;
}

} // namespace troupe::scenarios
