// Who waits for whom when the run ends. Only the check's own sources include this.
#pragma once

#include "trace/check.hpp"

namespace troupe::trace {

/// Requests without an answer, whatever became of them; not those whose end the requester
/// was told of (dropped, dead-lettered).
std::vector<row> open_requests(const model&);

/// Adds who waits for whom, and each circle once. A requester waits for the receiver; a
/// resource (see the invariant "exclusive") waits for its holder.
void check_waits(const model&, const std::vector<row>& open, std::vector<finding>&);

} // namespace troupe::trace
