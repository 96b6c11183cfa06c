// `troupe trace check`: what is wrong with a run, each finding with its evidence.
#pragma once

#include "base/shown_text.hpp"
#include "trace/merge/model.hpp"

#include <string>
#include <vector>

namespace troupe::trace {

enum class rule : std::uint8_t {
  not_handled, ///< sent, and it never came to a handler that wanted it
  handled_twice,
  out_of_order, ///< of one sender to one receiver, handled in another order than sent
  no_answer,    ///< a request that was handled but never answered
  waits,        ///< who waits for whom at the end of the run
  waits_in_circle,
  invariant,    ///< a promise of the scenario was broken
  actor_failed, ///< an exception, or an error that it did not handle, ended an actor
};
inline constexpr std::size_t rule_count = 8;
std::string_view to_string(rule);

enum class severity : std::uint8_t {
  note, ///< can be right: a dead letter at the end of a run
  fault,
};

struct finding {
  rule what = rule::not_handled;
  severity how = severity::fault;
  std::string sentence;
  std::uint64_t times = 1; ///< how often the like happened; the evidence is of the first ones
  std::vector<row> events; ///< the evidence, for show and for the viewer to mark
  std::vector<row> messages;
};

/// Faults first. The model's own remarks are not repeated.
std::vector<finding> check_trace(const model&);
bool any_fault(const std::vector<finding>&);

shown_text render_text(const model&, const std::vector<finding>&, int width);
std::string render_json(const model&, const std::vector<finding>&);

} // namespace troupe::trace
