// In which order items leave the channel of the producer-consumer scenario.
#include "scenarios/producer_consumer/actors.hpp"

namespace troupe::scenarios {

void departure_watch::add(const channel_item<stock_item>& item) {
  if (item.entered < next_) return; // it came too late to be looked at
  ++looked_at_;
  const auto priority = by_priority_ ? -item.priority : 0;
  pending_.push({item.entered, {priority, item.entered}, false});
  pending_.push({item.left, {priority, item.entered}, true});
  while (!pending_.empty() && (pending_.top().number <= next_ || pending_.size() > pending_max))
    look_at_next();
}

void departure_watch::finish() {
  while (!pending_.empty())
    look_at_next();
}

void departure_watch::look_at_next() {
  const auto event = pending_.top();
  pending_.pop();
  next_ = std::max(next_, event.number + 1);
  if (!event.leaves) {
    inside_.insert(inside_.end(), event.item);
    return;
  }
  const auto leaving = inside_.find(event.item);
  overtakers_ += leaving != inside_.begin() || leaving == inside_.end();
  if (leaving != inside_.end()) inside_.erase(leaving);
}

} // namespace troupe::scenarios
