#include "runner/run/ending.hpp"

#include "base/durations.hpp"
#include "base/text.hpp"
#include "base/units.hpp"
#include "transport/hub/hub.hpp"

namespace troupe::scenarios {

namespace {

run_end failed_end(const run_snapshot& run) {
  // Who takes care of lost nodes himself may still have too few left.
  if (run.gone)
    return {verdict::node_lost, *run.failed + "; node " + run.gone->name + ' ' + run.gone->why, {}};
  return {verdict::check_failed, *run.failed, {}};
}

run_end deadline_end(const run_snapshot& run) {
  auto reason = "the deadline passed" + run.left_undone;
  if (run.standstill) reason += "; nothing moved any more: " + *run.standstill;
  return {verdict::deadline, std::move(reason), {}};
}

std::optional<run_end> stuck_end(const stuck_detector::news& news,
                                 std::optional<std::chrono::nanoseconds> stall) {
  using finding = stuck_detector::finding;
  switch (news.what) {
  case finding::nothing:
  case finding::still:
    return std::nullopt;
  case finding::stalled:
    return run_end{verdict::stalled,
                   "nothing moved for " + format_duration(*stall) + ": " + news.why.sentence, news.why.cycle};
  case finding::deadlock:
    return run_end{verdict::deadlock, news.why.sentence, news.why.cycle};
  }
  return std::nullopt;
}

} // namespace

std::optional<run_end> end_of(const run_snapshot& run) {
  if (run.start_failed)
    return run_end{
        verdict::check_failed, "start of scenario " + run.scenario + " failed: " + *run.start_failed, {}};
  if (run.mistake) return run_end{verdict::check_failed, *run.mistake, {}};
  if (run.has_result && run.result_in_time && run.left_undone.empty()) return run_end{};
  if (run.failed) return failed_end(run);
  if (run.interrupted) return run_end{verdict::interrupted, "interrupted", {}};
  if (run.has_result || !run.left_undone.empty() || run.deadline_passed) return deadline_end(run);
  if (run.gone && run.needs_all_nodes)
    return run_end{verdict::node_lost, "node " + run.gone->name + ' ' + run.gone->why, {}};
  return stuck_end(run.stuck, run.stall);
}

std::string standstill_warning(const stuck_detector::news& news,
                               std::optional<std::chrono::nanoseconds> stall) {
  if (news.what != stuck_detector::finding::still) return {};
  return "stalled: " + news.why.sentence
         + (stall ? "; unless something moves, the run ends when that has been so for "
                        + format_duration(*stall) + " (topology.stall)"
                  : std::string{"; it goes on waiting, as topology.stall is never"});
}

std::string own_standstill(std::chrono::nanoseconds stood_still) {
  // They heard of it last up to a heartbeat before it stood still, and it notices as late.
  const transport::hub_options links;
  if (stood_still < links.liveness - 2 * links.heartbeat) return {};
  return "; the launcher itself did not run for " + duration_text(stood_still.count());
}

} // namespace troupe::scenarios
