#include "runner/run/balance.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

namespace troupe::scenarios {

namespace {

/// Names of nodes by what is wrong with their books.
struct summing_up {
  trace::ledger_counts total;
  std::vector<std::string> unbalanced, without_books, crashed_without;
  bool crashed = false; ///< some node
};

summing_up sum(const trace::ledger_counts& main, const std::map<std::uint64_t, trace::ledger_counts>& books,
               const std::vector<node_report>& nodes) {
  summing_up all;
  all.total = main;
  if (main.open_here() != 0) all.unbalanced.push_back("main");
  for (auto& report : nodes) {
    if (report.name == "main" || report.ended == "never joined") continue;
    const bool orderly = report.ended == "left";
    all.crashed = all.crashed || !orderly;
    if (const auto kept = books.find(report.incarnation); kept != books.end()) {
      if (orderly && kept->second.open_here() != 0) all.unbalanced.push_back(report.name);
      all.total += kept->second;
    } else {
      (orderly ? all.without_books : all.crashed_without).push_back(report.name);
    }
  }
  return all;
}

/// What is wrong; empty: nothing.
std::string complaint(const summing_up& all) {
  const auto open = all.total.open();
  if (!all.without_books.empty())
    return fmt::format(
        "; there are no books of {}: no file in the run directory, and not told before it left",
        fmt::join(all.without_books, ", "));
  if (!all.unbalanced.empty())
    return fmt::format("; the books of {} do not balance", fmt::join(all.unbalanced, ", "));
  if (open < 0 || (open > 0 && !all.crashed)) return fmt::format("; {} messages without an entry", open);
  return {};
}

} // namespace

books_balance balance_books(const trace::ledger_counts& main,
                            const std::map<std::uint64_t, trace::ledger_counts>& books,
                            const std::vector<node_report>& nodes) {
  auto all = sum(main, books, nodes);
  std::string unseen;
  if (!all.crashed_without.empty()) {
    // What came from such a node was counted where it arrived; nobody counted it as sent.
    if (const auto surplus = all.total.open(); surplus < 0)
      all.total.sent += static_cast<std::uint64_t>(-surplus);
    unseen =
        fmt::format("; {} crashed and left no books: of what it sent and got, only the difference is known",
                    fmt::join(all.crashed_without, ", "));
  }
  const auto& total = all.total;
  const auto open = total.open();
  books_balance result{total, open > 0 ? static_cast<std::uint64_t>(open) : 0, {}};
  const auto wrong = complaint(all);
  result.check = {"the books balance", wrong.empty(),
                  fmt::format("sent {} = handled {} + dropped {} + dead-lettered {} + lost in crashes {}{}{}",
                              total.sent, total.handled, total.dropped_total(), total.dead_lettered,
                              result.lost, unseen, wrong)};
  return result;
}

} // namespace troupe::scenarios
