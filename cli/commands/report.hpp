// What `run` prints when a run has ended.
#pragma once

#include "base/shown_text.hpp"
#include "runner/run/runner.hpp"

#include <string>

namespace troupe::cli {

/// Rows of a table that are shown; the rest is in result.json.
inline constexpr std::size_t rows_shown_max = 20;

/// A scenario's result, whatever its shape: scalars as lines, lists of objects as tables.
shown_text render_result(const nlohmann::json& result);

/// Result, nodes, messages, checks, and the verdict in the last line.
shown_text render(const scenarios::outcome&);

} // namespace troupe::cli
