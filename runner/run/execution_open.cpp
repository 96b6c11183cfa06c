// The launcher's own node: where it listens, and what it does when others come and go.
#include "base/durations.hpp"
#include "base/host_identity.hpp"
#include "runner/member/socket_directory.hpp"
#include "runner/run/execution.hpp"
#include "runner/run/obstacles.hpp"

#include <algorithm>
#include <sys/stat.h>
#include <system_error>

namespace troupe::scenarios {

namespace {
/// Shorter ones are of no consequence, and on a busy machine nothing to tell of.
constexpr std::chrono::seconds standstill_told{2};
/// Nodes that may have been in a run; each costs the launcher some memory until its end.
constexpr std::size_t starts_max = 10'000;
} // namespace

void execution::open_main() {
  if (const auto found = obstacles(plan_.topology); !found.empty()) throw std::runtime_error(found.front());
  files_.emplace(files_a_node
                 * (static_cast<std::size_t>(plan_.topology.nodes) + plan_.topology.external.size()));
  for (std::int64_t i = 1; i <= plan_.topology.nodes; ++i) {
    workers_.push_back(worker_name(i));
    awaited_[workers_.back()] = transport::draw_incarnation();
  }
  node_options mine;
  mine.name = "main";
  mine.alone = true; // no other run has this directory
  mine.trace = plan_.trace.level;
  mine.trace_bytes_max = plan_.trace.bytes_max;
  mine.trace_sample_one_in = plan_.trace.sample_one_in();
  mine.run_dir = options_.run_dir;
  mine.threads = static_cast<std::size_t>(plan_.topology.threads);
  mine.scheduler = policy_name(plan_.topology.scheduler);
  mine.warn = [this](const std::string& text) { warn(text); };
  mine.on_failed = hear_of_failures();
  mine.on_mistake = [state = state_](const std::string& sentence) {
    std::lock_guard lock{state->mutex};
    if (!state->mistake) state->mistake = sentence;
    state->changed.notify_all();
  };
  allow_messages(plan_.topology.message_bytes_max, mine.links);
  mine.links.log = [this](transport::log_level level, std::string_view text) {
    if (level == transport::log_level::warning) warn(std::string{text});
  };
  mine.links.on_standstill = [this, state = state_](std::chrono::nanoseconds how_long) {
    std::unique_lock lock{state->mutex};
    const bool news = state->stood_still < standstill_told && how_long >= standstill_told;
    state->stood_still = std::max(state->stood_still, how_long);
    lock.unlock();
    if (news)
      warn("this process did not run for " + duration_text(how_long.count())
           + ": it was stopped, or the machine stood still; the nodes have their time again");
  };
  run_info info{scenario_.name,
                boot_id(),
                std::filesystem::absolute(options_.run_dir),
                seed_,
                plan_.trace,
                plan_.topology.threads,
                plan_.topology.scheduler,
                plan_.topology.nodes,
                plan_.topology.external,
                plan_.topology.message_bytes_max,
                {}};
  if (!workers_.empty() || !plan_.topology.external.empty()) listen(mine, info);
  mine.run = to_text(info);
  mine.deliveries = intake_.get();
  const std::vector<const scenario*> only{&scenario_};
  main_ = std::make_unique<node>(
      std::move(mine), make_catalog(only), make_roles(only), tell_up(), tell_down(),
      [state = state_, detector = detector_](const transport::node_identity& node, std::uint64_t round,
                                             const activity_report& report,
                                             const std::vector<wait_edge>& edges, bool last) {
        if (round == roll_call) {
          std::lock_guard lock{state->mutex};
          state->present.insert(node.name);
          state->changed.notify_all();
          return;
        }
        if (round != final_books) return detector->on_report(node.name, round, report, edges, last);
        std::lock_guard lock{state->mutex};
        state->start_of(node).books = report.books;
      });
  if (options_.observer.on_node) options_.observer.on_node("main", true, "");
}

run_state::start& run_state::start_of(const transport::node_identity& who) {
  for (auto& each : starts)
    if (each.incarnation == who.incarnation) return each;
  return starts.emplace_back(start{who.name, who.incarnation, 0, {}, {}});
}

bool run_state::has_joined(const std::string& node) const {
  return std::ranges::any_of(starts, [&](const start& each) { return each.node == node; });
}

/// Names are all that is known of who joins by hand; the nodes that the run starts itself are told
/// by it what they are.
std::string execution::why_not(const transport::peer_hello& who) const {
  const auto& [name, incarnation] = who.identity;
  if (const auto own = awaited_.find(name); own != awaited_.end())
    return own->second == incarnation ? std::string{} : name + " is started by the run itself";
  const auto& external = plan_.topology.external;
  if (std::find(external.begin(), external.end(), name) == external.end()) return not_awaited(name, external);
  std::lock_guard lock{state_->mutex};
  return state_->starts.size() < starts_max ? std::string{}
                                            : "too many nodes have been in this run, one after the other";
}

void execution::listen(node_options& mine, run_info& info) {
  mine.links.admit = [this](const transport::peer_hello& who) { return why_not(who); };
  switch (plan_.topology.endpoint) {
  case endpoint_kind::ipc: {
    const auto chosen = choose_socket_directory();
    if (options_.launcher != nullptr) options_.launcher->clean_up_after(chosen);
    if (::mkdir(chosen.c_str(), 0700) != 0)
      throw std::system_error(errno, std::generic_category(),
                              "cannot make a directory for sockets, " + chosen.string());
    sockets_ = chosen;
    mine.listen = "ipc://" + socket_of(sockets_, "main").string();
    break;
  }
  case endpoint_kind::tcp:
    mine.listen = "tcp://" + plan_.topology.host + ":*";
    secure(mine.links, info);
    break;
  case endpoint_kind::inproc:
    inproc_.emplace();
    mine.links.zmq_context = inproc_->get();
    mine.listen = "inproc://main";
    break;
  }
}

node::up_handler execution::tell_up() {
  return [state = state_, observer = options_.observer, intake = intake_](const known_node& who,
                                                                          const greeting& theirs) {
    if (auto kept = theirs.run.find(trace_promise_key); kept != theirs.run.end())
      intake->expect(who.identity, kept->second);
    if (observer.on_node) observer.on_node(who.identity.name, true, "");
    std::lock_guard lock{state->mutex};
    state->up.insert(who.identity.name);
    auto& fresh = state->start_of(who.identity);
    fresh.pid = theirs.pid;
    fresh.ended.clear();
    fresh.books.reset();
    state->changed.notify_all();
  };
}

node::down_handler execution::tell_down() {
  return [state = state_, detector = detector_, observer = options_.observer,
          intake = intake_](const known_node& who, transport::down_reason reason, const std::string& detail) {
    intake->on_node_gone(who.identity, reason == transport::down_reason::left);
    detector->on_node_gone();
    std::lock_guard lock{state->mutex};
    const auto why = reason == transport::down_reason::left
                         ? std::string{"left"}
                         : "lost: " + (detail.empty() ? std::string{to_string(reason)} : detail);
    state->down[who.identity.name] = why;
    if (reason != transport::down_reason::left) state->crashed.insert(who.identity.name);
    bool again = false; // it has been started anew, which was told first
    for (auto& each : state->starts) {
      if (each.incarnation == who.identity.incarnation) each.ended = why;
      again = again || (each.node == who.identity.name && each.ended.empty());
    }
    if (!again) state->up.erase(who.identity.name);
    if (!again && observer.on_node)
      observer.on_node(who.identity.name, false, state->down[who.identity.name]);
    state->changed.notify_all();
  };
}

} // namespace troupe::scenarios
