// What an execution hears of actors that fail and runs that stand still, and how it tells people.
#include "base/units.hpp"
#include "runner/run/execution.hpp"
#include "trace/check/invariant.hpp"
#include "trace/merge/merge.hpp"

#include <algorithm>

namespace troupe::scenarios {

namespace {

/// Failures that are told one by one; result.json lists more.
constexpr std::uint64_t failures_told = 20;
/// A larger trace is not read while the run is on.
constexpr std::uintmax_t trace_bytes_read_max = 256ULL << 20;

bool all_is_recorded(const trace::model& m) {
  return std::all_of(m.nodes.begin(), m.nodes.end(), [](const trace::node_info& node) {
    return node.recorded && node.missed == 0 && node.sample_one_in <= 1;
  });
}

std::uintmax_t bytes_of_traces(const std::filesystem::path& directory) {
  std::uintmax_t bytes = 0;
  std::error_code ignored;
  for (auto& file : std::filesystem::directory_iterator{directory, ignored})
    if (file.path().extension() == ".trace") bytes += file.file_size(ignored);
  return bytes;
}

} // namespace

// -- names -------------------------------------------------------------------------

std::string execution::role_name(const actor_ref& who) const {
  const auto found = spawned_.find({who.incarnation, who.id});
  return found != spawned_.end() ? *found->second.role + ' ' + std::to_string(found->second.number) : "";
}

std::string execution::node_name(std::uint64_t incarnation) const {
  if (incarnation == main_->identity().incarnation) return main_->name();
  std::lock_guard lock{state_->mutex};
  for (auto& start : state_->starts)
    if (start.incarnation == incarnation) return start.node;
  return {};
}

// -- actors that failed --------------------------------------------------------------

std::function<void(const failed_actor&)> execution::hear_of_failures() {
  return [state = state_](const failed_actor& who) {
    std::lock_guard lock{state->mutex};
    if (state->over) return;
    ++state->failures_untold;
    if (state->failures.size() < actors_failed_max) state->failures.push_back(who);
    state->changed.notify_all();
  };
}

void execution::tell_failures() {
  std::vector<failed_actor> fresh;
  std::uint64_t count = 0;
  {
    std::lock_guard lock{state_->mutex};
    fresh.swap(state_->failures);
    count = std::exchange(state_->failures_untold, 0);
  }
  const auto before = std::exchange(failed_count_, failed_count_ + count);
  for (std::size_t i = 0; i < fresh.size(); ++i) {
    auto& [who, kind, node, why] = fresh[i];
    auto name = role_name(who);
    if (name.empty()) name = kind + ' ' + std::to_string(who.id);
    if (before + i < failures_told) warn("actor " + name + " on " + node + " failed: " + why);
    if (failed_.size() < actors_failed_max) failed_.push_back({node, std::move(name), std::move(why)});
  }
  if (before <= failures_told && failed_count_ > failures_told)
    warn("more than " + std::to_string(failures_told) + " actors failed; result.json counts them");
}

// -- runs that stand still -------------------------------------------------------------

std::vector<wait_edge> execution::holders_by_trace() const {
  std::vector<wait_edge> edges;
  const bool tells = std::any_of(scenario_.promises().begin(), scenario_.promises().end(),
                                 [](auto& promise) { return promise.starts_with("exclusive "); });
  if (!tells || !main_->recorder().on() || bytes_of_traces(options_.run_dir) > trace_bytes_read_max)
    return edges;
  try {
    const auto m = trace::load({options_.run_dir});
    if (!all_is_recorded(m)) return edges;
    const auto ref = [&](std::uint32_t actor) {
      return actor_ref{m.nodes[m.actors[actor].node].incarnation, m.actors[actor].id};
    };
    for (auto& promise : scenario_.promises())
      for (auto& [resource, held] : trace::invariant{promise}.held_at(m, trace::no_row)) {
        const auto ended = m.actors[held.holder].exited != trace::no_row;
        edges.push_back({.from = ref(resource), .to = ref(held.holder), .held = true, .to_ended = ended});
      }
  } catch (const std::exception& e) {
    warn(std::string{"the trace could not be asked who holds what: "} + e.what());
    edges.clear();
  }
  return edges;
}

void execution::watch_for_stalls() {
  actor_names names;
  names.of_role = [this](const actor_ref& who) { return role_name(who); };
  names.of_node = [this](std::uint64_t incarnation) { return node_name(incarnation); };
  detector_->attach(*main_, {plan_.topology.stall, std::move(names), [this] { return holders_by_trace(); }});
}

std::optional<verdict> execution::judge(stuck_detector::news news, std::string& reason) {
  using finding = stuck_detector::finding;
  auto& [what, why] = news;
  const auto stall = plan_.topology.stall;
  switch (what) {
  case finding::nothing:
    return std::nullopt;
  case finding::still:
    warn("stalled: " + why.sentence
         + (stall ? "; unless something moves, the run ends when that has been so for "
                        + format_duration(*stall) + " (topology.stall)"
                  : std::string{"; it goes on waiting, as topology.stall is never"}));
    return std::nullopt;
  case finding::stalled:
    reason = "nothing moved for " + format_duration(*stall) + ": " + why.sentence;
    deadlock_ = std::move(why.cycle);
    return verdict::stalled;
  case finding::deadlock:
    reason = std::move(why.sentence);
    deadlock_ = std::move(why.cycle);
    return verdict::deadlock;
  }
  return std::nullopt;
}

} // namespace troupe::scenarios
