#include "runner/run/members.hpp"

#include "base/cores.hpp"
#include "base/units.hpp"
#include "runner/run/obstacles.hpp"

#include <algorithm>
#include <csignal>
#include <iterator>
#include <limits>
#include <system_error>

#include <fmt/format.h>
#include <fmt/ranges.h>

namespace troupe::scenarios {

namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

/// For its actors and its goodbyes, which a node takes seconds for where something hangs.
constexpr milliseconds leave_patience{10'000};

} // namespace

members::members(run_context& run, launcher_endpoint& endpoint, trace_intake& intake)
    : run_(run), endpoint_(endpoint), intake_(intake) {
  const auto& topology = run_.topology();
  for (std::int64_t i = 1; i <= topology.nodes; ++i) {
    workers_.push_back(worker_name(i));
    incarnations_[workers_.back()] = transport::draw_incarnation();
  }
  names_ = workers_;
  names_.insert(names_.end(), topology.external.begin(), topology.external.end());
}

void members::reserve_files() { files_.emplace(files_a_node * names_.size()); }

/// Names are all that is known of who joins by hand; the nodes that the run starts itself are told
/// by it what they are.
std::string members::why_not_admitted(const transport::peer_hello& who) const {
  const auto& [name, incarnation] = who.identity;
  if (const auto own = incarnations_.find(name); own != incarnations_.end())
    return own->second == incarnation ? std::string{} : name + " is started by the run itself";
  const auto& external = run_.topology().external;
  if (std::ranges::find(external, name) == external.end()) return not_awaited(name, external);
  std::lock_guard lock{run_.state->mutex};
  return run_.state->nodes.is_full() ? "too many nodes have been in this run, one after the other" : "";
}

// -- starting --------------------------------------------------------------------------

void members::start(node& main) {
  run_.phase("starting " + std::to_string(workers_.size()) + (workers_.size() == 1 ? " node" : " nodes"));
  if (run_.topology().endpoint == endpoint_kind::inproc)
    host_workers(main);
  else
    start_processes(main);
  for (auto& name : run_.topology().external)
    await(name);
  for (auto& name : run_.topology().external)
    run_.phase("waiting for nodes that join by hand: " + endpoint_.join_command(main.endpoint(), name));
  await_rest(0);
}

void members::host_workers(node& main) {
  for (auto& name : workers_) {
    member_options options;
    options.join = main.endpoint();
    options.name = name;
    options.credentials.incarnation = incarnations_.at(name);
    options.zmq_context = endpoint_.zmq_context();
    options.warn = [this, name](const std::string& text) { run_.warn(name + ": " + text); };
    hosted_.push_back(
        std::make_unique<member_node>(std::vector<const scenario*>{&run_.what}, std::move(options)));
    await(name);
  }
}

/// Processes that start all at once keep each other, and this one, from running: only some are
/// on their way at a time.
void members::start_processes(node& main) {
  auto* launcher = run_.options.launcher;
  if (launcher == nullptr && !workers_.empty())
    throw std::logic_error("a run with worker processes needs a launcher");
  if (launcher != nullptr)
    launcher->on_exit([state = run_.state](const process_exit& how) {
      std::lock_guard lock{state->mutex};
      state->nodes.on_exit(how);
      state->changed.notify_all();
    });
  const auto at_once = std::max<std::size_t>(4, 2 * usable_cores().size());
  for (auto& name : workers_) {
    await_rest(at_once - 1);
    if (!run_.goes_on()) return;
    const auto secret =
        to_secret({endpoint_.keys_of(name), {}, run_.topology().security.plaintext, incarnations_.at(name)});
    try {
      pids_[name] = launcher->start(name, main.endpoint(), secret);
    } catch (const std::system_error& e) {
      throw std::runtime_error("node " + name + " could not be started: " + e.what());
    }
    await(name);
  }
}

void members::await(const std::string& name) {
  std::lock_guard lock{run_.state->mutex};
  run_.state->nodes.await(name, run_.topology().join_timeout, steady_clock::now());
}

/// Waits until at most `rest` of the awaited nodes have not come, or the run does not go on.
void members::await_rest(std::size_t rest) {
  auto& nodes = run_.state->nodes;
  std::unique_lock lock{run_.state->mutex};
  while (run_.goes_on()) {
    if (const auto why = nodes.early_exit(); !why.empty()) throw std::runtime_error(why);
    if (nodes.awaited() <= rest) return;
    if (const auto late = nodes.late(steady_clock::now()); !late.empty())
      throw std::runtime_error("these nodes did not join within "
                               + format_duration(run_.topology().join_timeout) + ": " + late);
    run_.state->changed.wait_for(lock, look_interval);
  }
  if (run_.interrupts() == 0) left_undone_ = " before these nodes had joined: " + nodes.missing(names_);
}

// -- stopping --------------------------------------------------------------------------

void members::stop(node& main) { kill(await_leaving(main)); }

/// Returns the nodes that have not left.
std::vector<std::string> members::await_leaving(node& main) {
  tell_to_leave(main);
  for (auto& each : hosted_)
    each->wait_for(leave_patience);
  for (auto& each : hosted_)
    each->stop();
  transport::waiting_limit limit{leave_patience, steady_clock::now()};
  auto told = steady_clock::now() + milliseconds{500};
  auto fewest = std::numeric_limits<std::size_t>::max();
  while (true) {
    tell_to_leave(main);
    auto alive = still_there();
    if (alive.size() < fewest) { // many nodes, or a busy machine: the others are on their way
      fewest = alive.size();
      limit.renew(steady_clock::now());
    }
    const auto traces = intake_.awaited(); // which ends by itself
    if (!traces.empty()) {
      limit.renew(steady_clock::now());
      intake_.wait_for_news(look_interval);
    }
    if ((alive.empty() && traces.empty()) || run_.interrupts() >= 2 || limit.is_over(steady_clock::now()))
      return alive;
    if (steady_clock::now() < told) continue;
    if (!traces.empty())
      run_.phase(fmt::format("stopping: waiting for the trace of {}", fmt::join(traces, ", ")));
    else
      run_.phase(fmt::format("stopping: {} {} still alive", fmt::join(alive, ", "),
                             alive.size() == 1 ? "is" : "are"));
    told += std::chrono::seconds{1};
  }
}

/// Also those that join only now.
void members::tell_to_leave(node& main) {
  std::set<std::string> up;
  {
    std::lock_guard lock{run_.state->mutex};
    up = run_.state->nodes.up();
  }
  for (auto& name : up)
    if (auto agent = told_to_leave_.contains(name) ? nullptr : main.agent_of(name)) {
      troupe::anon_send(agent, leave_node{});
      told_to_leave_.insert(name);
    }
}

/// Nodes that joined by hand are not the launcher's, but are waited for like the others.
std::vector<std::string> members::still_there() const {
  std::vector<std::string> names;
  if (run_.options.launcher != nullptr) names = run_.options.launcher->wait_all(look_interval);
  auto& state = *run_.state;
  std::unique_lock lock{state.mutex};
  if (names.empty() && !state.nodes.up().empty()) state.changed.wait_for(lock, look_interval);
  for (auto& name : state.nodes.up())
    if (!pids_.contains(name)) names.push_back(name);
  return names;
}

void members::kill(std::vector<std::string> alive) {
  std::erase_if(alive, [this](const std::string& name) {
    if (pids_.contains(name)) return false;
    run_.warn("node " + name
              + " was told to leave and is still there; it was not started here, so it is let be");
    return true;
  });
  auto* launcher = run_.options.launcher;
  if (launcher == nullptr || alive.empty()) return;
  run_.warn(fmt::format("killing {}", fmt::join(alive, ", ")));
  for (auto& name : alive)
    launcher->signal(name, SIGKILL);
  launcher->wait_all(leave_patience);
}

std::vector<node_report> members::reports() const {
  std::vector<node_report> all;
  std::lock_guard lock{run_.state->mutex};
  for (auto& name : names_) {
    const auto pid = pids_.find(name);
    std::ranges::move(
        run_.state->nodes.reports_of(name, pid != pids_.end() ? std::optional{pid->second} : std::nullopt),
        std::back_inserter(all));
  }
  return all;
}

} // namespace troupe::scenarios
