// Who holds what, as the trace of a run that is on knows it.
#pragma once

#include "actors/node/node.hpp"

#include <filesystem>
#include <functional>
#include <string>
#include <vector>

namespace troupe::scenarios {

/// By the promises "exclusive ROLE: GRANTED until RELEASED" and the traces in the run directory as they are
/// now: an edge from each resource that is held to who holds it. Empty where no promise tells of holders, the
/// traces do not record everything, or they are too large to be read while the run is on. Where they cannot
/// be read, `warn` gets a sentence. Thread-safe; reads files.
std::vector<wait_edge> holders_by_trace(const std::filesystem::path& run_dir,
                                        const std::vector<std::string>& promises,
                                        const std::function<void(const std::string&)>& warn);

} // namespace troupe::scenarios
