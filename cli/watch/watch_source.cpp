#include "cli/watch/watch_source.hpp"

namespace troupe::cli {

using std::chrono::steady_clock;

run_source::run_source(std::string scenario) : began_(steady_clock::now()) {
  known_.scenario = std::move(scenario);
}

void run_source::begin(const std::filesystem::path& run_dir) {
  const std::scoped_lock lock(mutex_, view_mutex_);
  view_.emplace(run_dir);
  began_ = steady_clock::now();
}

void run_source::node_changed(const std::string& name, bool up, const std::string& why) {
  const std::lock_guard lock(mutex_);
  known_.nodes[name] = {up, why};
}

void run_source::progressed(std::uint64_t done, std::uint64_t total) {
  const std::lock_guard lock(mutex_);
  known_.how_far.done = done;
  known_.how_far.total = total;
}

void run_source::said(std::string_view line) {
  const std::lock_guard lock(mutex_);
  known_.messages.emplace_back(line);
  if (known_.messages.size() > messages_max) known_.messages.pop_front();
}

run_snapshot run_source::look() {
  const auto now = steady_clock::now(); // CLOCK_MONOTONIC, as in the traces
  auto snapshot = [&] {
    const std::lock_guard lock(mutex_);
    auto copy = known_;
    copy.how_far.elapsed = now - began_;
    return copy;
  }();
  snapshot.taken = now.time_since_epoch();
  const std::lock_guard lock(view_mutex_);
  if (view_) snapshot.live = view_->look(snapshot.taken);
  return snapshot;
}

} // namespace troupe::cli
