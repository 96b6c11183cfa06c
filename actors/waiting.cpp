#include "actors/waiting.hpp"

#include <algorithm>
#include <functional>
#include <thread>
#include <unordered_map>

namespace troupe {

bool activity_report::quiet() const {
  const auto in_mailboxes =
      static_cast<std::int64_t>(books.sent - books.remote_sent + books.remote_received - books.handled
                                - books.dead_lettered - books.dropped_total());
  return !blind && in_mailboxes == set_aside && unborn == 0 && timers == 0 && outside == 0 && arriving == 0;
}

// -- wait_list ---------------------------------------------------------------------

wait_list::wait_list(wait_registry& registry, actor_ref self) : registry_(registry), self_(self) {
  std::lock_guard lock{registry_.mutex_};
  registry_.lists_.insert(this);
}

wait_list::~wait_list() {
  for (auto& request : open_) {
    registry_.waiting_.fetch_sub(1, std::memory_order_relaxed);
    if (request.finite) registry_.timers(-1);
  }
  std::lock_guard lock{registry_.mutex_};
  registry_.lists_.erase(this);
}

void wait_list::opened(const open_request& request) {
  registry_.waiting_.fetch_add(1, std::memory_order_relaxed);
  if (request.finite) registry_.timers(+1);
  std::lock_guard lock{mutex_};
  open_.push_back(request);
}

trace::message_id wait_list::closed(std::uint64_t id) {
  std::lock_guard lock{mutex_};
  auto found = std::find_if(open_.begin(), open_.end(), [id](auto& request) { return request.id == id; });
  if (found == open_.end()) return {};
  registry_.waiting_.fetch_sub(1, std::memory_order_relaxed);
  if (found->finite) registry_.timers(-1);
  const auto number = found->number;
  *found = open_.back();
  open_.pop_back();
  return number;
}

void wait_list::name(std::string text) {
  if (text.size() > wait_name_bytes_max) {
    auto end = wait_name_bytes_max;
    while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xC0U) == 0x80) // within a character
      --end;
    text.resize(end);
  }
  std::lock_guard lock{mutex_};
  name_ = std::move(text);
}

void wait_list::held_by(std::optional<actor_ref> holder) {
  std::lock_guard lock{mutex_};
  holder_ = holder;
}

// -- wait_registry -----------------------------------------------------------------

wait_registry::counters& wait_registry::shard() {
  static thread_local const std::size_t mine = std::hash<std::thread::id>{}(std::this_thread::get_id());
  return shards_[mine % shards_.size()];
}

activity_report wait_registry::look(const trace::ledger& books) const {
  activity_report report;
  report.books = books.totals();
  for (auto& shard : shards_) {
    report.unborn += shard.unborn.load(std::memory_order_acquire);
    report.timers += shard.timers.load(std::memory_order_acquire);
    report.set_aside += shard.set_aside.load(std::memory_order_acquire);
  }
  report.outside = outside_.load(std::memory_order_acquire);
  report.waiting = waiting_.load(std::memory_order_acquire);
  report.blind = blind_.load(std::memory_order_acquire);
  return report;
}

std::vector<wait_edge> wait_registry::edges() const {
  std::vector<wait_edge> result;
  std::unordered_map<std::uint64_t, std::string> names;
  std::lock_guard lock{mutex_};
  for (auto* list : lists_) {
    std::lock_guard inner{list->mutex_};
    const auto name = list->name_.empty() ? "actor " + std::to_string(list->self_.id) : list->name_;
    names.emplace(list->self_.id, name);
    for (auto& request : list->open_)
      result.push_back({list->self_, request.to, name, {}, false});
    if (list->holder_) result.push_back({list->self_, *list->holder_, name, {}, true});
  }
  for (auto& edge : result)
    if (edge.to.incarnation == edge.from.incarnation)
      if (auto found = names.find(edge.to.id); found != names.end()) edge.to_name = found->second;
  return result;
}

} // namespace troupe
