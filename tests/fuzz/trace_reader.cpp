// Any bytes as a trace file: read, merged, and put through every query and export.

#include "trace/check/check.hpp"
#include "trace/check/summary.hpp"
#include "trace/export/database.hpp"
#include "trace/export/export.hpp"
#include "trace/merge/merge.hpp"
#include "trace/query/critical_path.hpp"
#include "trace/query/diff.hpp"
#include "trace/query/follow.hpp"
#include "trace/query/graph.hpp"
#include "trace/query/show.hpp"
#include "trace/query/stats.hpp"

#include <cstdio>
#include <cstdlib>

using namespace troupe;
using namespace troupe::trace;

namespace {

output& nowhere() {
  static output out{std::fopen("/dev/null", "w")};
  return out;
}

/// What the rest of the program relies on; a merge that breaks it is a find.
void demand_order(const model& m) {
  for (row i = 1; i < m.events.size(); ++i)
    if (m.events.time[i - 1] > m.events.time[i]) std::abort();
}

void ask_everything(const model& m) {
  filter all;
  all.bind(m);
  render_text(summarize(m), 80).plain();
  render_json(summarize(m));
  each_event(m, all, 0, [&](row i) {
    event_line(m, i, 80).plain();
    event_json(m, i);
    return true;
  });
  auto findings = check_trace(m);
  render_text(m, findings, 0).plain();
  render_json(m, findings);
  if (m.messages.size() > 0) render_text(follow_message(m, 0, 100), 0).plain();
  render_json(find_critical_path(m, all));
  render_text(compute_stats(m, all), 0, 0).plain();
  render_dot(who_talks_to_whom(m, all, ""));
  compare(m, m);
  auto wanted = matching_messages(m, all);
  std::vector<std::string> notes;
  export_perfetto(m, wanted, nowhere(), notes);
  export_otlp(m, wanted, nowhere(), notes);
  export_mermaid(m, wanted, nowhere(), notes);
  try {
    export_shiviz(m, wanted, nowhere(), notes);
  } catch (const export_error&) {
    return; // more actors than it draws
  }
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  try {
    auto bytes = std::as_bytes(std::span{data, size});
    std::vector<node_trace> traces;
    // The first half and the whole as two nodes: what they say of each other may clash.
    traces.push_back(read_trace_bytes(bytes, "whole"));
    traces.push_back(read_trace_bytes(bytes.first(size - size / 4), "part"));
    traces.back().info.clock_id += "x";
    auto m = merge(std::move(traces));
    demand_order(m);
    ask_everything(m);
  } catch (const read_error&) {
    return 0;
  }
  return 0;
}
