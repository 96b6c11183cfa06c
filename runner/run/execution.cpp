#include "runner/run/execution.hpp"

#include "base/cxx_text.hpp"
#include "base/text.hpp"
#include "runner/plan/times.hpp"
#include "runner/run/balance.hpp"
#include "runner/run/collector.hpp"
#include "runner/run/expectations.hpp"
#include "runner/run/launcher_node.hpp"
#include "runner/run/trace_holders.hpp"

#include <csignal>
#include <random>
#include <unistd.h>

#include <fmt/format.h>

namespace troupe::scenarios {

namespace {

using std::chrono::milliseconds;

/// What actors get to finish after Ctrl-C or the deadline: far more than they take on a machine with time,
/// so that on a busy one the result is still told.
constexpr milliseconds drain_patience = stop_grace + milliseconds{8000};
/// What nodes get to show that they are there, once the scenario has failed: longer than a silent one
/// is waited for.
constexpr milliseconds presence_patience{10'000};
/// What actors get to end, once all other nodes have left.
constexpr milliseconds end_patience{5000};

std::uint64_t draw_seed() {
  std::random_device device;
  return (std::uint64_t{device()} << 32 | device()) >> 11; // exact as a JSON number
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

/// The first check that failed decides, where nothing else has.
void judge_checks(outcome& result) {
  for (auto& check : result.checks)
    if (!check.passed && result.result_verdict == verdict::passed) {
      result.result_verdict = verdict::check_failed;
      result.reason = check.name + ": " + check.detail;
    }
}

} // namespace

outcome execute(const scenario& what, const run_options& how) {
  std::string mistakes;
  for (const auto& sentence : mistakes_in({&what}))
    mistakes += (mistakes.empty() ? "" : "; ") + sentence;
  if (!mistakes.empty()) throw std::logic_error(mistakes);
  return execution{what, how}.run_all();
}

execution::execution(const scenario& what, const run_options& how)
    : scenario_(what), options_(how), plan_(how.what),
      seed_(how.what.seed_given ? how.what.seed : draw_seed()), run_{what, how}, endpoint_(how.what.topology),
      lists_(std::make_shared<long_list_files>(how.run_dir)),
      intake_(std::make_shared<trace_intake>(how.run_dir,
                                             trace_intake::limits{.bytes_max = how.what.trace.bytes_max})),
      members_(run_, endpoint_, *intake_), endings_(how.run_dir) {}

execution::~execution() {
  collector_ = nullptr;
  wiring_.reset();
  members_.destroy_hosted();
  main_.reset();
}

outcome execution::run_all() {
  write_plan(options_.run_dir, plan_, seed_);
  result_file_.emplace(options_.run_dir);
  main_ = open_launcher_node({run_, seed_, endpoint_, members_, detector_, intake_});
  outcome result;
  result.scenario = scenario_.name;
  result.run_dir = options_.run_dir;
  result.seed = seed_;
  std::exception_ptr problem;
  try {
    start_nodes();
    begin();
    end(result);
  } catch (const std::exception& e) {
    problem = std::current_exception();
    tell_failures();
    auto& recorder = main_->recorder();
    recorder.told_to_end(recorder.intern("not started"), recorder.intern(e.what()));
  } catch (...) {
    problem = std::current_exception();
  }
  stop();
  if (problem) std::rethrow_exception(problem);
  report(result);
  return result;
}

// -- starting --------------------------------------------------------------------------

void execution::start_nodes() {
  if (!members_.names().empty()) {
    members_.start(*main_);
    left_undone_ = members_.left_undone();
    if (run_.interrupts() != 0 || !left_undone_.empty()) return;
  }
  run_.clock.on_nodes_there();
}

void execution::begin() {
  collector_ = spawn_collector(*main_, state_, lists_, options_.observer);
  wiring_.emplace(run_, *main_, seed_, collector_);
  if (plan_.topology.scheduler == scheduler_kind::seeded)
    run_.clock.follow(&turns_.emplace(main_->system(), seed_));
  for (auto& promise : scenario_.promises())
    main_->recorder().invariant(promise);
  const auto started = run_.clock.nodes_there();
  faults_.schedule(plan_.faults, started.value_or(run_.clock.begun()));
  if (started) run_.phase("running");
  wire();
  run_.clock.on_wired();
  watch_for_stalls();
}

/// Wiring that fails because somebody pressed Ctrl-C, the deadline passed or a node ended is the fate of
/// the run; any other failure is a mistake of the scenario. await_end() tells either.
void execution::wire() {
  if (!run_.goes_on()) return;
  try {
    scenario_.wire()(*wiring_);
  } catch (...) {
    const auto why = exception_text();
    if (!run_.clock.deadline_passed()) probe_members();
    std::lock_guard lock{state_->mutex};
    wiring_failed_ = true;
    if (run_.clock.deadline_passed())
      left_undone_ = " before all actors were spawned";
    else if (run_.interrupts() == 0 && state_->nodes.down().empty() && !state_->nodes.has_exits())
      start_failed_ = why;
  }
}

void execution::watch_for_stalls() {
  stuck_detector::options how{.stall = plan_.topology.stall};
  how.names.of_role = [this](const actor_ref& who) { return wiring_->name_of(who); };
  how.names.of_node = [this](std::uint64_t incarnation) { return node_name(incarnation); };
  how.holders = [this]() -> std::vector<wait_edge> {
    if (!main_->recorder().on()) return {};
    return holders_by_trace(options_.run_dir, scenario_.promises(),
                            [this](const std::string& text) { run_.warn(text); });
  };
  detector_->attach(*main_, std::move(how));
}

std::string execution::node_name(std::uint64_t incarnation) const {
  if (incarnation == main_->identity().incarnation) return main_->name();
  std::lock_guard lock{state_->mutex};
  return state_->nodes.name_of(incarnation);
}

// -- running ---------------------------------------------------------------------------

run_end execution::await_end() {
  std::unique_lock lock{state_->mutex};
  while (true) {
    if (state_->failed && !state_->finished && state_->nodes.down().empty()) {
      lock.unlock();
      probe_members();
      lock.lock();
    }
    if (auto end = end_of(snapshot({}))) return *end;
    lock.unlock();
    reap_exited();
    faults_.inject_due(clock::now());
    tell_ended_traces(trace_endings::when::due);
    tell_failures();
    auto stuck = detector_->look();
    if (const auto told = standstill_warning(stuck, plan_.topology.stall); !told.empty()) run_.warn(told);
    lock.lock();
    if (auto end = end_of(snapshot(std::move(stuck)))) return *end;
    wait_a_moment(lock);
  }
}

run_snapshot execution::snapshot(stuck_detector::news stuck) const {
  run_snapshot now;
  now.scenario = scenario_.name;
  now.start_failed = start_failed_;
  now.mistake = state_->mistake;
  now.has_result = state_->finished.has_value();
  now.result_in_time = run_.clock.in_time(state_->finished_at);
  now.failed = state_->failed;
  if (auto& down = state_->nodes.down(); !down.empty())
    now.gone = {.name = down.begin()->first, .why = down.begin()->second};
  now.needs_all_nodes = !scenario_.goes_on_without_a_node() || wiring_failed_;
  now.interrupted = run_.interrupts() != 0;
  now.deadline_passed = run_.clock.deadline_passed();
  now.left_undone = left_undone_;
  if (auto why = detector_->stands_still()) now.standstill = std::move(why->sentence);
  now.stuck = std::move(stuck);
  now.stall = plan_.topology.stall;
  return now;
}

void execution::probe_members() {
  main_->gateway().probe(presence_probe, false);
  transport::waiting_limit limit{presence_patience, clock::now()};
  std::unique_lock lock{state_->mutex};
  while (state_->nodes.down().empty() && run_.interrupts() == 0 && !limit.is_over(clock::now())
         && !state_->nodes.all_present()) {
    lock.unlock();
    reap_exited();
    lock.lock();
    state_->changed.wait_for(lock, look_interval);
  }
}

/// In a seeded run this is when the actors run.
void execution::wait_a_moment(std::unique_lock<std::mutex>& lock) {
  bool busy = false;
  if (turns_) {
    lock.unlock();
    const auto until = clock::now() + look_interval;
    do {
      busy = turns_->turn();
      lock.lock();
      const bool over = state_->finished || state_->failed;
      lock.unlock();
      if (over) break;
    } while (busy && clock::now() < until);
    lock.lock();
  }
  if (!busy) state_->changed.wait_for(lock, look_interval);
}

void execution::reap_exited() {
  std::set<std::string> exited;
  {
    std::lock_guard lock{state_->mutex};
    exited = state_->nodes.take_exited();
  }
  if (exited.empty()) return;
  auto& hub = main_->gateway().hub();
  for (auto& peer : hub.peers())
    if (exited.contains(peer->identity().name)) hub.expect_no_more(peer);
}

void execution::inject(fault_plan::action_kind action, const std::string& node) {
  using kind = fault_plan::action_kind;
  const std::string word{to_string(action)};
  auto& recorder = main_->recorder();
  recorder.fault(recorder.intern(word), recorder.intern(node));
  run_.phase("fault: " + word + ' ' + node);
  const auto signal = [&](int number) {
    if (options_.launcher != nullptr) options_.launcher->signal(node, number);
  };
  switch (action) {
  case kind::kill:
    return signal(SIGKILL);
  case kind::stop:
    return signal(SIGSTOP);
  case kind::resume:
    return signal(SIGCONT);
  case kind::cut:
    auto& hub = main_->gateway().hub();
    for (auto& peer : hub.peers())
      if (peer->identity().name == node) hub.cut(peer);
  }
}

void execution::tell_failures() {
  pending_failures::batch fresh;
  {
    std::lock_guard lock{state_->mutex};
    fresh = state_->failures.take();
  }
  const auto name_of = [this](const actor_ref& who) { return wiring_ ? wiring_->name_of(who) : ""; };
  for (auto& sentence : failures_.add(std::move(fresh), name_of))
    run_.warn(sentence);
}

void execution::tell_ended_traces(trace_endings::when how_often) {
  if (plan_.trace.level == trace::level::off) return;
  for (auto& sentence : endings_.look(how_often, run_.clock.nodes_there().value_or(clock::time_point{})))
    run_.warn(sentence);
}

// -- ending ----------------------------------------------------------------------------

void execution::end(outcome& result) {
  auto end = await_end();
  const auto how = result.result_verdict = end.how;
  result.reason = std::move(end.reason);
  result.deadlock = std::move(end.cycle);
  {
    std::lock_guard lock{state_->mutex};
    if (how == verdict::node_lost) result.reason += own_standstill(state_->stood_still);
    state_->failures.close();
  }
  tell_failures();
  if (auto& recorder = main_->recorder(); how != verdict::passed)
    recorder.told_to_end(recorder.intern(to_string(how)), recorder.intern(result.reason));
  if (how == verdict::interrupted || how == verdict::deadline || how == verdict::deadlock
      || how == verdict::stalled || (how == verdict::node_lost && scenario_.has_a_result_without_a_node()))
    drain();
  result.actors_failed = failures_.first();
  result.actors_failed_count = failures_.count();
  result.elapsed_s = seconds(run_.clock.elapsed(how == verdict::passed ? state_->finished_at : clock::now()));
}

void execution::drain() {
  // Who is halted by a fault cannot finish anything, and would be lost before the others are through.
  faults_.resume_stopped();
  if (!wiring_->stopper()) return;
  run_.phase("draining");
  troupe::anon_send(wiring_->stopper(), stop_early{});
  transport::waiting_limit limit{drain_patience, clock::now()};
  std::unique_lock lock{state_->mutex};
  while (!state_->finished && run_.interrupts() < 2 && !limit.is_over(clock::now())) {
    lock.unlock();
    reap_exited();
    lock.lock();
    wait_a_moment(lock);
  }
}

void execution::stop() {
  faults_.resume_stopped();
  members_.stop(*main_);
  tell_missing_traces();
  tell_ended_traces(trace_endings::when::now);
  reap_exited();
  run_.clock.follow(nullptr);
  turns_.reset(); // from here on the node takes the turns itself
  if (collector_) caf::anon_send_exit(collector_, caf::exit_reason::user_shutdown);
  const auto left_over = main_->stop(run_.interrupts() >= 2 ? milliseconds{0} : end_patience);
  if (!left_over.empty()) run_.warn(still_alive(left_over));
}

void execution::tell_missing_traces() {
  for (auto& [node, place, why] : intake_->missing())
    run_.warn("the trace of node " + node + " is not in the run directory: " + why + ". It is kept in "
              + place + "; bring it in with: "
              + own_command("trace collect " + shell_quoted(options_.run_dir.string()) + " --from PATH"));
}

void execution::report(outcome& result) {
  result.nodes = members_.reports();
  result.nodes.insert(result.nodes.begin(), {"main", ::getpid(), main_->identity().incarnation, "left"});
  {
    std::lock_guard lock{state_->mutex};
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
  add_checks(result);
  result.not_kept = result_file_->write(result);
  if (!result.not_kept.empty()) run_.warn(result.not_kept);
}

void execution::add_checks(outcome& result) {
  if (start_failed_) result.checks.push_back({"start", false, *start_failed_});
  if (result.result_verdict == verdict::passed) {
    auto copy = result.result; // reading what is not in it adds to it
    for (auto& check : scenario_.checks())
      result.checks.push_back(ask(check, {plan_.values, copy}));
  }
  auto balance = balance_books(main_->books().totals(), all_books(), result.nodes);
  result.messages = balance.total;
  result.lost = balance.lost;
  result.checks.push_back(std::move(balance.check));
  judge_checks(result);
  for (auto& [name, passed, detail] : evaluate(plan_.expect, to_json(result)))
    result.checks.push_back({name, passed, detail});
  lists_->cut(result.result);
  for (auto& problem : lists_->close())
    result.checks.push_back({"what the result does not show is in its file", false, std::move(problem)});
  judge_checks(result);
}

/// The files in the run directory, and where there is none what the node told before it left.
std::map<std::uint64_t, trace::ledger_counts> execution::all_books() const {
  std::map<std::uint64_t, trace::ledger_counts> books;
  std::vector<std::string> problems;
  for (auto& kept : trace::books_in(options_.run_dir, &problems))
    books.emplace(kept.incarnation, kept.counts);
  for (auto& problem : problems)
    run_.warn(problem);
  std::lock_guard lock{state_->mutex};
  books.merge(state_->nodes.told_books());
  return books;
}

} // namespace troupe::scenarios
