// Shows a run on the whole terminal while it is on.
#pragma once

#include "cli/terminal/console.hpp"
#include "cli/watch/full_screen.hpp"
#include "cli/watch/watch_source.hpp"

#include <atomic>
#include <condition_variable>
#include <deque>
#include <mutex>
#include <thread>

namespace troupe::cli {

/// A thread of its own draws, so nobody waits for a slow terminal. The console is held
/// while the picture is on the screen: what is said meanwhile is part of the picture, and
/// is written when that is gone. Ctrl-Z gives the terminal back until the process is in
/// the foreground again.
class watch_view {
 public:
  /// Begins at once. All three must outlive it.
  watch_view(full_screen&, run_source&, console&);
  ~watch_view();
  watch_view(const watch_view&) = delete;
  watch_view& operator=(const watch_view&) = delete;

  /// Thread-safe. For good; does not wait.
  void close();
  /// Thread-safe. close(), and waits until the terminal is as it was before.
  void leave();

 private:
  void run();
  void watch();
  void take_signals();
  void suspend();
  void enter();
  void give_back();
  void draw();
  void wake() const;

  full_screen& screen_;
  run_source& source_;
  console& out_;
  const bool colour_;
  std::deque<run_snapshot> taken_; ///< of the last second, the oldest first
  std::chrono::steady_clock::time_point due_;
  bool redraw_ = false;
  std::atomic<bool> closed_{false}, ended_{false};
  std::mutex mutex_;
  std::condition_variable left_changed_;
  bool left_ = false;
  descriptor wake_;
  std::thread thread_;
};

} // namespace troupe::cli
