// Who waits for whom: what the detector of deadlocks and stalls needs to know of a node.
//
// Stillness. A node is quiet when no message is in a mailbox or being handled, no actor is about to begin,
// the scheduler has no job, the clock holds nothing, and nobody has declared a source outside of the actors.
// Two looks with equal, quiet counters prove that nothing happened in between, since the counters only rise
// (F. Mattern, "Algorithms for distributed termination detection", 1987, the four-counter method).
//
// From stillness to deadlock. An actor that awaits several answers, or whose behaviour takes other messages
// meanwhile, waits for ANY of them. In that OR model (K. M. Chandy, J. Misra, L. M. Haas, "Distributed
// deadlock detection", 1983) a cycle of waits is not enough, as it is in the AND model of locks: there must
// be a knot, from which nobody who could still act can be reached. Who can act in a quiet run? An actor acts
// only when a message comes; messages come from handlers, timers and other nodes, of which there are none,
// and from threads that are no actors. So if there are no such threads either, nobody can act, every set of
// actors that wait is closed, and a cycle among them will never be broken. The same holds for a wait that
// leads to an actor that has ended with what it held.
//
// Threads. Nobody can tell to whom a thread has a handle: a database call that answers a request a minute
// later looks like nothing at all. Threads of the process that are neither this program's own nor CAF's, and
// those of blocking and detached plain CAF actors, are therefore counted: while there is one, a cycle is not
// proof. And a run without a cycle may wait for something that is not there yet: it is stalled, not
// deadlocked, and is given time (see runner/run/stuck_detector.hpp).
#pragma once

#include "actors/codec/handle_codec.hpp"
#include "actors/codec/message.hpp"
#include "trace/record/ledger.hpp"
#include "trace/record/recorder.hpp"

#include <caf/actor_control_block.hpp>

#include <array>
#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <vector>

namespace troupe {

/// Waits that one node tells of; more are left out, and a cycle may go unseen.
inline constexpr std::size_t wait_edges_max = 250'000;
/// Bytes of an actor's name for people; what is longer is cut.
inline constexpr std::size_t wait_name_bytes_max = 100;

/// One edge of the wait-for graph.
struct wait_edge {
  actor_ref from;
  actor_ref to;
  std::string from_name{}; ///< its own, see call_me(), or else its kind: "teller"; may be empty
  std::string to_name{};   ///< the same, where this node knows it
  bool from_called = false, to_called = false; ///< the name is its own
  bool held = false;                           ///< `from` is held by `to`, rather than having asked it
  bool to_ended = false;                       ///< `to` has ended
};

/// A look at one node. Comparable: two equal looks that are quiet() prove that nothing
/// happened in between.
struct activity_report {
  trace::ledger_counts books;
  std::int64_t set_aside = 0; ///< messages that an actor skipped and keeps
  std::int64_t unborn = 0;    ///< actors that have not begun
  std::int64_t timers = 0;    ///< what the clock holds
  std::int64_t outside = 0;   ///< sources outside of the actors that may send any time
  std::int64_t arriving = 0;  ///< frames not yet decoded
  std::int64_t waiting = 0;   ///< open requests
  bool blind = false;         ///< something is going on that the others do not count
  std::int64_t threads = 0;   ///< that belong to nobody known: no movement, but what they may do is not known
  std::uint64_t moves = 0;    ///< steps that nobody else counts, of plain CAF actors and the clock; it rises
  bool operator==(const activity_report&) const = default;

  bool quiet() const;
  /// Nothing moved between that look and this one. Threads may have come and gone.
  bool still(const activity_report& before) const;
};

TROUPE_FIELDS(actor_ref, incarnation, id)
TROUPE_FIELDS(wait_edge, from, to, from_name, to_name, from_called, to_called, held, to_ended)
template <class Inspector>
auto inspect(Inspector& f, activity_report& x) {
  auto& books = x.books;
  return f(caf::meta::type_name("activity_report"), books.sent, books.remote_sent, books.remote_received,
           books.handled, books.dead_lettered, books.dropped, x.set_aside, x.unborn, x.timers, x.outside,
           x.arriving, x.waiting, x.blind, x.threads, x.moves);
}

/// The open requests of one actor. Written by its own thread, read by the detector.
class wait_list {
 public:
  struct open_request {
    std::uint64_t id = 0;
    actor_ref to;
    trace::message_id number{}; ///< of the request in the trace
  };
  explicit wait_list(class wait_registry&, actor_ref self);
  ~wait_list();
  wait_list(const wait_list&) = delete;
  wait_list& operator=(const wait_list&) = delete;

  void opened(const open_request&);
  /// Returns the request's number in the trace; none if it was not open.
  trace::message_id closed(std::uint64_t id);
  void name(std::string);
  /// Answers of this actor wait until `holder` acts; nobody: they do not.
  void held_by(std::optional<actor_ref> holder, caf::weak_actor_ptr handle = {});

 private:
  friend class wait_registry;
  wait_registry& registry_;
  const actor_ref self_;
  std::mutex mutex_;
  std::vector<open_request> open_;
  std::optional<actor_ref> holder_;
  caf::weak_actor_ptr holder_handle_;
  std::string name_;
};

/// That an actor has begun and not ended. Part of it; in the list of its node meanwhile.
struct life_sign {
  life_sign* before = nullptr;
  life_sign* after = nullptr;
  std::uint64_t id = 0;        ///< 0: in no list
  std::array<char, 24> kind{}; ///< cut, with a 0 at the end
};

/// Keeps the detector from calling a run stuck that something outside of the actors (a
/// socket, a thread, a person) may still wake. Movable; ends with its owner, wherever that lives.
class outside_source {
 public:
  outside_source() = default; ///< of nothing
  explicit outside_source(class wait_registry&);
  ~outside_source() {
    if (count_ != nullptr) count_->fetch_sub(1, std::memory_order_release);
  }
  outside_source(outside_source&& other) noexcept : count_(std::move(other.count_)) {}
  outside_source& operator=(outside_source&& other) noexcept {
    std::swap(count_, other.count_);
    return *this;
  }

 private:
  std::shared_ptr<std::atomic<std::int64_t>> count_;
};

/// Of one node. Thread-safe; counting takes a few nanoseconds.
class wait_registry {
 public:
  void unborn(int change) { shard().unborn.fetch_add(change, std::memory_order_relaxed); }
  void set_aside(std::int64_t change) { shard().set_aside.fetch_add(change, std::memory_order_relaxed); }
  /// Traced actors with a thread of their own, as long as they are in memory.
  void detached(int change) { detached_.fetch_add(change, std::memory_order_relaxed); }
  std::int64_t detached() const { return detached_.load(std::memory_order_relaxed); }
  /// A job of the scheduler that decodes what arrived: it is not what moves a run.
  void decodes() { decoded_.fetch_add(1, std::memory_order_relaxed); }
  std::uint64_t decoded() const { return decoded_.load(std::memory_order_relaxed); }

  void begun(life_sign&, std::uint64_t id, std::string_view kind);
  void ended(life_sign&);

  /// What is counted here; the clock's, the scheduler's and the threads' part is in look_at().
  activity_report look(const trace::ledger&) const;
  std::vector<wait_edge> edges() const;

 private:
  friend class wait_list;
  friend class outside_source;
  struct alignas(64) counters {
    std::atomic<std::int64_t> unborn{0}, set_aside{0};
  };
  struct alignas(64) life_shard {
    mutable std::mutex mutex;
    life_sign first;
  };
  counters& shard();
  life_shard& shard_of(std::uint64_t id) { return lives_[id % lives_.size()]; }

  std::array<counters, 8> shards_;
  std::array<life_shard, 16> lives_;
  const std::shared_ptr<std::atomic<std::int64_t>> outside_ = std::make_shared<std::atomic<std::int64_t>>(0);
  std::atomic<std::int64_t> waiting_{0};
  std::atomic<std::int64_t> detached_{0};
  std::atomic<std::uint64_t> decoded_{0};
  mutable std::mutex mutex_;
  std::set<wait_list*> lists_;
};

inline outside_source::outside_source(wait_registry& registry) : count_(registry.outside_) {
  count_->fetch_add(1, std::memory_order_relaxed);
}

} // namespace troupe
