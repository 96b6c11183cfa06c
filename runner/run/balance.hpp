// Balances the books of a run: what became of every message that its actors sent.
#pragma once

#include "runner/run/runner.hpp"

#include <cstdint>
#include <map>
#include <vector>

namespace troupe::scenarios {

struct books_balance {
  trace::ledger_counts total; ///< over all nodes whose books are there
  std::uint64_t lost = 0;     ///< messages without an entry, lost in crashes
  check_result check;         ///< "the books balance", with the sum as its detail
};

/// Sums the books of the launcher's node and of every start of another node, and says what is unaccounted
/// for. `books`: by incarnation. `nodes`: all starts of all nodes; the one called "main" and those that
/// never joined have no books in the map. A node that left in order must have books, and they must balance
/// by themselves; of one that crashed neither is asked. Pure.
books_balance balance_books(const trace::ledger_counts& main,
                            const std::map<std::uint64_t, trace::ledger_counts>& books,
                            const std::vector<node_report>& nodes);

} // namespace troupe::scenarios
