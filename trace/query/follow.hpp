// `troupe trace follow`: where a message came from and what came of it.
#pragma once

#include "base/shown_text.hpp"
#include "trace/merge/model.hpp"

#include <string>
#include <vector>

namespace troupe::trace {

/// One line of the tree. Depth 0 is the root cause.
struct hop {
  row message = no_row;
  std::uint32_t depth = 0;
  bool asked = false;            ///< the message that was asked for
  bool seen = false;             ///< shown with its effects further up already (a join)
  bool joined = false;           ///< a cause by way of a join: not in the chain of first causes
  std::vector<row> other_causes; ///< besides the one that it hangs below
};

struct follow_report {
  const model* of = nullptr;
  row message = no_row;
  /// All causes back to those that have none, as trees of first causes; the message, whose chain of first
  /// causes stands right above it but for what was joined; its effects, depth first.
  std::vector<hop> hops;
  std::uint64_t effects = 0;
  std::uint64_t left_out = 0;        ///< effects beyond the limit
  std::uint64_t causes_left_out = 0; ///< of the joined ones, beyond the limit
  run_time from = 0, to = 0;         ///< the first send of a cause, the last handler's end
};

/// `limit` bounds the effects that are listed, and the causes that were joined (the nearest stay); 0: all.
follow_report follow_message(const model&, row message, std::uint64_t limit);
shown_text render_text(const follow_report&, int width);
std::string render_json(const follow_report&);

/// "120 µs on the way, waited 30 µs, handled in 5 µs", or what became of it instead.
std::string hop_times(const model&, row message);

} // namespace troupe::trace
