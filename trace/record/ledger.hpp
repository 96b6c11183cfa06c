// Counts what became of every message, on or off the record: the books must balance.
#pragma once

#include <array>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace troupe::trace {

/// Why a message was not handled. Names as they appear in result.json: to_string().
enum class drop_reason : std::uint8_t {
  no_handler,       ///< the receiver has no handler for this type
  expired_response, ///< the answer to a request that had already timed out or failed
  unknown_type,     ///< the peer does not know the message type
  not_serializable, ///< the type was never registered, or its encoding failed
  too_large,        ///< the envelope is over the frame limit
  queue_full,       ///< the link's outbound queue was at its limit, or what its receiver had from links
  peer_down,        ///< sent to a node that is already known to be down
  malformed,        ///< the payload did not decode
  fault_injected,   ///< a [[faults]] entry asked for it
  shutdown,         ///< still waiting when the node was stopped
};
inline constexpr std::size_t drop_reason_count = 10;
std::string_view to_string(drop_reason);

/// The books of one node. For a node that ended in order:
///   sent - remote_sent + remote_received = handled + sum(dropped) + dead_lettered
/// and over all nodes: sum(remote_sent) = sum(remote_received) + lost on links to or
/// from nodes that crashed. Drops at the sending gateway count in `sent` and `dropped`,
/// not in `remote_sent`.
struct ledger_counts {
  std::uint64_t sent = 0;            ///< by actors here, to actors anywhere
  std::uint64_t remote_sent = 0;     ///< of those, handed to a link
  std::uint64_t remote_received = 0; ///< messages that arrived over links
  std::uint64_t handled = 0;
  std::uint64_t dead_lettered = 0; ///< the receiver had ended, or ended with it in its mailbox
  std::array<std::uint64_t, drop_reason_count> dropped{};

  std::uint64_t dropped_total() const;
  /// Messages that actors of this node were sent, from here or from elsewhere, and that have no entry: they
  /// wait or are being handled. 0 for a node that ended in order.
  std::int64_t open_here() const;
  /// Of the sum over all nodes: messages without an entry. Negative where a node that sent some told nothing.
  std::int64_t open() const;
  ledger_counts& operator+=(const ledger_counts&);
  bool operator==(const ledger_counts&) const = default;
};

/// Where a ledger is kept. Files are called as those of traces are: NODE.books, or
/// NODE-<incarnation>.books where another start of that node has kept its books before.
struct ledger_options {
  std::filesystem::path directory; ///< empty: in memory only
  std::string node;
  std::uint64_t incarnation = 0;
  bool alone = false; ///< no node of that name may have been there before
};

/// Thread-safe; each thread counts in a slot of its own in a memory-mapped file, so
/// counting costs about a nanosecond and a killed process leaves its books behind. The file
/// is always a new one: what another process has mapped is never touched.
class ledger {
 public:
  /// Throws std::system_error.
  explicit ledger(const ledger_options& = {});
  ~ledger();
  ledger(const ledger&) = delete;
  ledger& operator=(const ledger&) = delete;

  void sent(std::uint64_t n = 1);
  void remote_sent(std::uint64_t n = 1);
  void remote_received(std::uint64_t n = 1);
  void handled(std::uint64_t n = 1);
  void dead_lettered(std::uint64_t n = 1);
  void dropped(drop_reason, std::uint64_t n = 1);

  /// The sum over all threads; exact once they are quiet.
  ledger_counts totals() const;

 private:
  struct impl;
  std::unique_ptr<impl> impl_;
};

/// The books that one start of a node left in a file.
struct kept_books {
  std::string node;
  std::uint64_t incarnation = 0;
  ledger_counts counts;
};
/// Throws std::runtime_error naming what is wrong.
kept_books read_books(const std::filesystem::path&);

/// All books that lie in a directory, by their names. Of a file that cannot be read, `problems`
/// gets a sentence; a node may be about to make it.
std::vector<kept_books> books_in(const std::filesystem::path& directory,
                                 std::vector<std::string>* problems = nullptr);

} // namespace troupe::trace
