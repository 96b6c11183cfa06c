#include "actors/runtime/waiting.hpp"

#include "base/utf8.hpp"

#include <caf/abstract_actor.hpp>

#include <algorithm>
#include <functional>
#include <thread>
#include <unordered_map>

namespace troupe {

bool activity_report::quiet() const {
  return !blind && books.open_here() == set_aside && unborn == 0 && timers == 0 && outside == 0
         && arriving == 0;
}

bool activity_report::still(const activity_report& before) const {
  auto now = *this;
  now.threads = before.threads;
  return now == before;
}

// -- wait_list ---------------------------------------------------------------------

wait_list::wait_list(wait_registry& registry, actor_ref self) : registry_(registry), self_(self) {
  std::lock_guard lock{registry_.mutex_};
  registry_.lists_.insert(this);
}

wait_list::~wait_list() {
  registry_.waiting_.fetch_sub(static_cast<std::int64_t>(open_.size()), std::memory_order_relaxed);
  std::lock_guard lock{registry_.mutex_};
  registry_.lists_.erase(this);
}

void wait_list::opened(const open_request& request) {
  registry_.waiting_.fetch_add(1, std::memory_order_relaxed);
  std::lock_guard lock{mutex_};
  open_.push_back(request);
}

trace::message_id wait_list::closed(std::uint64_t id) {
  std::lock_guard lock{mutex_};
  auto found = std::find_if(open_.begin(), open_.end(), [id](auto& request) { return request.id == id; });
  if (found == open_.end()) return {};
  registry_.waiting_.fetch_sub(1, std::memory_order_relaxed);
  const auto number = found->number;
  *found = open_.back();
  open_.pop_back();
  return number;
}

void wait_list::name(std::string text) {
  text.resize(cut_to_bytes(text, wait_name_bytes_max).size());
  std::lock_guard lock{mutex_};
  name_ = std::move(text);
}

void wait_list::held_by(std::optional<actor_ref> holder, caf::weak_actor_ptr handle) {
  std::lock_guard lock{mutex_};
  holder_ = holder;
  holder_handle_.swap(handle);
}

// -- wait_registry -----------------------------------------------------------------

wait_registry::counters& wait_registry::shard() {
  static thread_local const std::size_t mine = std::hash<std::thread::id>{}(std::this_thread::get_id());
  return shards_[mine % shards_.size()];
}

void wait_registry::begun(life_sign& sign, std::uint64_t id, std::string_view kind) {
  kind = kind.substr(0, sign.kind.size() - 1);
  std::copy(kind.begin(), kind.end(), sign.kind.begin());
  auto& shard = shard_of(id);
  const std::lock_guard lock{shard.mutex};
  sign.id = id;
  sign.before = &shard.first;
  sign.after = std::exchange(shard.first.after, &sign);
  if (sign.after != nullptr) sign.after->before = &sign;
}

void wait_registry::ended(life_sign& sign) {
  if (sign.id == 0) return;
  auto& shard = shard_of(sign.id);
  const std::lock_guard lock{shard.mutex};
  sign.id = 0;
  sign.before->after = sign.after;
  if (sign.after != nullptr) sign.after->before = sign.before;
}

activity_report wait_registry::look(const trace::ledger& books) const {
  activity_report report;
  report.books = books.totals();
  for (auto& shard : shards_) {
    report.unborn += shard.unborn.load(std::memory_order_acquire);
    report.set_aside += shard.set_aside.load(std::memory_order_acquire);
  }
  report.outside = outside_->load(std::memory_order_acquire);
  report.waiting = waiting_.load(std::memory_order_acquire);
  return report;
}

namespace {

/// Of an actor that nobody refers to any more only its own node can say that it has ended.
bool has_ended(const caf::weak_actor_ptr& handle, bool is_local) {
  const auto actor = handle.lock();
  return actor == nullptr ? is_local : actor->get()->getf(caf::abstract_actor::is_terminated_flag);
}

} // namespace

std::vector<wait_edge> wait_registry::edges() const {
  std::vector<wait_edge> result;
  std::unordered_map<std::uint64_t, std::string> kinds, called;
  for (auto& shard : lives_) {
    const std::lock_guard lock{shard.mutex};
    for (auto* sign = shard.first.after; sign != nullptr; sign = sign->after)
      kinds.emplace(sign->id, sign->kind.data());
  }
  std::lock_guard lock{mutex_};
  for (auto* list : lists_) {
    std::lock_guard inner{list->mutex_};
    if (!list->name_.empty()) called.emplace(list->self_.id, list->name_);
    for (auto& request : list->open_)
      result.push_back({.from = list->self_, .to = request.to});
    if (list->holder_)
      result.push_back({.from = list->self_,
                        .to = *list->holder_,
                        .held = true,
                        .to_ended = has_ended(list->holder_handle_,
                                              list->holder_->incarnation == list->self_.incarnation)});
  }
  const auto name = [&](std::uint64_t id, std::string& into, bool& own) {
    if (auto found = called.find(id); found != called.end())
      own = true, into = found->second;
    else if (auto kind = kinds.find(id); kind != kinds.end())
      into = kind->second;
  };
  for (auto& edge : result) {
    name(edge.from.id, edge.from_name, edge.from_called);
    if (edge.to.incarnation != edge.from.incarnation) continue;
    name(edge.to.id, edge.to_name, edge.to_called);
    // Who is asked is known here only if it is traced; and who is traced and awaits nothing has begun.
    if (!kinds.contains(edge.to.id) && !edge.held) edge.to_ended = true;
  }
  return result;
}

} // namespace troupe
