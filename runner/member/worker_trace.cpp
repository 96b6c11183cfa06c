// Where a worker node keeps its trace, and how it reaches the launcher's run directory.
#include "base/host_identity.hpp"
#include "base/text.hpp"
#include "runner/member/worker.hpp"
#include "trace/merge/collect.hpp"
#include "transport/trace_upload/delivery.hpp"

#include <unistd.h>

namespace troupe::scenarios {

namespace fs = std::filesystem;

namespace {

bool is_writable_directory(const fs::path& path) {
  std::error_code error;
  return fs::is_directory(path, error) && ::access(path.c_str(), W_OK | X_OK) == 0;
}

} // namespace

fs::path place_for_trace(const run_info& info, const worker_options& options) {
  std::error_code error;
  const bool same_host = info.host == boot_id();
  if (options.trace_dir.empty() && same_host && is_writable_directory(info.run_dir)) return {};
  const auto own =
      fs::absolute(options.trace_dir.empty() ? fs::path{"trace-" + options.name} : options.trace_dir);
  fs::create_directories(own, error);
  if (!is_writable_directory(own))
    throw std::runtime_error("cannot keep a trace in " + own.string() + ": "
                             + (error ? error.message() : std::string{"it cannot be written to"})
                             + "; name another place with --trace-dir DIR");
  if (same_host && fs::equivalent(own, info.run_dir, error) && !error) return {};
  if (options.tell && info.trace.level != trace::level::off)
    options.tell("keeps its trace in " + own.string() + " while the run is on");
  return own;
}

std::map<std::string, std::string> promise_of_trace(const fs::path& place) {
  char host[256] = {};
  ::gethostname(host, sizeof host - 1);
  return {{trace_promise_key, std::string{host} + ":" + place.string()}};
}

void worker::hand_over_trace(const std::function<bool()>& give_up) {
  if (kept_in_.empty() || node_ == nullptr) return;
  const auto who = node_->identity();
  std::vector<fs::path> files;
  for (auto& [segment, path] : trace::files_of(kept_in_, who.name, who.incarnation))
    files.push_back(path);
  if (files.empty()) return; // nothing was recorded
  std::unique_lock lock{mutex_};
  const bool launcher_is_gone = ending_ == ending::launcher_lost;
  lock.unlock();
  const auto why =
      launcher_is_gone
          ? std::string{"the launcher is gone"}
          : transport::deliver({.endpoint = join_, .owner = who, .files = files, .give_up = give_up}, links_);
  if (!tell_) return;
  if (why.empty())
    tell_("its trace is in the run directory; the copy in " + kept_in_.string() + " is no longer needed");
  else
    tell_("its trace did not reach the run directory (" + why + "). It is in " + kept_in_.string()
          + "; where the run directory is, bring it in with: "
          + own_command("trace collect " + shell_quoted(run_dir_.string()) + " --from PATH"));
}

} // namespace troupe::scenarios
