// Counts the signals that ask this process to stop.
#pragma once

#include "base/descriptor.hpp"

#include <atomic>
#include <functional>
#include <thread>

namespace troupe::cli {

/// While it lives, SIGINT, SIGTERM and SIGHUP are counted instead of ending the process
/// (SIGHUP stays ignored where it was, as under nohup), and SIGPIPE is ignored: writing
/// to a closed pipe fails with EPIPE. Those that came too late to be counted are forgotten. Make one before
/// any other thread is started, since they inherit the signal mask. Throws std::system_error.
class interrupt_counter {
 public:
  interrupt_counter();
  ~interrupt_counter();
  interrupt_counter(const interrupt_counter&) = delete;
  interrupt_counter& operator=(const interrupt_counter&) = delete;

  /// Starts counting, those that came meanwhile included. `tell(count, signal)` runs on
  /// a thread of its own, once a signal. `stops(key)` runs there, too, for each character
  /// that is typed at `keys`, stdin unless another is given, while that is a terminal that
  /// belongs to this process; if it returns true the key counts like a signal, told with
  /// the number 0. Empty: nothing is read.
  void watch(std::function<void(int count, int signal_number)> tell = {},
             std::function<bool(char key)> stops = {}, int keys = 0);
  /// From now on nothing is counted or told; waits for a `tell` that runs.
  void unwatch();

  const std::atomic<int>& count() const { return count_; }

 private:
  void run();
  void count(int signal_number);
  bool in_foreground() const;
  /// False when nothing more will be typed.
  bool read_keys();
  std::function<void(int, int)> tell_;
  std::function<bool(char)> stops_;
  int keys_ = 0;
  std::atomic<int> count_{0};
  sigset_t before_{};
  void (*pipe_before_)(int) = nullptr;
  descriptor signals_, stop_;
  std::thread thread_;
};

} // namespace troupe::cli
