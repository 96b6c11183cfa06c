#include "actors/runtime/node_clock.hpp"

#include "actors/runtime/tracing.hpp"
#include "transport/frames/standstill.hpp"

#include <caf/abstract_actor.hpp>
#include <caf/group.hpp>

namespace troupe {

// -- node_clock ------------------------------------------------------------------------

std::atomic<std::uint32_t>& node_clock::timeouts_of(const caf::abstract_actor& actor) {
  return timeouts_[actor.id() % timeouts_.size()];
}

template <class Change>
void node_clock::change(Change work) {
  bool earlier = false;
  {
    const std::lock_guard lock{mutex_};
    work();
    earlier = !schedule_.empty() && schedule_.begin()->first < awaited_;
    if (earlier) awaited_ = schedule_.begin()->first;
  }
  if (earlier) changed_.notify_one();
}

template <class Change>
void node_clock::change_of(const caf::abstract_actor& actor, Change work) {
  change([&] {
    const auto before = actor_lookup_.size() + requests_.size();
    work();
    timeouts_of(actor).fetch_add(static_cast<std::uint32_t>(actor_lookup_.size() + requests_.size() - before),
                                 std::memory_order_relaxed);
  });
}

void node_clock::set_ordinary_timeout(time_point when, caf::abstract_actor* self, caf::atom_value type,
                                      std::uint64_t id) {
  change_of(*self, [&] {
    ++set_;
    simple_actor_clock::set_ordinary_timeout(when, self, type, id);
  });
}

void node_clock::set_multi_timeout(time_point when, caf::abstract_actor* self, caf::atom_value type,
                                   std::uint64_t id) {
  change_of(*self, [&] {
    ++set_;
    simple_actor_clock::set_multi_timeout(when, self, type, id);
  });
}

/// By number, since one actor may have many of them and CAF's index knows no more than whose they are.
void node_clock::set_request_timeout(time_point when, caf::abstract_actor* self, caf::message_id id) {
  auto timeout = std::make_unique<request_timeout>(when, caf::strong_actor_ptr{self->ctrl()}, id);
  timeout->backlink = actor_lookup_.end();
  change_of(*self, [&] {
    ++set_;
    requests_[{self->id(), id.integer_value()}] = schedule_.emplace(when, std::move(timeout));
  });
}

void node_clock::cancel_ordinary_timeout(caf::abstract_actor* self, caf::atom_value type) {
  if (timeouts_of(*self).load(std::memory_order_relaxed) == 0) return;
  change_of(*self, [&] { simple_actor_clock::cancel_ordinary_timeout(self, type); });
}

void node_clock::cancel_request_timeout(caf::abstract_actor* self, caf::message_id id) {
  if (timeouts_of(*self).load(std::memory_order_relaxed) == 0) return;
  change_of(*self, [&] {
    const auto found = requests_.find({self->id(), id.integer_value()});
    if (found == requests_.end()) return;
    schedule_.erase(found->second);
    requests_.erase(found);
  });
}

void node_clock::cancel_timeouts(caf::abstract_actor* self) {
  if (timeouts_of(*self).load(std::memory_order_relaxed) == 0) return;
  change_of(*self, [&] {
    simple_actor_clock::cancel_timeouts(self);
    auto each = requests_.lower_bound({self->id(), 0});
    while (each != requests_.end() && each->first.first == self->id()) {
      schedule_.erase(each->second);
      each = requests_.erase(each);
    }
  });
}

void node_clock::schedule_message(time_point when, caf::strong_actor_ptr receiver,
                                  caf::mailbox_element_ptr content) {
  content = tracing::wrap_delayed(receiver, when - now(), std::move(content));
  change([&] {
    ++set_;
    simple_actor_clock::schedule_message(when, std::move(receiver), std::move(content));
  });
}

void node_clock::schedule_message(time_point when, caf::group target, caf::strong_actor_ptr sender,
                                  caf::message content) {
  change([&] {
    ++set_;
    simple_actor_clock::schedule_message(when, std::move(target), std::move(sender), std::move(content));
  });
}

/// What a message brings to its end may ask the clock for something: not under the lock.
void node_clock::cancel_all() {
  schedule_map dropped;
  const std::lock_guard lock{mutex_};
  dropped.swap(schedule_);
  actor_lookup_.clear();
  requests_.clear();
  for (auto& each : timeouts_)
    each.store(0, std::memory_order_relaxed);
}

clock_counts node_clock::counts() const {
  const std::lock_guard lock{mutex_};
  return {static_cast<std::int64_t>(schedule_.size() + in_hand_), set_};
}

node_clock::unique_delayed_event_ptr node_clock::take_first() {
  const auto first = schedule_.begin();
  auto event = std::move(first->second);
  const auto forget = [&](const caf::strong_actor_ptr& whose) {
    timeouts_of(*whose->get()).fetch_sub(1, std::memory_order_relaxed);
  };
  if (event->subtype == request_timeout_type) {
    auto& timeout = static_cast<request_timeout&>(*event);
    requests_.erase({timeout.self->id(), timeout.id.integer_value()});
    forget(timeout.self);
  } else if (event->backlink != actor_lookup_.end()) {
    actor_lookup_.erase(event->backlink);
    forget(event->subtype == ordinary_timeout_type ? static_cast<ordinary_timeout&>(*event).self
                                                   : static_cast<multi_timeout&>(*event).self);
  }
  schedule_.erase(first);
  return event;
}

void node_clock::postpone_requests(std::chrono::nanoseconds by) {
  for (auto& [request, place] : requests_) {
    auto entry = schedule_.extract(place);
    entry.key() += by;
    entry.mapped()->due += by;
    place = schedule_.insert(std::move(entry));
  }
}

void node_clock::stood_still(std::chrono::nanoseconds how_long) {
  change([&] { postpone_requests(how_long); });
}

void node_clock::run() {
  std::unique_lock lock{mutex_};
  transport::standstill_watch watch{now()};
  while (!ended_) {
    const auto present = now();
    if (const auto late = watch.look(present); late.count() > 0) postpone_requests(late);
    if (schedule_.empty()) {
      awaited_ = time_point::max();
      watch.sleeps_until(awaited_);
      changed_.wait(lock);
    } else if (awaited_ = schedule_.begin()->first; awaited_ > present) {
      if (!requests_.empty()) awaited_ = std::min(awaited_, present + watch.interval());
      watch.sleeps_until(awaited_);
      changed_.wait_until(lock, time_point{awaited_});
    } else {
      auto event = take_first();
      ++in_hand_;
      lock.unlock();
      ship(*event);
      event.reset();
      lock.lock();
      --in_hand_;
    }
  }
}

void node_clock::end() {
  {
    const std::lock_guard lock{mutex_};
    ended_ = true;
  }
  changed_.notify_one();
}

// -- recorded_test_clock ---------------------------------------------------------------

void recorded_test_clock::set_ordinary_timeout(time_point when, caf::abstract_actor* self,
                                               caf::atom_value type, std::uint64_t id) {
  ++set_;
  inner_.set_ordinary_timeout(when, self, type, id);
}
void recorded_test_clock::set_multi_timeout(time_point when, caf::abstract_actor* self, caf::atom_value type,
                                            std::uint64_t id) {
  ++set_;
  inner_.set_multi_timeout(when, self, type, id);
}
void recorded_test_clock::set_request_timeout(time_point when, caf::abstract_actor* self,
                                              caf::message_id id) {
  ++set_;
  inner_.set_request_timeout(when, self, id);
}
void recorded_test_clock::cancel_ordinary_timeout(caf::abstract_actor* self, caf::atom_value type) {
  inner_.cancel_ordinary_timeout(self, type);
}
void recorded_test_clock::cancel_request_timeout(caf::abstract_actor* self, caf::message_id id) {
  inner_.cancel_request_timeout(self, id);
}
void recorded_test_clock::cancel_timeouts(caf::abstract_actor* self) { inner_.cancel_timeouts(self); }
void recorded_test_clock::schedule_message(time_point when, caf::strong_actor_ptr receiver,
                                           caf::mailbox_element_ptr content) {
  ++set_;
  content = tracing::wrap_delayed(receiver, when - now(), std::move(content));
  inner_.schedule_message(when, std::move(receiver), std::move(content));
}
void recorded_test_clock::schedule_message(time_point when, caf::group target, caf::strong_actor_ptr sender,
                                           caf::message content) {
  ++set_;
  inner_.schedule_message(when, std::move(target), std::move(sender), std::move(content));
}
void recorded_test_clock::cancel_all() { inner_.cancel_all(); }

clock_counts counts_of(caf::actor_clock& clock) {
  if (auto* ours = dynamic_cast<node_clock*>(&clock)) return ours->counts();
  if (auto* ours = dynamic_cast<recorded_test_clock*>(&clock)) return ours->counts();
  if (auto* plain = dynamic_cast<caf::detail::test_actor_clock*>(&clock))
    return {static_cast<std::int64_t>(plain->schedule().size()), 0};
  return {};
}

} // namespace troupe
