#include "runner/run/execution.hpp"

#include "base/cores.hpp"
#include "base/cxx_text.hpp"
#include "base/durations.hpp"
#include "base/units.hpp"
#include "runner/plan/times.hpp"

#include <algorithm>
#include <fstream>
#include <random>
#include <system_error>

namespace troupe::scenarios {

namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

/// What a node may take to spawn an actor.
constexpr milliseconds spawn_patience{10'000};
/// What actors get to finish after Ctrl-C or the deadline.
constexpr milliseconds drain_patience = stop_grace + milliseconds{1500};
/// What nodes get to show that they are there, once the scenario has failed: longer than a silent one
/// is waited for.
constexpr milliseconds roll_patience{10'000};

std::uint64_t draw_seed() {
  std::random_device device;
  return (std::uint64_t{device()} << 32 | device()) >> 11; // exact as a JSON number
}

struct collector_state {
  static inline const char* name = "run";
};

caf::behavior collect(actor_of<collector_state>*, std::shared_ptr<run_state> state,
                      std::shared_ptr<long_list_files> lists, run_observer observer) {
  return {
      [state](run_finished& x) {
        const auto why_not = why_not_json(x.result); // any program may have sent it
        std::lock_guard lock{state->mutex};
        if (why_not.empty() && !state->finished) {
          state->finished = std::move(x.result);
          state->finished_at = steady_clock::now();
        }
        if (!why_not.empty() && !state->failed) state->failed = "the result " + why_not;
        state->changed.notify_all();
      },
      [state](run_failed& x) {
        std::lock_guard lock{state->mutex};
        if (!state->failed) state->failed = std::move(x.why);
        state->changed.notify_all();
      },
      [lists, observer](const run_lines& x) {
        const auto problem = lists->append(x.name, x.lines);
        if (!problem.empty() && observer.on_warning) observer.on_warning(problem);
      },
      [observer](const run_progress& x) {
        if (observer.on_progress) observer.on_progress(x.done, x.total, x.per_node);
      },
      [observer](const run_announcement& x) {
        if (observer.on_warning) observer.on_warning(x.text);
      },
  };
}

} // namespace

execution::execution(const scenario& what, const run_options& how)
    : scenario_(what), options_(how), plan_(how.what),
      seed_(how.what.seed_given ? how.what.seed : draw_seed()),
      lists_(std::make_shared<long_list_files>(how.run_dir)),
      intake_(std::make_shared<trace_intake>(how.run_dir,
                                             trace_intake::limits{.bytes_max = how.what.trace.bytes_max})),
      endings_(how.run_dir) {}

execution::~execution() {
  collector_ = nullptr;
  stopper_ = nullptr;
  hosted_.clear();
  main_.reset();
  std::error_code ignored;
  if (!sockets_.empty()) std::filesystem::remove_all(sockets_, ignored);
}

void execution::phase(const std::string& text) const {
  if (options_.observer.on_phase) options_.observer.on_phase(text);
}
void execution::warn(const std::string& text) const {
  if (options_.observer.on_warning) options_.observer.on_warning(text);
}

// -- run ---------------------------------------------------------------------------

const std::vector<std::string>& execution::nodes_of(const std::string& role) const {
  auto found = plan_.topology.place.find(role);
  if (found == plan_.topology.place.end() || found->second.empty())
    throw std::logic_error("scenario " + scenario_.name + " has no role \"" + role + "\"");
  return found->second;
}

std::string execution::why_not_spawned(const std::string& node, const std::string& role,
                                       const caf::error& why) const {
  if (why == errc::bad_arguments)
    return "role " + role + " of scenario " + scenario_.name + ' ' + why.context().get_as<std::string>(0);
  return "node " + node + " could not spawn role " + role + ": " + sentence_of(why);
}

std::vector<caf::actor> execution::spawn_messages(const std::string& role,
                                                  const std::vector<caf::message>& args) {
  auto& nodes = nodes_of(role);
  auto& [name, next] = *next_place_.try_emplace(role).first;
  const auto first = next;
  std::vector<std::string> where;
  for (std::size_t i = 0; i < args.size(); ++i)
    where.push_back(nodes[next++ % nodes.size()]);
  milliseconds patience = spawn_patience;
  if (const auto left = time_left())
    patience = std::clamp(ceil<milliseconds>(*left), milliseconds{1}, patience);
  const auto goes_on = [this] { return interrupts() == 0 && !deadline_passed(); };
  auto made = main_->spawn_each_on(where, scenario_.name + '/' + role, args, patience, goes_on);
  if (!goes_on()) throw std::runtime_error("the run ends before all actors of role " + role + " are spawned");
  std::vector<caf::actor> actors;
  for (std::size_t i = 0; i < made.size(); ++i) {
    if (!made[i]) throw std::runtime_error(why_not_spawned(where[i], role, made[i].error()));
    const auto who = tracing::address(main_->context(), *made[i]);
    spawned_[{who.incarnation, who.id}] = {&name, first + i};
    actors.push_back(caf::actor_cast<caf::actor>(*made[i]));
  }
  return actors;
}

// -- starting ------------------------------------------------------------------------

void execution::start_nodes() {
  if (workers_.empty() && plan_.topology.external.empty()) {
    started_ = steady_clock::now();
    return;
  }
  phase("starting " + std::to_string(workers_.size()) + (workers_.size() == 1 ? " node" : " nodes"));
  if (plan_.topology.endpoint == endpoint_kind::inproc) {
    for (auto& name : workers_) {
      member_options options;
      options.join = main_->endpoint();
      options.name = name;
      options.credentials.incarnation = awaited_.at(name);
      options.zmq_context = inproc_->get();
      options.warn = [this, name](const std::string& text) { warn(name + ": " + text); };
      hosted_.push_back(
          std::make_unique<member_node>(std::vector<const scenario*>{&scenario_}, std::move(options)));
      joining_.try_emplace(name, plan_.topology.join_timeout, steady_clock::now());
    }
  } else {
    if (options_.launcher == nullptr && !workers_.empty())
      throw std::logic_error("a run with worker processes needs a launcher");
    if (options_.launcher != nullptr)
      options_.launcher->on_exit([state = state_](const process_exit& how) {
        std::lock_guard lock{state->mutex};
        state->exits[how.node] = how;
        state->unburied.insert(how.node);
        if (how.signal != 0) state->crashed.insert(how.node);
        state->changed.notify_all();
      });
    start_processes();
  }
  for (auto& name : plan_.topology.external)
    joining_.try_emplace(name, plan_.topology.join_timeout, steady_clock::now());
  for (auto& name : plan_.topology.external)
    phase("waiting for nodes that join by hand: " + join_command(name));
  await_nodes();
  if (interrupts() == 0 && late_.empty()) started_ = steady_clock::now();
}

/// Processes that start all at once keep each other, and this one, from running: only some are
/// on their way at a time.
void execution::start_processes() {
  const auto at_once = std::max<std::size_t>(4, 2 * usable_cores().size());
  for (auto& name : workers_) {
    await_nodes(at_once - 1);
    if (interrupts() != 0 || deadline_passed()) return;
    try {
      pids_[name] = options_.launcher->start(
          name, main_->endpoint(),
          to_secret({keys_.contains(name) ? std::optional{keys_[name]} : std::nullopt,
                     {},
                     plan_.topology.security.plaintext,
                     awaited_.at(name)}));
    } catch (const std::system_error& e) {
      throw std::runtime_error("node " + name + " could not be started: " + e.what());
    }
    joining_.try_emplace(name, plan_.topology.join_timeout, steady_clock::now());
  }
}

void execution::await_nodes(std::size_t rest) {
  std::unique_lock lock{state_->mutex};
  while (interrupts() == 0 && !deadline_passed()) {
    for (auto& [name, how] : state_->exits)
      throw std::runtime_error(
          "node " + name
          + (state_->has_joined(name) ? " had joined and ended while others joined ("
                                      : " ended before it joined (")
          + how_it_ended(how)
          + (how.code == exit_code(verdict::node_lost) ? ": it lost the launcher)" : ")"));
    std::erase_if(joining_, [this](auto& each) { return state_->up.contains(each.first); });
    if (joining_.size() <= rest) return;
    std::string late;
    for (auto& [name, limit] : joining_)
      if (limit.is_over(steady_clock::now())) late += (late.empty() ? "" : ", ") + name;
    if (!late.empty())
      throw std::runtime_error("these nodes did not join within "
                               + format_duration(plan_.topology.join_timeout) + ": " + late);
    state_->changed.wait_for(lock, look_interval);
  }
  if (interrupts() != 0) return;
  std::string missing;
  for (const auto* names : {&std::as_const(workers_), &plan_.topology.external})
    for (auto& name : *names)
      if (!state_->up.contains(name)) missing += (missing.empty() ? "" : ", ") + name;
  late_ = " before these nodes had joined: " + missing;
}

void execution::spawn_collector() {
  const std::string role = "run";
  this_role = &role;
  // Not hidden: the books are read when it has ended, and what ends a run is its last message.
  collector_ = main_->system().spawn(collect, state_, lists_, options_.observer);
  this_role = nullptr;
}

// -- running ---------------------------------------------------------------------------

std::optional<verdict> execution::reason_to_end(std::string& reason) {
  if (start_failed_) {
    reason = "start of scenario " + scenario_.name + " failed: " + *start_failed_;
    return verdict::check_failed;
  }
  if (state_->mistake) {
    reason = *state_->mistake;
    return verdict::check_failed;
  }
  if (state_->finished && finished_in_time() && late_.empty()) return verdict::passed;
  if (state_->failed) {
    reason = *state_->failed;
    // Who takes care of lost nodes himself may still have too few left.
    for (auto& [name, why] : state_->down) {
      reason += "; node " + name + " " + why;
      return verdict::node_lost;
    }
    return verdict::check_failed;
  }
  if (interrupts() != 0) {
    reason = "interrupted";
    return verdict::interrupted;
  }
  if (state_->finished || !late_.empty() || deadline_passed()) {
    reason = "the deadline passed" + late_;
    if (auto why = detector_->stands_still()) reason += "; nothing moved any more: " + why->sentence;
    return verdict::deadline;
  }
  if (!scenario_.goes_on_without_a_node() || wiring_failed_) {
    for (auto& [name, why] : state_->down) {
      reason = "node " + name + " " + why;
      return verdict::node_lost;
    }
  }
  return std::nullopt;
}

void execution::call_the_roll() {
  main_->links().probe(roll_call, false);
  transport::waiting_limit limit{roll_patience, steady_clock::now()};
  std::unique_lock lock{state_->mutex};
  while (state_->down.empty() && interrupts() == 0 && !limit.is_over(steady_clock::now())
         && !std::includes(state_->present.begin(), state_->present.end(), state_->up.begin(),
                           state_->up.end())) {
    lock.unlock();
    bury_the_dead();
    lock.lock();
    state_->changed.wait_for(lock, look_interval);
  }
}

verdict execution::await_end(std::string& reason) {
  std::unique_lock lock{state_->mutex};
  while (true) {
    if (state_->failed && !state_->finished && state_->down.empty()) {
      lock.unlock();
      call_the_roll();
      lock.lock();
    }
    if (auto end = reason_to_end(reason)) return *end;
    lock.unlock();
    bury_the_dead();
    inject_due_faults();
    tell_ended_traces(trace_endings::when::due);
    tell_failures();
    std::string why;
    const auto stuck = judge(detector_->look(), why);
    lock.lock();
    if (auto end = reason_to_end(reason)) return *end;
    if (stuck) {
      reason = std::move(why);
      return *stuck;
    }
    wait_a_moment(lock);
  }
}

/// In a seeded run this is when the actors run.
void execution::wait_a_moment(std::unique_lock<std::mutex>& lock) {
  bool busy = false;
  if (turns_) {
    lock.unlock();
    const auto until = steady_clock::now() + look_interval;
    do {
      busy = turns_->turn();
      lock.lock();
      const bool over = state_->finished || state_->failed;
      lock.unlock();
      if (over) break;
    } while (busy && steady_clock::now() < until);
    lock.lock();
  }
  if (!busy) state_->changed.wait_for(lock, look_interval);
}

void execution::bury_the_dead() {
  std::set<std::string> dead;
  {
    std::lock_guard lock{state_->mutex};
    dead.swap(state_->unburied);
  }
  if (dead.empty()) return;
  auto& hub = main_->links().hub();
  for (auto& peer : hub.peers())
    if (dead.contains(peer->identity().name)) hub.expect_no_more(peer);
}

/// The time that a deadline is measured against begins with the run, before any node has joined. The
/// actors of a seeded run have a time of their own, which begins when they do.
std::optional<std::chrono::nanoseconds> execution::time_left() const {
  if (!plan_.deadline) return std::nullopt;
  return *plan_.deadline - (acting_ && turns_ ? turns_->elapsed() : steady_clock::now() - begun_);
}

bool execution::deadline_passed() const {
  const auto left = time_left();
  return left && left->count() <= 0;
}

/// A seeded run is looked at when its result has just come.
bool execution::finished_in_time() const {
  if (!plan_.deadline) return true;
  return (turns_ ? turns_->elapsed() : state_->finished_at - begun_) <= *plan_.deadline;
}

std::chrono::nanoseconds execution::elapsed(steady_clock::time_point end) const {
  return turns_ ? turns_->elapsed() : end - started_.value_or(begun_);
}

void execution::drain() {
  if (!stopper_) return;
  phase("draining");
  caf::anon_send(stopper_, stop_early{});
  transport::waiting_limit limit{drain_patience, steady_clock::now()};
  std::unique_lock lock{state_->mutex};
  while (!state_->finished && interrupts() < 2 && !limit.is_over(steady_clock::now())) {
    lock.unlock();
    bury_the_dead();
    lock.lock();
    wait_a_moment(lock);
  }
}

/// Nodes that lost this launcher while it stood still are not to blame.
void execution::look_at_own_standstill(outcome& result) {
  std::lock_guard lock{state_->mutex};
  if (result.result_verdict != verdict::node_lost) return;
  // They heard of it last up to a heartbeat before it stood still, and it notices as late.
  const transport::hub_options links;
  if (state_->stood_still < links.liveness - 2 * links.heartbeat) return;
  result.reason += "; the launcher itself did not run for " + duration_text(state_->stood_still.count());
}

/// Wiring that fails because somebody pressed Ctrl-C, the deadline passed or a node ended is the fate of
/// the run; any other failure is a mistake of the scenario. await_end() tells either.
void execution::wire() {
  if (interrupts() != 0 || deadline_passed()) return;
  try {
    scenario_.wire()(*this);
  } catch (...) {
    const auto why = exception_text();
    if (!deadline_passed()) call_the_roll();
    std::lock_guard lock{state_->mutex};
    wiring_failed_ = true;
    if (deadline_passed())
      late_ = " before all actors were spawned";
    else if (interrupts() == 0 && state_->down.empty() && state_->exits.empty())
      start_failed_ = why;
  }
}

// -- the whole -------------------------------------------------------------------------

outcome execution::run_all() {
  prepare_files();
  open_main();
  outcome result;
  result.scenario = scenario_.name;
  result.run_dir = options_.run_dir;
  result.seed = seed_;
  std::exception_ptr problem;
  try {
    start_nodes();
    spawn_collector();
    if (plan_.topology.scheduler == scheduler_kind::seeded) turns_.emplace(main_->system(), seed_);
    for (auto& promise : scenario_.promises())
      main_->recorder().invariant(promise);
    for (auto& fault : plan_.faults)
      faults_.emplace_back(started_.value_or(begun_) + fault.at, fault);
    if (started_) phase("running");
    wire();
    acting_ = true;
    watch_for_stalls();
    result.result_verdict = await_end(result.reason);
    look_at_own_standstill(result);
    {
      std::lock_guard lock{state_->mutex};
      state_->over = true;
    }
    tell_failures();
    if (auto& recorder = main_->recorder(); result.result_verdict != verdict::passed)
      recorder.told_to_end(recorder.intern(to_string(result.result_verdict)), recorder.intern(result.reason));
    const auto how = result.result_verdict;
    if (how == verdict::interrupted || how == verdict::deadline || how == verdict::deadlock
        || how == verdict::stalled || (how == verdict::node_lost && scenario_.has_a_result_without_a_node()))
      drain();
    result.deadlock = deadlock_;
    result.actors_failed = failed_;
    result.actors_failed_count = failed_count_;
    result.elapsed_s = seconds(elapsed(how == verdict::passed ? state_->finished_at : steady_clock::now()));
  } catch (const std::exception& e) {
    problem = std::current_exception();
    tell_failures();
    auto& recorder = main_->recorder();
    recorder.told_to_end(recorder.intern("not started"), recorder.intern(e.what()));
  } catch (...) {
    problem = std::current_exception();
  }
  stop_nodes();
  if (problem) std::rethrow_exception(problem);
  report(result);
  return result;
}

outcome execute(const scenario& what, const run_options& how) {
  std::string mistakes;
  for (const auto& sentence : mistakes_in({&what}))
    mistakes += (mistakes.empty() ? "" : "; ") + sentence;
  if (!mistakes.empty()) throw std::logic_error(mistakes);
  return execution{what, how}.run_all();
}

} // namespace troupe::scenarios
