// The ledger as the trace alone tells it.
#pragma once

#include "trace/merge/model.hpp"

#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace troupe::trace {

/// What became of a message. Exactly one holds of each message that was sent.
enum class fate : std::uint8_t {
  handled,
  in_handler, ///< its node ended, or the trace did, while its handler ran
  dropped,
  dead_lettered,
  lost,       ///< it was on its way to or waiting at a node that did not end in order, or its link did not
  unrecorded, ///< the trace has gaps where its end would be
  vanished,   ///< none of these: a message disappeared without an entry
};
inline constexpr std::size_t fate_count = 7;
std::string_view to_string(fate);
fate fate_of(const model&, row message);
/// Of what was dropped or dead-lettered.
std::string_view why_discarded(const model&, row message);

struct ledger_view {
  std::uint64_t sent = 0;
  std::uint64_t unsent = 0; ///< received, but their send is not in the trace
  std::uint64_t counts[fate_count] = {};
  std::map<std::string, std::uint64_t> dropped;       ///< by reason
  std::map<std::string, std::uint64_t> dead_lettered; ///< by reason
  std::uint64_t count(fate f) const { return counts[static_cast<std::size_t>(f)]; }
  /// Every message sent has its entry.
  bool balanced() const { return count(fate::vanished) == 0; }
};
ledger_view balance(const model&);

} // namespace troupe::trace
