// The commands of `troupe trace`: what the command line calls, one function a command.
#pragma once

#include "base/output.hpp"

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

namespace troupe::trace {

/// What all trace commands understand; each uses the fields that concern it.
struct trace_query {
  /// Run directories, or *.trace files copied from elsewhere. The command line resolves
  /// "no RUN given" to the latest run. `diff` takes its second run in `against`.
  std::vector<std::filesystem::path> inputs;
  std::vector<std::filesystem::path> against;

  std::string where; ///< the filter language of docs/trace.md; empty: everything
  std::string actor; ///< shorthands, and-ed with `where`; globs: "worker-*"
  std::string node;
  std::string type;
  std::string from; ///< times since the start of the run: "1.5s", "200ms"
  std::string to;
  std::uint64_t limit = 0; ///< rows at most; 0: all

  std::string message; ///< follow: "w1:1234" or "1234", as show prints it
  std::string sql;     ///< query
  std::string format;  ///< graph: text, dot, svg; export: sqlite, csv, perfetto, otlp, shiviz, mermaid, dot
  std::string by;      ///< graph: actor, role or node; empty: actors, or roles where they are many
  std::filesystem::path output; ///< export: where to (csv: a directory); empty or "-" is `out`

  std::vector<std::filesystem::path> sources; ///< collect: files, and directories with such

  bool json = false; ///< data as JSON on `out`
  int width = 0;     ///< columns of the terminal; 0: never cut a line
};

/// Each writes data to `out` and messages to `err`, among them, first, what is missing
/// from the trace. Whether `out` took all of it is for its owner to see and to tell. They
/// return the exit code: 0 done, 1 `check` or `diff` found something,
/// 2 bad usage: an input that is no trace, a mistake in a filter; or a file that could not be
/// written. Nothing is thrown but
/// std::bad_alloc. Not interactive, no pager, safe to call from any thread.
int summary(const trace_query&, output& out, output& err);
int show(const trace_query&, output& out, output& err);
int follow(const trace_query&, output& out, output& err);
/// `troupe trace path`: the critical path.
int critical_path(const trace_query&, output& out, output& err);
int stats(const trace_query&, output& out, output& err);
int graph(const trace_query&, output& out, output& err);
int check(const trace_query&, output& out, output& err);
int diff(const trace_query&, output& out, output& err);
int query(const trace_query&, output& out, output& err);
/// Brings traces of a run's nodes that lie elsewhere (`sources`) into the run directory, and
/// tells what is still missing. 0: done; without sources 1 if something is missing; 2: a
/// source is of another run, or cannot be read.
int collect(const trace_query&, output& out, output& err);
/// `troupe trace export`.
int export_trace(const trace_query&, output& out, output& err);
/// Writes the viewer's page to `output`, by default trace.html in the run directory ("-":
/// to `out`), and prints where it is.
int view(const trace_query&, output& out, output& err);

} // namespace troupe::trace
