// Everything that goes to stderr while a run is on, from whatever thread.
#pragma once

#include "base/shown_text.hpp"

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

namespace troupe::cli {

/// Whether colour and progress may be shown on that descriptor: a terminal that is not
/// "dumb"; colour also needs NO_COLOR to be unset or empty.
bool is_terminal(int fd);
bool wants_colour(int fd);

/// Thread-safe. A thread of its own writes, so that no caller waits for a slow terminal
/// or a pipe that nobody reads. Lines of nodes are kept up to `backlog_bytes_max` and
/// beyond that counted instead; messages of the program itself are always kept.
class console {
 public:
  static constexpr std::size_t backlog_bytes_max = 1U << 20;

  /// `also` is told every line, without colours, by the thread that says it.
  explicit console(int fd, std::function<void(std::string_view line)> also = {});
  /// Writes what is left, giving up after two seconds in which nothing could be written.
  ~console();
  console(const console&) = delete;
  console& operator=(const console&) = delete;

  bool colour() const;
  bool terminal() const;

  /// One line, whatever it holds.
  void message(const shown_text& line);
  void message(std::string_view line) { message(shown_text{line}); }
  /// `w1 | line`, the name coloured by its node where colour is on.
  void node_line(std::string_view node, std::string_view line);
  /// The line that stays at the bottom of a terminal; empty: none. Nothing elsewhere.
  void status(const shown_text& line);
  void status(std::string_view line) { status(shown_text{line}); }
  /// While something else is on the terminal: lines are kept and written afterwards, and
  /// the status waits. From the return of hold(true) on nothing is written.
  void hold(bool);
  /// Returns when everything is written, or nothing could be for two seconds, or it is held.
  void flush();

 private:
  struct impl;
  std::unique_ptr<impl> impl_;
};

} // namespace troupe::cli
