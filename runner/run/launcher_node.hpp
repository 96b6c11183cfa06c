// The launcher's own node, "main", and what it does when others come and go.
#pragma once

#include "runner/api/scenario.hpp"
#include "runner/run/launcher_endpoint.hpp"
#include "runner/run/members.hpp"
#include "runner/run/run_context.hpp"
#include "runner/run/stuck_detector.hpp"
#include "runner/run/trace_intake.hpp"

#include <memory>

namespace troupe::scenarios {

/// The probe that asks who is there; the detector counts its own from 1.
inline constexpr std::uint64_t presence_probe = 1ULL << 62;

/// What the node hears of goes to these. Context, endpoint and members outlive it.
struct launcher_node_parts {
  const run_context& run;
  std::uint64_t seed;
  launcher_endpoint& endpoint;
  members& others;
  std::shared_ptr<stuck_detector> detector;
  std::shared_ptr<trace_intake> intake;
};

/// Opens it, at the endpoint if there are other nodes, and tells the observer. Throws std::exception where it
/// cannot listen or write, or an obstacle is known, see obstacles.hpp.
std::unique_ptr<node> open_launcher_node(const launcher_node_parts&);

} // namespace troupe::scenarios
