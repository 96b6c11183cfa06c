// The metrics of a run by Prometheus' model. docs/command-line.md lists them.
#pragma once

#include "cli/watch/watch_source.hpp"

#include <prometheus/metric_family.h>
#include <vector>

namespace troupe::cli {

/// Actors are told up to this many, the deepest mailboxes first.
inline constexpr std::size_t metrics_actors_max = 50;

std::vector<prometheus::MetricFamily> families_of(const run_snapshot&);

} // namespace troupe::cli
