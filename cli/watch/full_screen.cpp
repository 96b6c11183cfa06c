#include "cli/watch/full_screen.hpp"

#include <array>
#include <atomic>
#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <pthread.h>
#include <string_view>
#include <sys/ioctl.h>
#include <sys/signalfd.h>

namespace troupe::cli {
namespace {

using std::chrono::steady_clock;

// The alternate screen, no cursor, and no wrapping of lines that turn out wider than counted.
constexpr std::string_view enter_codes = "\x1b[?1049h\x1b[?25l\x1b[?7l\x1b[H\x1b[J";
constexpr std::string_view leave_codes = "\x1b[0m\x1b[?2026l\x1b[H\x1b[J\x1b[?7h\x1b[?25h\x1b[?1049l";
// A synchronised update, where the terminal knows that: it shows nothing half drawn.
constexpr std::string_view begin_codes = "\x1b[?2026h\x1b[H", end_codes = "\x1b[?2026l";

/// What a signal handler needs to restore a terminal.
struct restoration {
  int fd = -1;
  termios modes{};
};
restoration to_restore;
std::atomic<bool> armed{false};

constexpr std::array fatal_signals{SIGQUIT, SIGILL, SIGTRAP, SIGABRT, SIGBUS, SIGFPE, SIGSEGV, SIGSYS};
std::array<struct sigaction, fatal_signals.size()> actions_before;

void on_fatal_signal(int number, siginfo_t* info, void*) {
  full_screen::restore_now();
  for (std::size_t i = 0; i < fatal_signals.size(); ++i)
    if (fatal_signals[i] == number) ::sigaction(number, &actions_before[i], nullptr);
  // A fault happens again when this returns, and then finds the action of before.
  const bool fault = number != SIGQUIT && number != SIGABRT && info->si_code > 0;
  if (!fault) ::raise(number);
}

void arm(int fd, const termios& modes) {
  to_restore = {fd, modes};
  armed = true;
  struct sigaction action {};
  action.sa_sigaction = on_fatal_signal;
  action.sa_flags = SA_SIGINFO;
  for (std::size_t i = 0; i < fatal_signals.size(); ++i) {
    ::sigaction(fatal_signals[i], nullptr, &actions_before[i]);
    if (actions_before[i].sa_handler != SIG_IGN) ::sigaction(fatal_signals[i], &action, nullptr);
  }
}

/// False where a signal handler or another thread was faster.
bool disarm() {
  if (!armed.exchange(false)) return false;
  for (std::size_t i = 0; i < fatal_signals.size(); ++i)
    ::sigaction(fatal_signals[i], &actions_before[i], nullptr);
  return true;
}

bool is_ours(int fd) {
  const auto group = ::tcgetpgrp(fd);
  return group == ::getpgrp() || (group < 0 && errno == ENOTTY); // no job control on another's terminal
}

/// Another open file than stderr's, so that nobody else's writes stop to block.
int open_terminal(int fd) {
  constexpr int flags = O_RDWR | O_NOCTTY | O_NONBLOCK | O_CLOEXEC;
  const int opened = ::open(fmt::format("/proc/self/fd/{}", fd).c_str(), flags);
  return opened >= 0 ? opened : ::open("/dev/tty", flags); // another user's, after su
}

} // namespace

full_screen::full_screen(int fd) {
  if (::isatty(fd) != 1) throw screen_error("it is no terminal");
  terminal_.reset(open_terminal(fd));
  if (!terminal_) throw screen_error(fmt::format("the terminal cannot be opened: {}", std::strerror(errno)));
  sigset_t own;
  ::sigemptyset(&own);
  for (const int number : {SIGTSTP, SIGCONT, SIGWINCH})
    ::sigaddset(&own, number);
  signals_.reset(::signalfd(-1, &own, SFD_CLOEXEC | SFD_NONBLOCK));
  if (!signals_) throw screen_error(fmt::format("signalfd: {}", std::strerror(errno)));
  ::pthread_sigmask(SIG_BLOCK, &own, &mask_before_);
}

full_screen::~full_screen() {
  leave(std::chrono::milliseconds{0});
  ::pthread_sigmask(SIG_SETMASK, &mask_before_, nullptr);
}

picture_size full_screen::size() const {
  winsize size{};
  if (::ioctl(terminal_.get(), TIOCGWINSZ, &size) != 0 || size.ws_col == 0 || size.ws_row == 0) return {};
  return {size.ws_col, size.ws_row};
}

bool full_screen::in_foreground() const { return is_ours(terminal_.get()); }

void full_screen::enter() {
  if (on_ || ::tcgetattr(terminal_.get(), &modes_before_) != 0) return;
  auto modes = modes_before_;
  modes.c_lflag &= ~static_cast<tcflag_t>(ICANON | ECHO | IEXTEN);
  modes.c_iflag &= ~static_cast<tcflag_t>(IXON); // Ctrl-S would stop the picture
  modes.c_cc[VMIN] = 1;
  modes.c_cc[VTIME] = 0;
  arm(terminal_.get(), modes_before_);
  ::tcsetattr(terminal_.get(), TCSANOW, &modes);
  on_ = true;
  pending_ += enter_codes;
  write_more();
}

void full_screen::leave(std::chrono::milliseconds patience) {
  if (!on_) return;
  on_ = false;
  if (!disarm()) {
    pending_.clear();
    return;
  }
  pending_ += leave_codes; // after what was begun: half an escape sequence would swallow it
  finish(patience);
  if (in_foreground()) ::tcsetattr(terminal_.get(), TCSANOW, &modes_before_);
}

void full_screen::finish(std::chrono::milliseconds patience) {
  const bool bounded = patience >= std::chrono::milliseconds{0};
  const auto until = steady_clock::now() + patience;
  write_more();
  while (pending() && (!bounded || steady_clock::now() < until)) {
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(until - steady_clock::now()).count();
    pollfd set{terminal_.get(), POLLOUT, 0};
    if (::poll(&set, 1, bounded ? static_cast<int>(left) : -1) > 0) write_more();
  }
}

void full_screen::show(const std::vector<shown_text>& lines, bool colour) {
  if (!on_ || pending()) return;
  pending_ = begin_codes;
  // Cleared before it is written: behind a line that fills its row the cursor is on its last
  // character, which clearing would take away.
  for (std::size_t i = 0; i < lines.size(); ++i) {
    pending_ += i > 0 ? "\r\n" : "";
    pending_ += i + 1 < lines.size() ? "\x1b[K" : "\x1b[J"; // and what is below the last
    pending_ += lines[i].text(colour);
  }
  pending_ += end_codes;
  write_more();
}

void full_screen::write_more() {
  while (pending()) {
    const auto n = ::write(terminal_.get(), pending_.data(), pending_.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0 && errno != EAGAIN) pending_.clear(); // nobody is there any more
    if (n <= 0) return;
    pending_.erase(0, static_cast<std::size_t>(n));
  }
}

void full_screen::restore_now() {
  if (!armed.exchange(false)) return;
  [[maybe_unused]] const auto n = ::write(to_restore.fd, leave_codes.data(), leave_codes.size());
  if (is_ours(to_restore.fd)) ::tcsetattr(to_restore.fd, TCSANOW, &to_restore.modes);
}

} // namespace troupe::cli
