#include "actors/patterns/pool.hpp"

#include "actors/codec/message_catalog.hpp"

#include <algorithm>
#include <numeric>

namespace troupe {

void add_pool_messages(message_catalog& catalog) {
  catalog.add<worker_ready, assign_task, task_done, poison_pill, worker_exiting, worker_hired, join_pool,
              pool_joined>();
}

namespace {
constexpr std::size_t nobody = static_cast<std::size_t>(-1);
}

pool::pool(std::string kind, std::vector<std::string> inputs, dispatch_kind dispatch, std::size_t prefetch)
    : kind_(std::move(kind)), inputs_(std::move(inputs)), dispatch_(dispatch),
      prefetch_(std::max<std::size_t>(prefetch, 1)), waiting_(inputs_.size()), results_(inputs_.size()) {
  std::iota(waiting_.begin(), waiting_.end(), 0);
}

std::size_t pool::index_of(const caf::actor_addr& who) const {
  const auto found = numbers_.find(who);
  return found == numbers_.end() ? nobody : found->second;
}

void pool::mark_dead(std::size_t worker) {
  if (std::exchange(workers_[worker].alive, false)) --alive_;
}

void pool::hand(std::size_t worker, std::vector<assignment>& out) {
  const auto task = waiting_.front();
  waiting_.pop_front();
  assigned_[worker].push_back(task);
  out.push_back({workers_[worker].handle, {task, kind_, inputs_[task]}});
}

/// Towards the end everybody gets less, so that all get through at about the same time: a fair
/// share of what is left, as in guided self-scheduling (Polychronopoulos and Kuck, 1987).
/// Of several workers each gets the last ones one at a time: who holds two may have two long ones,
/// and others none. A single one always has one to go on with.
std::size_t pool::share() const {
  const auto fair = waiting_.size() / std::max<std::size_t>(alive_, 1);
  return std::min(prefetch_, std::max<std::size_t>(alive_ > 1 ? 1 : 2, fair));
}

/// Up to a share, once half of that is done: several go out at a time, which costs a worker on
/// another node one waking instead of one each.
void pool::refill(std::size_t worker, std::vector<assignment>& out) {
  const auto most = share();
  if (assigned_[worker].size() > most / 2) return;
  while (begun_ && workers_[worker].alive && assigned_[worker].size() < most && !waiting_.empty())
    hand(worker, out);
}

std::vector<pool::assignment> pool::on_ready(const caf::actor& who, const std::string& node) {
  std::vector<assignment> out;
  if (!numbers_.emplace(who.address(), workers_.size()).second) return out;
  ++alive_;
  workers_.push_back({who, "worker-" + std::to_string(workers_.size() + 1), node});
  assigned_.emplace_back();
  if (dispatch_ == dispatch_kind::pull) refill(workers_.size() - 1, out);
  return out;
}

std::vector<pool::assignment> pool::begin() {
  begun_ = true;
  return deal();
}

/// In turn, so that few tasks are spread rather than heaped up.
std::vector<pool::assignment> pool::deal() {
  std::vector<assignment> out;
  for (bool handed = begun_; handed && !waiting_.empty();) {
    handed = false;
    for (std::size_t i = 0; i < workers_.size() && !waiting_.empty(); ++i) {
      const bool wants = dispatch_ == dispatch_kind::round_robin || assigned_[i].size() < prefetch_;
      if (!workers_[i].alive || !wants) continue;
      hand(i, out);
      handed = true;
    }
  }
  return out;
}

std::vector<pool::assignment> pool::on_done(const caf::actor& who, const task_done& what, bool& counts) {
  std::vector<assignment> out;
  counts = false;
  const auto worker = index_of(who.address());
  if (worker == nobody || what.task >= results_.size()) return out;
  std::erase(assigned_[worker], what.task);
  auto& slot = results_[what.task];
  if (slot.done()) {
    ++duplicates_dropped_;
  } else {
    counts = true;
    slot = {static_cast<std::uint32_t>(worker), static_cast<std::uint32_t>(++done_)};
    ++workers_[worker].tasks;
    workers_[worker].busy += what.busy;
    // It may have been handed to somebody else too, or wait to be: what is taken back stands in front.
    const auto taken_back = std::min<std::size_t>(redelivered_, waiting_.size());
    const auto end = waiting_.begin() + static_cast<std::ptrdiff_t>(taken_back);
    if (const auto found = std::find(waiting_.begin(), end, what.task); found != end) waiting_.erase(found);
  }
  if (dispatch_ == dispatch_kind::pull) refill(worker, out);
  return out;
}

void pool::on_exiting(const caf::actor& who, const worker_exiting& what) {
  const auto worker = index_of(who.address());
  if (worker == nobody) return;
  workers_[worker].exited = true;
  mark_dead(worker);
  tasks_after_pill_ += what.tasks_after_pill;
}

std::vector<pool::assignment> pool::on_down(const caf::actor_addr& who) {
  const auto worker = index_of(who);
  if (worker == nobody) return {};
  mark_dead(worker);
  for (auto task : std::exchange(assigned_[worker], {})) {
    if (results_[task].done()) continue;
    waiting_.push_front(task);
    ++redelivered_;
  }
  return deal();
}

std::size_t pool::cancel() {
  waiting_.clear();
  return results_.size() - done_;
}

std::vector<caf::actor> pool::living() const {
  std::vector<caf::actor> result;
  for (auto& worker : workers_)
    if (worker.alive) result.push_back(worker.handle);
  return result;
}

} // namespace troupe

TROUPE_SENT_TYPE(, troupe::worker_ready);
TROUPE_SENT_TYPE(, troupe::assign_task);
TROUPE_SENT_TYPE(, troupe::task_done);
TROUPE_SENT_TYPE(, troupe::poison_pill);
TROUPE_SENT_TYPE(, troupe::worker_exiting);
