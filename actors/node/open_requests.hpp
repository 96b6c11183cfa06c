// The requests to actors of one peer that have no answer yet.
#pragma once

#include <caf/message_id.hpp>

#include <cstdint>
#include <mutex>
#include <set>
#include <utility>

namespace troupe {

/// Thread-safe.
class open_requests {
 public:
  /// Who asked, and the request's number, which no other request of that actor has.
  using request = std::pair<caf::actor_id, std::uint64_t>;

  /// `id`: of the request, or of what answers it.
  static request of(caf::actor_id asker, caf::message_id id) {
    return {asker, id.request_id().integer_value()};
  }

  /// False if it is there already, or the peer has ended.
  bool add(const request& what) {
    std::lock_guard lock{mutex_};
    return !ended_ && open_.insert(what).second;
  }
  /// False if it is not there (any more).
  bool remove(const request& what) {
    std::lock_guard lock{mutex_};
    return open_.erase(what) != 0;
  }
  /// Takes no more, and gives back those that nobody will answer.
  std::set<request> end() {
    std::lock_guard lock{mutex_};
    ended_ = true;
    return std::exchange(open_, {});
  }

 private:
  std::mutex mutex_;
  std::set<request> open_;
  bool ended_ = false;
};

} // namespace troupe
