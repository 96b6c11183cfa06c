// Who may put how much into a channel and who gets how much out of it: the bookkeeping of
// actors/patterns/channel.hpp, without any actor and without the items.
#pragma once

#include "actors/runtime/traced_actor.hpp"

#include <caf/actor.hpp>

#include <deque>
#include <map>
#include <set>
#include <vector>

namespace troupe {

enum class channel_order : std::uint8_t {
  fifo,     ///< first in, first out
  priority, ///< the highest priority in the buffer first, first in first out within one
};

struct channel_options {
  std::uint64_t capacity = 1; ///< items; 0 counts as 1
  channel_order order = channel_order::fifo;
  /// How many producers say channel_done (or die) before the channel closes; 0: it is
  /// closed by close_channel alone.
  std::uint64_t producers = 0;
  /// Credit only for what consumers have asked for and not got: nothing is put, and with
  /// producers that wait for credit nothing is made, that nobody wants.
  bool pull = false;
};
TROUPE_MESSAGE(channel_options, capacity, order, producers, pull)

/// The fill of a buffer from one time to another, since its channel was made.
struct fill_sample {
  caf::timespan from{0}, to{0};
  std::uint64_t low = 0, high = 0;
};
TROUPE_FIELDS(fill_sample, from, to, low, high)

/// Lowest and highest fill in spans of equal length, at most `samples_max` of them: the
/// spans get longer with time, memory does not.
class fill_history {
 public:
  static constexpr std::size_t samples_max = 20;

  /// Times must not decrease.
  void note(caf::timespan now, std::uint64_t fill);
  std::vector<fill_sample> samples() const;

 private:
  struct span {
    std::uint64_t low, high;
  };
  caf::timespan width_{std::chrono::microseconds{100}};
  caf::timespan last_time_{0};
  std::uint64_t last_fill_ = 0;
  std::vector<span> spans_;
};

/// Invariant: items in the buffer + credit given and not used <= capacity. Not
/// thread-safe; lives in the channel's state. Producers and consumers are served in the
/// order in which they asked, free places and items being shared among those that wait.
class channel_flow {
 public:
  struct portion {
    caf::actor who;
    std::uint64_t items = 0;
    message_token why; ///< the message that asked
  };

  explicit channel_flow(const channel_options&);

  /// True if this actor is new here and should be monitored.
  bool want(const caf::actor&, std::uint64_t items, message_token);
  bool take(const caf::actor&, std::uint64_t items, message_token);
  /// Returns how many of so many items were covered by credit, which is used up.
  std::uint64_t use_credit(const caf::actor_addr&, std::uint64_t items);
  void done(const caf::actor&);
  /// The actor ended: its credit and its requests are void.
  void gone(const caf::actor_addr&);
  void close(bool discard);

  /// What is to be handed out while `fill` items are in the buffer. Each call takes
  /// what it returns as sent.
  std::vector<portion> shares(std::uint64_t fill);
  std::vector<portion> grants(std::uint64_t fill);
  /// Who asked for what will not come.
  std::vector<caf::actor> to_be_told(std::uint64_t fill);

  bool discards() const { return discards_; }
  std::uint64_t credit_out() const { return credit_out_; }

 private:
  bool know(const caf::actor&);

  const channel_options options_;
  std::deque<portion> wants_, takes_;
  std::uint64_t demand_ = 0;                        ///< sum over takes_
  std::map<caf::actor_addr, std::uint64_t> credit_; ///< of each producer, unused
  std::uint64_t credit_out_ = 0;                    ///< sum over credit_
  std::set<caf::actor_addr> known_;
  std::set<caf::actor_addr> producers_; ///< asked for credit, not done
  std::set<caf::actor_addr> finished_;  ///< said that they are done
  std::uint64_t done_ = 0;
  bool closed_ = false;
  bool discards_ = false;
};

} // namespace troupe
