// What a run looks like while it is on, from what its nodes have written so far.
#pragma once

#include "trace/record/ledger.hpp"

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace troupe::trace {

/// Messages by their type; both counts since the node began.
struct live_type {
  std::uint64_t sent = 0; ///< by actors of the node
  std::uint64_t handled = 0;
};

/// One end of a link.
struct live_link {
  bool up = false;
  /// Of the best recent exchange of heartbeats; nothing before the first.
  std::optional<std::chrono::nanoseconds> round_trip;
};

struct live_node {
  std::string name;
  /// Nothing where the node keeps its books on another host, or has not begun.
  std::optional<ledger_counts> books;
  bool traced = false;             ///< a trace is here; all below is empty without
  std::uint32_t sample_one_in = 1; ///< of its causal trees; more than 1: the counts below are of the sample
  bool ended_early = false;        ///< the trace is full, or the disk: the counts below stand still
  bool damaged = false;            ///< part of the trace could not be read
  std::uint64_t mailbox_total = 0; ///< messages in the mailboxes of all its actors
  std::uint64_t actors = 0;        ///< alive, or with messages left
  std::map<std::string, live_type> types;
  std::map<std::string, live_link> links; ///< by the name of the other node

  /// Every message of this node so far is in its trace.
  bool complete() const { return traced && sample_one_in == 1 && !ended_early && !damaged; }
};

/// An actor with something in its mailbox, the message that it is handling included. A
/// delayed message is there from when it is due.
struct live_actor {
  std::string node;
  std::string role; ///< empty: unknown
  std::uint64_t id = 0;
  std::uint64_t depth = 0;

  /// "worker-12"
  std::string name() const { return (role.empty() ? "actor" : role) + '-' + std::to_string(id); }
};

struct live_state {
  std::vector<live_node> nodes;   ///< by name, numbers in it by value
  std::vector<live_actor> actors; ///< the deepest first, equal ones by node and id
};

/// Actors that are told, unless another number is asked for.
inline constexpr std::size_t live_actors_max = 64;

/// Follows the books and traces in a run directory while they are written, and reads
/// nothing twice. Not thread-safe. Memory grows with the actors alive and the types,
/// not with the events.
class live_view {
 public:
  /// The directory may be empty still. At most `actors_max` actors are told.
  explicit live_view(std::filesystem::path run_dir, std::size_t actors_max = live_actors_max);
  ~live_view();
  live_view(const live_view&) = delete;
  live_view& operator=(const live_view&) = delete;

  /// Reads what is new. `now`: CLOCK_MONOTONIC, against which delayed messages fall due.
  /// Never throws for what is in the files: what cannot be right is left out and marked.
  live_state look(std::chrono::nanoseconds now);
  /// Trace bytes read since the beginning; for tests and measurements.
  std::uint64_t bytes_read() const;

 private:
  struct impl;
  std::unique_ptr<impl> impl_;
};

} // namespace troupe::trace
