// Who waits for whom when the run ends. Only the check's own sources include this.
#pragma once

#include "trace/check/check.hpp"

namespace troupe::trace {

/// The requests of actors to which no answer was sent before the event `end`, whatever became of them;
/// not those whose end the requester was told of (dropped, dead-lettered).
std::vector<row> open_requests(const model&, row end = no_row);

/// It was cut short: one of the two ended with the run, or with its node, or their link did not last.
bool ended_with_the_run(const model&, row request);

/// The event with which the run was told to end; no_row: it ended by itself.
row told_to_end_at(const model&);

/// Adds who waits for whom, and each circle once. A requester waits for the receiver; a
/// resource (see the invariant "exclusive") waits for its holder. Circles are looked for as
/// things stood when the run was told to end, if it was; one with somebody in it who was still to
/// handle a message, or who had gone with his node, is none.
void check_waits(const model&, const std::vector<row>& open, std::vector<finding>&);

} // namespace troupe::trace
