#include "runner/run/launcher_node.hpp"

#include "base/durations.hpp"
#include "base/host_identity.hpp"
#include "base/text.hpp"
#include "runner/run/obstacles.hpp"

#include <algorithm>

namespace troupe::scenarios {

namespace {

/// Shorter ones are of no consequence, and on a busy machine nothing to tell of.
constexpr std::chrono::seconds standstill_told{2};

run_info info_of(const run_context& run, std::uint64_t seed) {
  const auto& plan = run.options.what;
  return {run.what.name,
          boot_id(),
          std::filesystem::absolute(run.options.run_dir),
          seed,
          plan.trace,
          plan.topology.threads,
          plan.topology.scheduler,
          plan.topology.nodes,
          plan.topology.external,
          plan.topology.message_bytes_max,
          {}};
}

std::function<void(std::chrono::nanoseconds)> on_standstill(const run_context& run) {
  return [&run, state = run.state](std::chrono::nanoseconds how_long) {
    std::unique_lock lock{state->mutex};
    const bool news = state->stood_still < standstill_told && how_long >= standstill_told;
    state->stood_still = std::max(state->stood_still, how_long);
    lock.unlock();
    if (news)
      run.warn("this process did not run for " + duration_text(how_long.count())
               + ": it was stopped, or the machine stood still; the nodes have their time again");
  };
}

node_options options_of_main(const run_context& run) {
  const auto& plan = run.options.what;
  node_options mine;
  mine.name = "main";
  mine.alone = true; // no other run has this directory
  mine.trace = plan.trace.level;
  mine.trace_bytes_max = plan.trace.bytes_max;
  mine.trace_sample_one_in = plan.trace.sample_one_in();
  mine.run_dir = run.options.run_dir;
  mine.threads = static_cast<std::size_t>(plan.topology.threads);
  mine.scheduler = policy_name(plan.topology.scheduler);
  mine.warn = [&run](const std::string& text) { run.warn(text); };
  mine.on_failed = [state = run.state](const failed_actor& who) {
    std::lock_guard lock{state->mutex};
    state->failures.add(who);
    state->changed.notify_all();
  };
  mine.on_mistake = [state = run.state](const std::string& sentence) {
    std::lock_guard lock{state->mutex};
    if (!state->mistake) state->mistake = sentence;
    state->changed.notify_all();
  };
  allow_messages(plan.topology.message_bytes_max, mine.hub);
  mine.hub.log = [&run](transport::log_level level, std::string_view text) {
    if (level == transport::log_level::warning) run.warn(std::string{text});
  };
  mine.hub.on_standstill = on_standstill(run);
  return mine;
}

node::up_handler on_node_up(const launcher_node_parts& parts) {
  return [state = parts.run.state, observer = parts.run.options.observer,
          intake = parts.intake](const known_node& who, const greeting& theirs) {
    if (auto kept = theirs.run.find(trace_promise_key); kept != theirs.run.end())
      intake->expect(who.identity, kept->second);
    if (observer.on_node) observer.on_node(who.identity.name, true, "");
    std::lock_guard lock{state->mutex};
    state->nodes.on_up(who.identity, theirs.pid);
    state->changed.notify_all();
  };
}

node::down_handler on_node_down(const launcher_node_parts& parts) {
  return [state = parts.run.state, observer = parts.run.options.observer, detector = parts.detector,
          intake = parts.intake](const known_node& who, transport::down_reason reason,
                                 const std::string& detail) {
    const bool left = reason == transport::down_reason::left;
    intake->on_node_gone(who.identity, left);
    detector->on_node_gone();
    const auto why = left ? "left" : "lost: " + (detail.empty() ? std::string{to_string(reason)} : detail);
    std::lock_guard lock{state->mutex};
    if (state->nodes.on_down(who.identity, why) && observer.on_node)
      observer.on_node(who.identity.name, false, why);
    state->changed.notify_all();
  };
}

node::report_handler on_report(const launcher_node_parts& parts) {
  return [state = parts.run.state, detector = parts.detector](
             const transport::node_identity& node, std::uint64_t round, const activity_report& report,
             const std::vector<wait_edge>& edges, bool last) {
    if (round != presence_probe && round != final_books)
      return detector->on_report(node.name, round, report, edges, last);
    std::lock_guard lock{state->mutex};
    if (round == final_books) return state->nodes.on_books(node, report.books);
    state->nodes.on_present(node.name);
    state->changed.notify_all();
  };
}

} // namespace

std::unique_ptr<node> open_launcher_node(const launcher_node_parts& parts) {
  const auto& run = parts.run;
  if (const auto found = obstacles(run.topology()); !found.empty()) throw std::runtime_error(found.front());
  parts.others.reserve_files();
  auto mine = options_of_main(run);
  auto info = info_of(run, parts.seed);
  if (!parts.others.names().empty()) {
    mine.hub.admit = [&others = parts.others](const transport::peer_hello& who) {
      return others.why_not_admitted(who);
    };
    parts.endpoint.open(run.options.launcher, parts.others.workers(), mine, info);
  }
  mine.run = to_text(info);
  mine.uploads = parts.intake.get();
  const std::vector<const scenario*> only{&run.what};
  auto made = std::make_unique<node>(std::move(mine), make_catalog(only), make_roles(only), on_node_up(parts),
                                     on_node_down(parts), on_report(parts));
  if (run.options.observer.on_node) run.options.observer.on_node("main", true, "");
  return made;
}

} // namespace troupe::scenarios
