#include "runner/run/node_roster.hpp"

#include <algorithm>
#include <fmt/format.h>
#include <iterator>
#include <utility>

namespace troupe::scenarios {

node_roster::start& node_roster::start_of(const transport::node_identity& who) {
  for (auto& each : starts_)
    if (each.incarnation == who.incarnation) return each;
  return starts_.emplace_back(start{who.name, who.incarnation, 0, {}, {}});
}

// -- what happens to nodes -------------------------------------------------------------

void node_roster::await(const std::string& node, std::chrono::nanoseconds patience, time_point now) {
  if (!has_joined(node)) awaited_.try_emplace(node, patience, now);
}

void node_roster::on_up(const transport::node_identity& who, std::int64_t pid) {
  awaited_.erase(who.name);
  up_.insert(who.name);
  auto& fresh = start_of(who);
  fresh.pid = pid;
  fresh.ended.clear();
  fresh.books.reset();
}

bool node_roster::on_down(const transport::node_identity& who, const std::string& why) {
  down_[who.name] = why;
  bool again = false; // it has been started anew, which was told first
  for (auto& each : starts_) {
    if (each.incarnation == who.incarnation) each.ended = why;
    again = again || (each.node == who.name && each.ended.empty());
  }
  if (!again) up_.erase(who.name);
  return !again;
}

void node_roster::on_exit(const process_exit& how) {
  exits_[how.node] = how;
  exited_.insert(how.node);
}

void node_roster::on_books(const transport::node_identity& who, const trace::ledger_counts& books) {
  start_of(who).books = books;
}

// -- what is known of them -------------------------------------------------------------

std::string node_roster::late(time_point now) {
  std::vector<std::string> names;
  for (auto& [name, limit] : awaited_)
    if (limit.is_over(now)) names.push_back(name);
  return fmt::format("{}", fmt::join(names, ", "));
}

std::string node_roster::missing(const std::vector<std::string>& nodes) const {
  std::vector<std::string> names;
  std::ranges::copy_if(nodes, std::back_inserter(names), [&](auto& name) { return !up_.contains(name); });
  return fmt::format("{}", fmt::join(names, ", "));
}

bool node_roster::has_joined(const std::string& node) const {
  return std::ranges::any_of(starts_, [&](const start& each) { return each.node == node; });
}

std::string node_roster::early_exit() const {
  if (exits_.empty()) return {};
  auto& [name, how] = *exits_.begin();
  return "node " + name
         + (has_joined(name) ? " had joined and ended while others joined (" : " ended before it joined (")
         + how_it_ended(how) + (how.code == exit_code(verdict::node_lost) ? ": it lost the launcher)" : ")");
}

std::set<std::string> node_roster::take_exited() { return std::exchange(exited_, {}); }

bool node_roster::all_present() const { return std::ranges::includes(present_, up_); }

std::string node_roster::name_of(std::uint64_t incarnation) const {
  for (auto& each : starts_)
    if (each.incarnation == incarnation) return each.node;
  return {};
}

std::vector<node_report> node_roster::reports_of(const std::string& node,
                                                 std::optional<int> started_pid) const {
  std::vector<node_report> reports;
  for (auto& each : starts_)
    if (each.node == node) reports.push_back({node, each.pid, each.incarnation, each.ended});
  if (reports.empty()) reports.push_back({node, 0, 0, "never joined"});
  // Of those that the run starts itself, which it does once, more is known.
  auto& report = reports.back();
  if (started_pid) report.pid = *started_pid;
  if (auto exit = exits_.find(node);
      exit != exits_.end() && (exit->second.signal != 0 || exit->second.code != 0))
    report.ended = how_it_ended(exit->second);
  return reports;
}

std::map<std::uint64_t, trace::ledger_counts> node_roster::told_books() const {
  std::map<std::uint64_t, trace::ledger_counts> books;
  for (auto& each : starts_)
    if (each.books) books.try_emplace(each.incarnation, *each.books);
  return books;
}

} // namespace troupe::scenarios
