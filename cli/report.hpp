// What `run` prints when a run has ended.
#pragma once

#include "scenarios/runner.hpp"

#include <string>

namespace troupe::cli {

/// Rows of a table that are shown; the rest is in result.json.
inline constexpr std::size_t rows_shown_max = 20;

/// A scenario's result, whatever its shape: scalars as lines, lists of objects as tables.
std::string render_result(const nlohmann::json& result, bool colour);

/// Result, nodes, messages, checks, and the verdict in the last line.
std::string render(const scenarios::outcome&, bool colour);

} // namespace troupe::cli
