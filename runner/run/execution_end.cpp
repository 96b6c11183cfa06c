// The end of an execution: nodes leave in order, the books are balanced, checks are run.
#include "base/cxx_text.hpp"
#include "base/text.hpp"
#include "runner/file/scenario_file.hpp"
#include "runner/run/execution.hpp"
#include "runner/run/expectations.hpp"

#include <algorithm>
#include <csignal>
#include <cstring>
#include <unistd.h>

namespace troupe::scenarios {

namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

constexpr milliseconds leave_patience{5000};
constexpr milliseconds end_patience{2000};
/// Room for the result: nearly every one is smaller, and a larger one needs more of the disk at
/// the end. Of a small disk the books need the most.
constexpr std::uint64_t result_bytes_min = 64U << 10, result_bytes_max = 1U << 20;
std::uint64_t room_for_result(const std::filesystem::path& run_dir) {
  std::error_code error;
  const auto space = std::filesystem::space(run_dir, error);
  return error ? result_bytes_max
               : std::clamp<std::uint64_t>(space.available / 4, result_bytes_min, result_bytes_max);
}

std::string join(const std::vector<std::string>& names) {
  std::string result;
  for (auto& name : names)
    result += (result.empty() ? "" : ", ") + name;
  return result;
}

/// A check is the scenario's own, and one that throws has not been passed.
check_result ask(const scenario::named_check& check, const finished_run& run) {
  try {
    auto [passed, detail] = check.look(run);
    return {check.name, passed, std::move(detail)};
  } catch (...) {
    return {check.name, false, "it threw: " + exception_text()};
  }
}

} // namespace

/// Also those that join only now.
void execution::tell_to_leave(std::set<std::string>& told) {
  std::set<std::string> up;
  {
    std::lock_guard lock{state_->mutex};
    up = state_->up;
  }
  for (auto& name : up)
    if (auto agent = told.contains(name) ? nullptr : main_->agent_of(name)) {
      caf::anon_send(agent, leave_node{});
      told.insert(name);
    }
}

void execution::stop_nodes() {
  if (main_ == nullptr) return;
  resume_halted();
  std::set<std::string> told_to_leave;
  tell_to_leave(told_to_leave);
  for (auto& each : hosted_)
    each->wait_for(leave_patience);
  for (auto& each : hosted_)
    each->stop();
  // Nodes that joined by hand are not the launcher's, but are waited for like the others.
  auto still_there = [&] {
    std::vector<std::string> names;
    if (options_.launcher != nullptr) names = options_.launcher->wait_all(look_interval);
    std::unique_lock lock{state_->mutex};
    if (names.empty() && !state_->up.empty()) state_->changed.wait_for(lock, look_interval);
    for (auto& name : state_->up)
      if (!pids_.contains(name)) names.push_back(name);
    return names;
  };
  transport::waiting_limit limit{leave_patience, steady_clock::now()};
  auto told = steady_clock::now() + milliseconds{500};
  std::vector<std::string> alive;
  while (true) {
    tell_to_leave(told_to_leave);
    alive = still_there();
    const auto traces = intake_->awaited(); // which ends by itself
    if (!traces.empty()) {
      limit.renew(steady_clock::now());
      intake_->wait_for_news(look_interval);
    }
    if ((alive.empty() && traces.empty()) || interrupts() >= 2 || limit.is_over(steady_clock::now())) break;
    if (steady_clock::now() < told) continue;
    if (!traces.empty())
      phase("stopping: waiting for the trace of " + join(traces));
    else
      phase("stopping: " + join(alive) + (alive.size() == 1 ? " is" : " are") + " still alive");
    told += std::chrono::seconds{1};
  }
  std::erase_if(alive, [this](const std::string& name) {
    if (pids_.contains(name)) return false;
    warn("node " + name + " was told to leave and is still there; it was not started here, so it is let be");
    return true;
  });
  if (options_.launcher != nullptr && !alive.empty()) {
    warn("killing " + join(alive));
    for (auto& name : alive)
      options_.launcher->signal(name, SIGKILL);
    options_.launcher->wait_all(leave_patience);
  }
  tell_missing_traces();
  tell_ended_traces(trace_endings::when::now);
  bury_the_dead();
  turns_.reset(); // from here on the node takes the turns itself
  if (collector_) caf::anon_send_exit(collector_, caf::exit_reason::user_shutdown);
  const auto left_over = main_->stop(interrupts() >= 2 ? milliseconds{0} : end_patience);
  if (!left_over.empty()) warn(still_alive(left_over));
}

void execution::tell_missing_traces() {
  for (auto& [node, place, why] : intake_->missing())
    warn("the trace of node " + node + " is not in the run directory: " + why + ". It is kept in " + place
         + "; bring it in with: "
         + own_command("trace collect " + shell_quoted(options_.run_dir.string()) + " --from PATH"));
}

/// The files in the run directory, and where there is none what the node told before it left.
std::map<std::uint64_t, trace::ledger_counts> execution::all_books() {
  std::map<std::uint64_t, trace::ledger_counts> books;
  std::vector<std::string> problems;
  for (auto& kept : trace::books_in(options_.run_dir, &problems))
    books.emplace(kept.incarnation, kept.counts);
  for (auto& problem : problems)
    warn(problem);
  std::lock_guard lock{state_->mutex};
  for (auto& start : state_->starts)
    if (start.books) books.try_emplace(start.incarnation, *start.books);
  return books;
}

void execution::balance(outcome& result) {
  trace::ledger_counts total = main_->books().totals();
  std::vector<std::string> unbalanced, without_books, crashed_without;
  if (total.open_here() != 0) unbalanced.push_back("main");
  bool crashed = false;
  const auto books = all_books();
  for (auto& report : result.nodes) {
    if (report.name == "main" || report.ended == "never joined") continue;
    const bool orderly = report.ended == "left";
    crashed = crashed || !orderly;
    if (const auto kept = books.find(report.incarnation); kept != books.end()) {
      if (orderly && kept->second.open_here() != 0) unbalanced.push_back(report.name);
      total += kept->second;
    } else {
      (orderly ? without_books : crashed_without).push_back(report.name);
    }
  }
  std::string unseen;
  if (!crashed_without.empty()) {
    // What came from such a node was counted where it arrived; nobody counted it as sent.
    if (const auto surplus = total.open(); surplus < 0) total.sent += static_cast<std::uint64_t>(-surplus);
    unseen = "; " + join(crashed_without)
             + " crashed and left no books: of what it sent and got, only the difference is known";
  }
  const auto open = total.open();
  result.messages = total;
  result.lost = open > 0 ? static_cast<std::uint64_t>(open) : 0;
  check_result check{.name = "the books balance", .passed = true, .detail = {}};
  check.detail = "sent " + std::to_string(total.sent) + " = handled " + std::to_string(total.handled)
                 + " + dropped " + std::to_string(total.dropped_total()) + " + dead-lettered "
                 + std::to_string(total.dead_lettered) + " + lost in crashes " + std::to_string(result.lost)
                 + unseen;
  if (!without_books.empty()) {
    check.passed = false;
    check.detail += "; there are no books of " + join(without_books)
                    + ": no file in the run directory, and not told before it left";
  } else if (!unbalanced.empty()) {
    check.passed = false;
    check.detail += "; the books of " + join(unbalanced) + " do not balance";
  } else if (open < 0 || (open > 0 && !crashed)) {
    check.passed = false;
    check.detail += "; " + std::to_string(open) + " messages without an entry";
  }
  result.checks.push_back(std::move(check));
}

/// One for each of its starts.
std::vector<node_report> execution::reports_of(const std::string& name) const {
  std::vector<node_report> reports;
  for (auto& start : state_->starts)
    if (start.node == name) reports.push_back({name, start.pid, start.incarnation, start.ended});
  if (reports.empty()) reports.push_back({name, 0, 0, "never joined"});
  // Of those that the run starts itself, which it does once, more is known.
  auto& report = reports.back();
  if (auto started = pids_.find(name); started != pids_.end()) report.pid = started->second;
  if (auto exit = state_->exits.find(name);
      exit != state_->exits.end() && (exit->second.signal != 0 || exit->second.code != 0))
    report.ended = how_it_ended(exit->second);
  return reports;
}

void execution::report(outcome& result) {
  {
    std::lock_guard lock{state_->mutex};
    result.nodes.push_back({"main", ::getpid(), main_->identity().incarnation, "left"});
    using names = const std::vector<std::string>;
    for (names* some : {static_cast<names*>(&workers_), static_cast<names*>(&plan_.topology.external)})
      for (auto& name : *some)
        for (auto& report : reports_of(name))
          result.nodes.push_back(std::move(report));
    if (state_->finished) result.result = parsed(*state_->finished);
    if (state_->mistake) {
      result.checks.push_back({"message types", false, *state_->mistake});
      // One that another node told after the last look of await_end() fails the run with the same words.
      if (result.result_verdict == verdict::passed) {
        result.result_verdict = verdict::check_failed;
        result.reason = *state_->mistake;
      }
    }
  }
  if (start_failed_) result.checks.push_back({"start", false, *start_failed_});
  if (result.result_verdict == verdict::passed) {
    auto copy = result.result; // reading what is not in it adds to it
    for (auto& check : scenario_.checks())
      result.checks.push_back(ask(check, {plan_.values, copy}));
  }
  balance(result);
  auto judge = [&] {
    for (auto& check : result.checks)
      if (!check.passed && result.result_verdict == verdict::passed) {
        result.result_verdict = verdict::check_failed;
        result.reason = check.name + ": " + check.detail;
      }
  };
  judge();
  for (auto& [name, passed, detail] : evaluate(plan_.expect, to_json(result)))
    result.checks.push_back({name, passed, detail});
  lists_->cut(result.result);
  for (auto& problem : lists_->close())
    result.checks.push_back({"what the result does not show is in its file", false, std::move(problem)});
  judge();
  keep_result(result);
}

void execution::prepare_files() {
  if (std::filesystem::exists(options_.run_dir / "main.books"))
    throw std::runtime_error("the directory " + options_.run_dir.string() + " is another run's");
  auto resolved = to_json(plan_);
  resolved["seed"] = seed_; // the one drawn, too: with it the run can be replayed
  write_file(options_.run_dir / "plan.json", json_text(resolved, 2) + '\n');
  result_file_.emplace(options_.run_dir / "result.json", whole_file::options{.durable = true});
  result_file_->reserve(room_for_result(options_.run_dir));
}

void execution::keep_result(outcome& result) {
  try {
    result_file_->write(json_text(to_json(result), 2) + '\n');
    result_file_->keep();
  } catch (const file_error& e) {
    result.not_kept = e.what();
    warn(result.not_kept);
  }
}

void execution::tell_ended_traces(trace_endings::when how_often) {
  if (plan_.trace.level == trace::level::off) return;
  for (auto& sentence : endings_.look(how_often, started_.value_or(steady_clock::time_point{})))
    warn(sentence);
}

} // namespace troupe::scenarios
