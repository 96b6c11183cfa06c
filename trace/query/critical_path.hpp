// `troupe trace path`: the chain of messages and handlers that determined the length of
// the run. Walked backwards from the last handler: a handler could not begin before its
// message had arrived, nor before its actor was free; whichever came later is what it
// waited for, and the walk goes on there. What was sent from outside of all actors, by the
// wiring or a timer of its own, followed the last handler that had ended on that node.
#pragma once

#include "base/shown_text.hpp"
#include "trace/merge/model.hpp"
#include "trace/query/filter.hpp"

#include <string>
#include <vector>

namespace troupe::trace {

struct path_hop {
  row handler = no_row; ///< event: handled or unfinished
  row message = no_row;
  bool behind = false;          ///< it waited for its actor, busy with the hop before, not for its message
  bool bridged = false;         ///< its message came from outside of all actors, after the hop before
  std::int64_t outside_ns = 0;  ///< from the end of the hop before to the send, if no handler sent it
  std::int64_t network_ns = 0;  ///< on the path: from the send to the arrival
  std::int64_t delay_ns = 0;    ///< of a timer
  std::int64_t wait_ns = 0;     ///< ready to run, waiting for a thread
  std::int64_t handling_ns = 0; ///< until it sent the next hop's message, or ended
};

struct path_report {
  const model* of = nullptr;
  std::vector<path_hop> hops; ///< in order of time
  run_time from = 0, to = 0;
  std::int64_t network_ns = 0, delay_ns = 0, wait_ns = 0, handling_ns = 0, outside_ns = 0; ///< sums
};

/// Ends at the handler that ended last among those that match. Empty if none does.
path_report find_critical_path(const model&, const filter& last);
shown_text render_text(const path_report&, int width);
std::string render_json(const path_report&);

} // namespace troupe::trace
