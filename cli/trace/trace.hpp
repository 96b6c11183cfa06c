// `troupe trace`: finds the run and calls the trace room.
#pragma once

#include "cli/commands/commands.hpp"

namespace CLI {
class App;
}

namespace troupe::cli {

/// Adds the command `trace` with its own commands; the one that is named goes into
/// `action`.
void add_trace(CLI::App&, const context&, std::function<int()>& action);

/// The run that was named: a path, the name of a run under `out`, or the latest there.
/// Throws run_directory_error.
std::filesystem::path resolve_run(const std::string& named, const std::filesystem::path& out);

} // namespace troupe::cli
