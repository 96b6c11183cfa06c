#include "scenarios/stuck_detector.hpp"

#include <algorithm>

namespace troupe::scenarios {

namespace {

/// Between two looks at a run that seems quiet. Two equal rounds and the question who
/// waits for whom follow each other, so a deadlock is named well within a second.
constexpr std::chrono::milliseconds interval{60};
/// A round that takes longer is begun anew.
constexpr std::chrono::seconds patience{5};
/// Waits that are listed where there is no cycle.
constexpr std::size_t listed_max = 5;

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

} // namespace

stuck_explanation explain(const std::vector<wait_edge>& edges) {
  std::map<key, std::string> names;
  for (auto& edge : edges)
    names.emplace(key_of(edge.from), edge.from_name);
  auto name = [&](const actor_ref& x) {
    auto found = names.find(key_of(x));
    return found != names.end() ? found->second : "actor " + std::to_string(x.id);
  };
  stuck_explanation result;
  auto cycle = find_cycle(edges);
  // Begin with somebody who asks, so that what is held stands beside who asked for it.
  auto asker = std::find_if(cycle.begin(), cycle.end(), [](auto* edge) { return !edge->held; });
  std::rotate(cycle.begin(), asker, cycle.end());
  for (std::size_t i = 0; i < cycle.size(); ++i) {
    std::string step =
        name(cycle[i]->from) + (cycle[i]->held ? " is held by " : " waits for ") + name(cycle[i]->to);
    if (!cycle[i]->held && i + 1 < cycle.size() && cycle[i + 1]->held)
      step += " held by " + name(cycle[++i]->to);
    result.cycle.push_back(std::move(step));
  }
  for (auto& step : result.cycle)
    result.sentence += (result.sentence.empty() ? "" : ", ") + step;
  if (!result.cycle.empty()) return result;
  std::size_t listed = 0;
  for (auto& edge : edges) {
    if (listed++ == listed_max) {
      result.sentence += ", …";
      break;
    }
    result.sentence += (result.sentence.empty() ? "no cycle, but " : ", ") + name(edge.from)
                       + (edge.held ? " is held by " : " waits for ") + name(edge.to);
  }
  result.sentence += ", and nothing is left that could answer";
  return result;
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
  node_gone_ = true;
}

void stuck_detector::begin_round(bool with_edges) {
  {
    std::lock_guard lock{mutex_};
    ++round_;
    answers_.clear();
  }
  with_edges_ = with_edges;
  asking_ = true;
  asked_at_ = clock::now();
  asked_ = main_->links().probe(round_, with_edges);
}

std::optional<std::map<std::string, stuck_detector::answer>> stuck_detector::finish_round() {
  std::lock_guard lock{mutex_};
  const auto whole =
      std::count_if(answers_.begin(), answers_.end(), [](auto& each) { return each.second.whole; });
  if (node_gone_ || clock::now() - asked_at_ > patience) {
    asking_ = false; // somebody will not answer
    before_.reset();
  }
  if (!asking_ || static_cast<std::size_t>(whole) < asked_) return std::nullopt;
  asking_ = false;
  auto result = std::move(answers_);
  answers_.clear();
  auto& own = result[main_->name()];
  own.report = main_->links().look();
  if (with_edges_) own.edges = main_->context().waits.edges();
  return result;
}

bool stuck_detector::all_quiet(const snapshot& reports) {
  std::uint64_t sent = 0, received = 0;
  for (auto& [node, report] : reports) {
    if (!report.quiet()) return false;
    sent += report.books.remote_sent;
    received += report.books.remote_received;
  }
  return sent == received;
}

std::optional<stuck_explanation> stuck_detector::look() {
  if (main_ == nullptr || clock::now() < next_) return std::nullopt;
  {
    std::lock_guard lock{mutex_};
    if (node_gone_) return std::nullopt;
  }
  if (!asking_) {
    next_ = clock::now() + interval;
    idle_ = idle_ && before_.has_value();
    if (!main_->links().look().quiet())
      before_.reset();
    else
      begin_round(false);
  }
  if (!asking_) return std::nullopt;
  auto answers = finish_round();
  if (!answers) return std::nullopt;
  snapshot now;
  std::int64_t waiting = 0;
  std::vector<wait_edge> edges;
  for (auto& [node, each] : *answers) {
    now.emplace(node, each.report);
    waiting += each.report.waiting;
    edges.insert(edges.end(), each.edges.begin(), each.edges.end());
  }
  if (!all_quiet(now)) {
    before_.reset();
    return std::nullopt;
  }
  const bool proven = before_ == now;
  before_ = std::move(now);
  if (!proven) return std::nullopt;
  idle_ = waiting == 0;
  if (idle_) return std::nullopt;
  if (with_edges_) return explain(edges);
  next_ = {};
  begin_round(true);
  return std::nullopt;
}

} // namespace troupe::scenarios
