// `troupe trace stats`: counts, rates and distributions; mailboxes over time; who is hot.
#pragma once

#include "base/shown_text.hpp"
#include "trace/merge/model.hpp"
#include "trace/query/filter.hpp"

#include <string>
#include <vector>

namespace troupe::trace {

/// Of the values that are known; count 0: none, and the rest means nothing. Nanoseconds.
/// A percentile is the smallest value that at least that share does not exceed.
struct distribution {
  std::uint64_t count = 0;
  std::int64_t p50 = 0, p95 = 0, p99 = 0, max = 0;
};
/// Reorders the values.
distribution distribution_of(std::vector<std::int64_t>& values);

struct stats_row {
  std::string name;
  std::uint64_t messages = 0; ///< handled by it (actor, role, node), or of it (type)
  double per_second = 0;      ///< over the time from the first to the last of them
  distribution network, wait, handling;
  std::int64_t busy_ns = 0; ///< sum of handling
};

struct mailbox_row {
  std::uint32_t actor = 0;
  std::uint64_t deepest = 0;
  run_time deepest_at = 0;
  double mean = 0;                  ///< over the time of the run
  std::vector<std::uint32_t> depth; ///< the deepest in each of `mailbox_buckets` equal parts of the run
};
inline constexpr std::size_t mailbox_buckets = 48;

struct stats_report {
  const model* of = nullptr;
  std::vector<stats_row> actors, roles, nodes, types; ///< the busiest first
  std::vector<mailbox_row> mailboxes;                 ///< deepest first; those that were ever deeper than 1
};

/// Messages count whose handling matches the filter.
stats_report compute_stats(const model&, const filter&);
/// `rows` bounds each table; 0: all.
shown_text render_text(const stats_report&, std::uint64_t rows, int width);
std::string render_json(const stats_report&);

} // namespace troupe::trace
