// The whole terminal, while something is drawn on it.
#pragma once

#include "base/descriptor.hpp"
#include "cli/watch/watch_picture.hpp"

#include <chrono>
#include <csignal>
#include <stdexcept>
#include <string>
#include <termios.h>
#include <vector>

namespace troupe::cli {

/// what() is a sentence.
class screen_error : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

/// The alternate screen of a terminal, without cursor, echo and line editing. Whoever
/// leaves it finds everything as before: the destructor leaves, and so does a signal that
/// ends the process (SIGQUIT, SIGABRT, SIGSEGV and the like). No function waits for a
/// terminal that takes nothing; leave() does for a while.
///
/// Make one, and only one, before any thread is started: it blocks SIGTSTP, SIGCONT and
/// SIGWINCH, which are read from signals() instead. But for restore_now() not thread-safe.
class full_screen {
 public:
  /// For the terminal behind `fd`, which is opened anew. Throws screen_error where there is none.
  explicit full_screen(int fd);
  ~full_screen();
  full_screen(const full_screen&) = delete;
  full_screen& operator=(const full_screen&) = delete;

  /// Of the terminal: for keys, and to poll for room. Does not block.
  int terminal() const { return terminal_.get(); }
  /// A signalfd.
  int signals() const { return signals_.get(); }
  picture_size size() const;
  /// Nothing may be done to a terminal that a shell has given to another process.
  bool in_foreground() const;

  bool on() const { return on_; }
  void enter();
  /// Waits at most that long for a terminal that takes nothing; what is left to write then is pending.
  void leave(std::chrono::milliseconds patience);
  /// Writes what is pending. The same patience; negative: as long as there is a terminal.
  void finish(std::chrono::milliseconds patience);
  /// All at once, so that nothing flickers. What the terminal does not take yet is
  /// written by later calls of write_more().
  void show(const std::vector<shown_text>& lines, bool colour);
  bool pending() const { return !pending_.empty(); }
  void write_more();

  /// Leaves at once, from any thread or signal handler; on() is not changed.
  static void restore_now();

 private:
  descriptor terminal_, signals_;
  sigset_t mask_before_{};
  termios modes_before_{};
  std::string pending_;
  bool on_ = false;
};

} // namespace troupe::cli
