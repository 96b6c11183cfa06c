// What bench_trace measures; each part adds its figures.
#pragma once

#include <string>
#include <utility>
#include <vector>

namespace troupe::bench {

/// A figure by its key in the JSON object, with a line for people.
struct trace_figure {
  std::string key;
  double value = 0;
  std::string about;
};

/// off_ratio and headers_ns_per_message; defined in trace_actors.cpp.
void measure_traced_actors(std::vector<trace_figure>&);

} // namespace troupe::bench
