#include "runner/run/stuck_detector.hpp"

#include <algorithm>
#include <set>

namespace troupe::scenarios {

namespace {

/// Between two looks at a run that seems quiet. Two equal rounds and the question who
/// waits for whom follow each other, so a deadlock is named well within a second.
constexpr std::chrono::milliseconds interval{60};
/// The same when the stand-still has been told.
constexpr std::chrono::milliseconds later_interval{250};
/// Between two rounds no more is counted as stillness: a launcher that did not run itself saw nothing.
constexpr std::chrono::seconds counted_max{1};
/// A stand-still is told when half of the stall is over, and at the latest after this.
constexpr std::chrono::seconds told_after{2};
/// While something is on its way, between nodes that live, a link may yet resume: so many stalls.
constexpr int stalls_on_the_way = 4;
/// A round that takes longer is begun anew.
constexpr std::chrono::seconds patience{5};
/// Waits that are listed where there is no cycle.
constexpr std::size_t listed_max = 5;
/// Steps of a cycle that are told in one line.
constexpr std::size_t steps_told_max = 10;

using key = std::pair<std::uint64_t, std::uint64_t>;
key key_of(const actor_ref& x) { return {x.incarnation, x.id}; }

/// Depth-first search for a cycle; returns its edges in order.
std::vector<const wait_edge*> find_cycle(const std::vector<wait_edge>& edges) {
  std::multimap<key, const wait_edge*> next;
  for (auto& edge : edges)
    next.emplace(key_of(edge.from), &edge);
  enum class mark : std::uint8_t { none, open, done };
  std::map<key, mark> marks;
  using iterator = std::multimap<key, const wait_edge*>::const_iterator;
  for (auto& start : edges) {
    if (marks[key_of(start.from)] != mark::none) continue;
    std::vector<const wait_edge*> path;
    std::vector<std::pair<iterator, iterator>> stack{next.equal_range(key_of(start.from))};
    marks[key_of(start.from)] = mark::open;
    while (!stack.empty()) {
      auto& [it, end] = stack.back();
      if (it == end) {
        stack.pop_back();
        marks[path.empty() ? key_of(start.from) : key_of(path.back()->to)] = mark::done;
        if (!path.empty()) path.pop_back();
        continue;
      }
      const auto* edge = (it++)->second;
      const auto to = key_of(edge->to);
      if (marks[to] == mark::open) {
        path.push_back(edge);
        const auto first =
            std::find_if(path.begin(), path.end(), [&](auto* each) { return key_of(each->from) == to; });
        return {first, path.end()};
      }
      if (marks[to] == mark::done) continue;
      marks[to] = mark::open;
      path.push_back(edge);
      stack.push_back(next.equal_range(to));
    }
  }
  return {};
}

/// Who waits for somebody that has ended: the edges in order; empty if nobody does.
std::vector<const wait_edge*> find_end(const std::vector<wait_edge>& edges) {
  for (auto& edge : edges) {
    if (!edge.to_ended) continue;
    if (!edge.held) return {&edge};
    for (auto& asker : edges)
      if (!asker.held && key_of(asker.to) == key_of(edge.from)) return {&asker, &edge};
  }
  return {};
}

/// Names for sentences: an actor's own, that of its role, or its kind with its number and its node.
class naming {
 public:
  naming(const std::vector<wait_edge>& edges, const actor_names& names) : names_(names) {
    for (auto& edge : edges) {
      learn(edge.from, edge.from_name, edge.from_called);
      learn(edge.to, edge.to_name, edge.to_called);
    }
  }

  std::string operator()(const actor_ref& who) const {
    const auto found = known_.find(key_of(who));
    const bool called = found != known_.end() && found->second.called;
    if (called) {
      // Two may have called themselves alike.
      const auto& name = found->second.name;
      return times_.at(name) > 1 ? name + on_node(who) : name;
    }
    if (auto name = names_.of_role ? names_.of_role(who) : std::string{}; !name.empty()) return name;
    const auto kind = found != known_.end() && !found->second.name.empty() ? found->second.name : "actor";
    return kind + ' ' + std::to_string(who.id) + on_node(who);
  }

 private:
  struct known {
    std::string name;
    bool called = false;
  };
  void learn(const actor_ref& who, const std::string& name, bool called) {
    auto [place, fresh] = known_.try_emplace(key_of(who), known{name, called});
    if (!fresh && (place->second.called || (!called && !place->second.name.empty()))) return;
    if (!fresh) place->second = {name, called};
    if (called) ++times_[name];
  }
  std::string on_node(const actor_ref& who) const {
    const auto node = names_.of_node ? names_.of_node(who.incarnation) : std::string{};
    return node.empty() ? "" : " on " + node;
  }

  const actor_names& names_;
  std::map<key, known> known_;
  std::map<std::string, int> times_;
};

std::vector<std::string> steps_of(const std::vector<const wait_edge*>& path, const naming& name) {
  std::vector<std::string> steps;
  for (std::size_t i = 0; i < path.size(); ++i) {
    std::string step =
        name(path[i]->from) + (path[i]->held ? " is held by " : " waits for ") + name(path[i]->to);
    if (!path[i]->held && i + 1 < path.size() && path[i + 1]->held) step += " held by " + name(path[++i]->to);
    if (i + 1 == path.size() && path[i]->to_ended) step += ", which has ended";
    steps.push_back(std::move(step));
  }
  return steps;
}

std::string joined(const std::vector<std::string>& steps) {
  std::string sentence;
  for (std::size_t i = 0; i < steps.size(); ++i) {
    if (i == steps_told_max)
      return sentence + ", and so on, " + std::to_string(steps.size() - i) + " more, see result.json";
    sentence += (sentence.empty() ? "" : ", ") + steps[i];
  }
  return sentence;
}

} // namespace

stuck_explanation explain(const std::vector<wait_edge>& edges, const actor_names& names) {
  const naming name{edges, names};
  auto path = find_cycle(edges);
  // Begin with somebody who asks, so that what is held stands beside who asked for it.
  auto asker = std::find_if(path.begin(), path.end(), [](auto* edge) { return !edge->held; });
  std::rotate(path.begin(), asker, path.end());
  if (path.empty()) path = find_end(edges);
  stuck_explanation result;
  result.cycle = steps_of(path, name);
  if (!result.cycle.empty()) {
    result.sentence = joined(result.cycle);
    return result;
  }
  std::vector<std::string> waits;
  for (auto& edge : edges) {
    if (waits.size() == listed_max) {
      waits.emplace_back("…");
      break;
    }
    waits.push_back(name(edge.from) + (edge.held ? " is held by " : " waits for ") + name(edge.to));
  }
  result.sentence = waits.empty() ? "nothing is running, on its way or asked for"
                                  : joined(waits) + ", and nobody is known who could answer";
  return result;
}

void stuck_detector::attach(node& main, options how) {
  how_ = std::move(how);
  main_ = &main;
}

void stuck_detector::on_report(const std::string& node, std::uint64_t round, const activity_report& report,
                               const std::vector<wait_edge>& edges, bool last) {
  std::lock_guard lock{mutex_};
  if (round != round_) return;
  auto& known = answers_[node];
  known.report = report;
  known.whole = last;
  const auto room = wait_edges_max - std::min(wait_edges_max, known.edges.size());
  known.edges.insert(known.edges.end(), edges.begin(),
                     edges.begin() + static_cast<std::ptrdiff_t>(std::min(room, edges.size())));
}

void stuck_detector::on_node_gone() {
  std::lock_guard lock{mutex_};
  ++nodes_gone_;
}

void stuck_detector::begin_round(bool with_edges) {
  {
    std::lock_guard lock{mutex_};
    ++round_;
    answers_.clear();
    gone_when_asked_ = nodes_gone_;
  }
  with_edges_ = with_edges;
  asking_ = true;
  asked_at_ = clock::now();
  asked_ = main_->gateway().probe(round_, with_edges);
}

std::optional<stuck_detector::answers> stuck_detector::finish_round() {
  std::lock_guard lock{mutex_};
  const auto whole =
      std::count_if(answers_.begin(), answers_.end(), [](auto& each) { return each.second.whole; });
  if (clock::now() - asked_at_ > patience || nodes_gone_ != gone_when_asked_) {
    asking_ = false; // somebody does not answer: a node that is halted, or has just gone
    quiet_ever_since_ = false;
  }
  if (!asking_ || static_cast<std::size_t>(whole) < asked_) return std::nullopt;
  asking_ = false;
  auto result = std::move(answers_);
  answers_.clear();
  auto& own = result[main_->name()];
  own.report = main_->gateway().look();
  if (with_edges_) own.edges = main_->gateway().edges();
  return result;
}

stuck_detector::news stuck_detector::look() {
  if (main_ == nullptr || clock::now() < next_) return {};
  if (!asking_) {
    next_ = clock::now() + (told_ ? later_interval : interval);
    if (!main_->gateway().look().quiet()) {
      quiet_ever_since_ = false;
      return {};
    }
    begin_round(false);
  }
  auto round = finish_round();
  if (!round) return {};
  snapshot now;
  bool quiet = true;
  for (auto& [node, each] : *round) {
    quiet = quiet && each.report.quiet();
    now.emplace(node, each.report);
  }
  if (!quiet) {
    quiet_ever_since_ = false;
    return {};
  }
  if (!compare(std::move(now))) return {};
  if (with_edges_) explain_now(*round);
  if (why_) return judge();
  next_ = {};
  begin_round(true); // who waits for whom has not been asked since something moved
  return {};
}

bool stuck_detector::compare(snapshot now) {
  const auto still = [](auto& a, auto& b) { return a.first == b.first && a.second.still(b.second); };
  const bool same = std::equal(now.begin(), now.end(), before_.begin(), before_.end(), still);
  const bool proven = same && quiet_ever_since_;
  const auto at = clock::now();
  if (!same) {
    still_for_ = {};
    why_.reset();
    told_ = false;
  } else if (proven) {
    still_for_ += std::min<clock::duration>(at - before_at_, counted_max);
  }
  before_ = std::move(now);
  before_at_ = at;
  quiet_ever_since_ = true;
  return proven;
}

void stuck_detector::explain_now(const answers& round) {
  std::vector<wait_edge> edges;
  std::set<key> held;
  for (auto& [node, each] : round)
    for (auto& edge : each.edges) {
      if (edge.held) held.insert(key_of(edge.from));
      edges.push_back(edge);
    }
  why_ = explain(edges, how_.names);
  if (!why_->cycle.empty() || edges.empty() || !how_.holders) return;
  for (auto& edge : how_.holders())
    if (!held.contains(key_of(edge.from))) edges.push_back(edge);
  why_ = explain(edges, how_.names);
}

namespace {

std::int64_t on_the_way(const std::map<std::string, activity_report>& reports) {
  std::int64_t sent = 0;
  for (auto& [node, report] : reports)
    sent += static_cast<std::int64_t>(report.books.remote_sent - report.books.remote_received);
  return sent;
}

} // namespace

bool stuck_detector::is_certain() const {
  return !why_->cycle.empty() && nodes_gone_ == 0 && on_the_way(before_) == 0
         && std::all_of(before_.begin(), before_.end(), [](auto& each) { return each.second.threads == 0; });
}

std::chrono::nanoseconds stuck_detector::limit() const {
  const bool may_resume = nodes_gone_ == 0 && on_the_way(before_) != 0;
  return *how_.stall * (may_resume ? stalls_on_the_way : 1);
}

stuck_detector::news stuck_detector::judge() {
  std::lock_guard lock{mutex_};
  if (is_certain()) return {finding::deadlock, *why_};
  if (how_.stall && still_for_ >= limit()) return {finding::stalled, *why_};
  const auto tell = how_.stall ? std::min<std::chrono::nanoseconds>(limit() / 2, told_after) : told_after;
  if (still_for_ < tell || std::exchange(told_, true)) return {};
  return {finding::still, *why_};
}

} // namespace troupe::scenarios
