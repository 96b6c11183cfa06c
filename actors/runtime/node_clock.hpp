// The clock of a node: what it holds is known, and traced.
#pragma once

#include <caf/detail/test_actor_clock.hpp>
#include <caf/detail/thread_safe_actor_clock.hpp>

#include <array>
#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <map>
#include <mutex>

namespace troupe {

/// What a clock holds, and how much was put into it so far.
struct clock_counts {
  std::int64_t pending = 0; ///< what fires is counted until it is in its receiver's mailbox
  std::uint64_t set = 0;
};
/// Of whichever clock a system has.
clock_counts counts_of(caf::actor_clock&);

/// CAF's clock hands all to a thread of its own, so that nobody can know what it holds, and forgets
/// neither time-outs of requests that were answered nor, without a look at all, those of who ended. This one
/// keeps its schedule under a lock. Messages that are put into it are recorded and booked there, whoever
/// sends them. Derives from CAF's for its schedule and because CAF's coordinators insist.
class node_clock final : public caf::detail::thread_safe_actor_clock {
 public:
  void set_ordinary_timeout(time_point, caf::abstract_actor*, caf::atom_value, std::uint64_t) override;
  void set_multi_timeout(time_point, caf::abstract_actor*, caf::atom_value, std::uint64_t) override;
  void set_request_timeout(time_point, caf::abstract_actor*, caf::message_id) override;
  void cancel_ordinary_timeout(caf::abstract_actor*, caf::atom_value) override;
  void cancel_request_timeout(caf::abstract_actor*, caf::message_id) override;
  void cancel_timeouts(caf::abstract_actor*) override;
  void schedule_message(time_point, caf::strong_actor_ptr, caf::mailbox_element_ptr) override;
  void schedule_message(time_point, caf::group, caf::strong_actor_ptr, caf::message) override;
  void cancel_all() override;

  clock_counts counts() const;
  /// Fires what is due, until end(). Finds that this process stood still.
  void run();
  /// Time-outs of requests measure the absence of others: time in which this process did not run does not
  /// count.
  void stood_still(std::chrono::nanoseconds);
  void end();

 private:
  using request_key = std::pair<caf::actor_id, std::uint64_t>;
  /// How many time-outs actors have, by id: who has none needs no lock.
  std::atomic<std::uint32_t>& timeouts_of(const caf::abstract_actor&);
  /// Changes the schedule, and wakes the thread if something is to fire earlier than all else.
  template <class Change>
  void change(Change);
  /// The same for time-outs of one actor.
  template <class Change>
  void change_of(const caf::abstract_actor&, Change);
  unique_delayed_event_ptr take_first();
  void postpone_requests(std::chrono::nanoseconds); ///< under the lock

  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::map<request_key, schedule_map::iterator> requests_;
  std::array<std::atomic<std::uint32_t>, 256> timeouts_{};
  std::size_t in_hand_ = 0; ///< fired, and not yet in a mailbox
  std::uint64_t set_ = 0;
  time_point awaited_ = time_point::max(); ///< when its thread will look again by itself
  bool ended_ = false;
};

/// CAF's clock for tests, whose messages are recorded and booked as those of a node_clock.
class recorded_test_clock final : public caf::detail::test_actor_clock {
 public:
  explicit recorded_test_clock(caf::detail::test_actor_clock& inner) : inner_(inner) {}

  time_point now() const noexcept override { return inner_.now(); }
  duration_type difference(caf::atom_value what, long units, time_point from,
                           time_point to) const noexcept override {
    return inner_.difference(what, units, from, to);
  }
  void set_ordinary_timeout(time_point, caf::abstract_actor*, caf::atom_value, std::uint64_t) override;
  void set_multi_timeout(time_point, caf::abstract_actor*, caf::atom_value, std::uint64_t) override;
  void set_request_timeout(time_point, caf::abstract_actor*, caf::message_id) override;
  void cancel_ordinary_timeout(caf::abstract_actor*, caf::atom_value) override;
  void cancel_request_timeout(caf::abstract_actor*, caf::message_id) override;
  void cancel_timeouts(caf::abstract_actor*) override;
  void schedule_message(time_point, caf::strong_actor_ptr, caf::mailbox_element_ptr) override;
  void schedule_message(time_point, caf::group, caf::strong_actor_ptr, caf::message) override;
  void cancel_all() override;

  clock_counts counts() const { return {static_cast<std::int64_t>(inner_.schedule().size()), set_}; }

 private:
  caf::detail::test_actor_clock& inner_;
  std::uint64_t set_ = 0;
};

} // namespace troupe
