#include "transport/session/link_table.hpp"

#include "transport/frames/limits.hpp"

namespace troupe::transport {

link_table::link_table(options o, trace::recorder& recorder, std::shared_ptr<output_sink> sink)
    : options_(std::move(o)), recorder_(recorder), sink_(std::move(sink)) {}

link_ptr link_table::make(const node_identity& identity) {
  const auto index =
      is_visitor(identity) ? trace::node_index{0} : recorder_.add_node(identity.name, identity.incarnation);
  return std::make_shared<link>(identity, index, options_.session, next_epoch(identity), sink_);
}

link_ptr link_table::find(const node_identity& identity) const {
  const std::lock_guard guard(mutex_);
  const auto it = links_.find({identity.name, identity.incarnation});
  return it == links_.end() ? nullptr : it->second;
}

link_ptr link_table::find_or_make(const node_identity& identity, bool& created) {
  const std::lock_guard guard(mutex_);
  const auto it = links_.find({identity.name, identity.incarnation});
  created = it == links_.end();
  if (!created) return it->second;
  auto made = make(identity);
  if (refusing_new_ || is_full_locked(identity) || identity == options_.self) {
    made->close();
  } else {
    links_.emplace(key{identity.name, identity.incarnation}, made);
    if (is_visitor(identity)) ++visitors_;
  }
  return made;
}

bool link_table::is_full_locked(const node_identity& who) const {
  return is_visitor(who) ? visitors_ >= limits::visitors_max
                         : links_.size() - visitors_ >= options_.peers_max;
}

bool link_table::is_full(const node_identity& who) const {
  const std::lock_guard guard(mutex_);
  return is_full_locked(who);
}

std::vector<peer_ptr> link_table::peers() const {
  const std::lock_guard guard(mutex_);
  std::vector<peer_ptr> result;
  for (const auto& [name, l] : links_)
    if (l->is_up()) result.push_back(l);
  return result;
}

bool link_table::is_empty() const {
  const std::lock_guard guard(mutex_);
  return links_.empty();
}

std::vector<link_ptr> link_table::all() const {
  const std::lock_guard guard(mutex_);
  std::vector<link_ptr> result;
  result.reserve(links_.size());
  for (const auto& [name, l] : links_)
    result.push_back(l);
  return result;
}

std::vector<link_ptr> link_table::called(const std::string& name) const {
  const std::lock_guard guard(mutex_);
  std::vector<link_ptr> result;
  for (auto it = links_.lower_bound({name, 0}); it != links_.end() && it->first.first == name; ++it)
    result.push_back(it->second);
  return result;
}

void link_table::refuse_new() {
  const std::lock_guard guard(mutex_);
  refusing_new_ = true;
}

void link_table::end(const link_ptr& l, std::uint32_t epoch, const char* barred) {
  const key who{l->identity().name, l->identity().incarnation};
  const std::lock_guard guard(mutex_);
  links_.erase(who);
  if (is_visitor(l->identity())) --visitors_;
  const auto [it, is_new] = ended_.try_emplace(who);
  it->second.epoch = epoch;
  if (barred != nullptr) it->second.barred = barred;
  if (is_new) ended_order_.push_back(who);
  if (ended_order_.size() > limits::ended_sessions_max) {
    ended_.erase(ended_order_.front());
    ended_order_.pop_front();
  }
}

void link_table::bar(const node_identity& who, const char* why) {
  const std::lock_guard guard(mutex_);
  const auto it = ended_.find({who.name, who.incarnation});
  if (it != ended_.end()) it->second.barred = why;
}

void link_table::bar_older(const node_identity& who) {
  const std::lock_guard guard(mutex_);
  for (auto it = ended_.lower_bound({who.name, 0}); it != ended_.end() && it->first.first == who.name; ++it)
    if (it->first.second != who.incarnation && it->second.barred == nullptr) it->second.barred = superseded;
}

const char* link_table::why_barred(const node_identity& who) const {
  const std::lock_guard guard(mutex_);
  const auto it = ended_.find({who.name, who.incarnation});
  return it == ended_.end() ? nullptr : it->second.barred;
}

std::uint32_t link_table::next_epoch(const node_identity& who) const {
  const auto it = ended_.find({who.name, who.incarnation});
  return it == ended_.end() ? 1 : it->second.epoch + 1;
}

session_position link_table::fresh_position(const node_identity& who) const {
  const std::lock_guard guard(mutex_);
  session_position position;
  position.epoch = next_epoch(who);
  position.credit = options_.session.window_bytes;
  return position;
}

} // namespace troupe::transport
