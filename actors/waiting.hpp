// Who waits for whom: what the deadlock detector needs to know of a node.
//
// A node is quiet when no message is in a mailbox or being handled, no actor is about
// to begin, no timer of an actor is set and nothing outside can wake one. A run in which
// all nodes are quiet, nothing is on its way between them, and requests are open can
// never go on. Two looks with equal, quiet counters prove it: the counters only rise, so
// nothing happened in between (F. Mattern, "Algorithms for distributed termination
// detection", 1987, the four-counter method).
#pragma once

#include "actors/handle_codec.hpp"
#include "trace/ledger.hpp"
#include "trace/recorder.hpp"

#include <caf/meta/type_name.hpp>

#include <array>
#include <atomic>
#include <cstdint>
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
  std::string from_name; ///< as people know it: "philosopher 0"
  std::string to_name;   ///< empty where this node does not know it
  bool held = false;     ///< `from` is held by `to`, rather than having asked it
};

/// A look at one node. Comparable: two equal looks that are quiet() prove that nothing
/// happened in between.
struct activity_report {
  trace::ledger_counts books;
  std::int64_t set_aside = 0; ///< messages that an actor skipped and keeps
  std::int64_t unborn = 0;    ///< actors that have not begun
  std::int64_t timers = 0;    ///< of actors, and requests that will time out
  std::int64_t outside = 0;   ///< sources outside of the actors that may send any time
  std::int64_t arriving = 0;  ///< frames not yet decoded
  std::int64_t waiting = 0;   ///< open requests
  bool blind = false;         ///< something went on that cannot be seen: never quiet
  bool operator==(const activity_report&) const = default;

  bool quiet() const;
};

template <class Inspector>
auto inspect(Inspector& f, actor_ref& x) {
  return f(caf::meta::type_name("actor_ref"), x.incarnation, x.id);
}
template <class Inspector>
auto inspect(Inspector& f, wait_edge& x) {
  return f(caf::meta::type_name("wait_edge"), x.from, x.to, x.from_name, x.to_name, x.held);
}
template <class Inspector>
auto inspect(Inspector& f, activity_report& x) {
  auto& books = x.books;
  return f(caf::meta::type_name("activity_report"), books.sent, books.remote_sent, books.remote_received,
           books.handled, books.dead_lettered, books.dropped, x.set_aside, x.unborn, x.timers, x.outside,
           x.arriving, x.waiting, x.blind);
}

/// The open requests of one actor. Written by its own thread, read by the detector.
class wait_list {
 public:
  struct open_request {
    std::uint64_t id = 0;
    actor_ref to;
    bool finite = false;
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
  void held_by(std::optional<actor_ref> holder);

 private:
  friend class wait_registry;
  wait_registry& registry_;
  const actor_ref self_;
  std::mutex mutex_;
  std::vector<open_request> open_;
  std::optional<actor_ref> holder_;
  std::string name_;
};

/// Of one node. Thread-safe; counting takes a few nanoseconds.
class wait_registry {
 public:
  void unborn(int change) { shard().unborn.fetch_add(change, std::memory_order_relaxed); }
  void timers(int change) { shard().timers.fetch_add(change, std::memory_order_relaxed); }
  void set_aside(int change) { shard().set_aside.fetch_add(change, std::memory_order_relaxed); }
  void outside(int change) { outside_.fetch_add(change, std::memory_order_relaxed); }
  void blinded() { blind_.store(true, std::memory_order_relaxed); }

  activity_report look(const trace::ledger&) const;
  std::vector<wait_edge> edges() const;

 private:
  friend class wait_list;
  struct alignas(64) counters {
    std::atomic<std::int64_t> unborn{0}, timers{0}, set_aside{0};
  };
  counters& shard();

  std::array<counters, 8> shards_;
  std::atomic<std::int64_t> outside_{0};
  std::atomic<std::int64_t> waiting_{0};
  std::atomic<bool> blind_{false};
  mutable std::mutex mutex_;
  std::set<wait_list*> lists_;
};

/// The next request on this thread has a time-out.
inline thread_local bool next_request_is_finite = false;

/// Keeps the detector from calling a run stuck that something outside of the actors (a
/// socket, a thread, a person) may still wake. Movable; ends with its owner.
class outside_source {
 public:
  explicit outside_source(wait_registry& registry) : registry_(&registry) { registry.outside(+1); }
  ~outside_source() {
    if (registry_ != nullptr) registry_->outside(-1);
  }
  outside_source(outside_source&& other) noexcept : registry_(std::exchange(other.registry_, nullptr)) {}
  outside_source& operator=(outside_source&&) = delete;

 private:
  wait_registry* registry_;
};

} // namespace troupe
