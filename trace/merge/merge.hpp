// From the traces of single nodes to one causal sequence.
#pragma once

#include "trace/merge/reader.hpp"

namespace troupe::trace {

/// Merges the nodes of one run. Message ids become global through the nodes' tables (name
/// and incarnation); clocks of other hosts are mapped to the first node's by the offsets
/// that the links measured; and where a cause would still sort after its effect, the
/// effect is moved behind it and a remark tells how many were. Takes the traces apart
/// while it reads them, to save memory.
model merge(std::vector<node_trace>&&, std::vector<remark> remarks = {});

/// read_traces, then merge.
model load(const std::vector<std::filesystem::path>& inputs);

} // namespace troupe::trace
