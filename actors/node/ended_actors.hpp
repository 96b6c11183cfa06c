// Which actors of a peer have ended, not too long ago: for who still waits for one of them.
#pragma once

#include <caf/fwd.hpp>

#include <cstddef>
#include <deque>
#include <mutex>
#include <set>

namespace troupe {

/// The latest of them. Thread-safe.
class ended_actors {
 public:
  static constexpr std::size_t kept = 4096;

  void add(caf::actor_id id) {
    std::lock_guard lock{mutex_};
    if (!known_.insert(id).second) return;
    in_order_.push_back(id);
    if (in_order_.size() <= kept) return;
    known_.erase(in_order_.front());
    in_order_.pop_front();
  }
  bool contains(caf::actor_id id) const {
    std::lock_guard lock{mutex_};
    return known_.contains(id);
  }

 private:
  mutable std::mutex mutex_;
  std::set<caf::actor_id> known_;
  std::deque<caf::actor_id> in_order_;
};

} // namespace troupe
