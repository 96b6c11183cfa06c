// `troupe trace summary`: what a run consisted of.
#pragma once

#include "base/shown_text.hpp"
#include "trace/merge/ledger_view.hpp"
#include "trace/merge/model.hpp"

#include <string>
#include <vector>

namespace troupe::trace {

struct role_summary {
  std::string role;
  std::string node;
  std::uint64_t actors = 0;
  std::uint64_t sent = 0;
  std::uint64_t handled = 0;
  std::int64_t busy_ns = 0; ///< in handlers
};

struct type_summary {
  std::string type;
  std::uint64_t sent = 0;
  std::uint64_t handled = 0;
  std::uint64_t discarded = 0; ///< dropped or dead-lettered
  std::uint64_t between_nodes = 0;
  std::uint64_t bytes = 0;      ///< of those
  std::int64_t handling_ns = 0; ///< mean; negative: never handled
  std::int64_t wait_ns = 0;     ///< mean; negative: not known
};

/// A node that did not run for a while, once or several times.
struct standstill_summary {
  std::string node;
  std::uint64_t times = 0;
  std::int64_t longest_ns = 0;
  run_time longest_until = 0;
};

struct summary_report {
  const model* of = nullptr;
  std::uint64_t events = 0;
  std::uint64_t messages = 0;
  run_time length = 0;
  std::vector<role_summary> roles; ///< by role, then node
  std::vector<type_summary> types; ///< most frequent first
  ledger_view ledger;
  std::vector<standstill_summary> standstills; ///< by node
  row told_to_end = no_row; ///< the event that says why the launcher ended the run, if it did
};

/// One pass over the messages. The model must outlive the report.
summary_report summarize(const model&);
shown_text render_text(const summary_report&, int width);
std::string render_json(const summary_report&);

/// "the trace is complete", or what is missing from it; for the head of every command.
shown_text render_remarks(const model&);

} // namespace troupe::trace
