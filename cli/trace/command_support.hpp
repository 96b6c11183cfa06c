// What all commands do first and last. Only the commands' own sources include this.
#pragma once

#include "cli/trace/commands.hpp"
#include "trace/merge/model.hpp"
#include "trace/query/filter.hpp"

#include <functional>

namespace troupe::trace {

/// A mistake of the caller: printed, and exit code 2.
class usage_error : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

/// `where` and its shorthands as one filter. Throws filter_error or usage_error.
filter combined_filter(const trace_query&);

/// Whether what -o names is a file, not stdout: no -o at all, or `-`.
bool to_file(const std::filesystem::path& output);
/// Has `write` write to that file, which is there whole afterwards, or not at all; or to `out`,
/// whose owner tells what could not be written. Throws file_error.
void write_to(const std::filesystem::path& output_file, output& out,
              const std::function<void(output&)>& write);

/// Turns exceptions into messages on `err` and exit codes.
int guarded(output& err, const std::function<int()>&);

/// Loads the inputs and tells, on `err`, what is missing from them. For commands whose
/// data says so itself (summary, --json of check), `tell` is false.
model load_for(const trace_query&, output& err, bool tell = true);

/// JSON where that was asked for, else text for people.
void put(output& out, const trace_query&, const std::function<std::string()>& json,
         const std::function<shown_text()>& text);

} // namespace troupe::trace
