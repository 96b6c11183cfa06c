#include "cli/watch/watch_view.hpp"

#include "base/thread_name.hpp"

#include <array>
#include <cerrno>
#include <poll.h>
#include <pthread.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <system_error>

namespace troupe::cli {
namespace {

using namespace std::chrono_literals;
using std::chrono::steady_clock;

constexpr auto interval = 200ms;
// Of the time between two looks at the files, looking takes at most one part in so many.
constexpr int looking_share = 5;
constexpr auto rates_over = 1s;
constexpr auto leave_patience = 2000ms;

/// Only those that the kernel sends for this thread's own faults.
void take_no_signals() {
  sigset_t blocked;
  ::sigfillset(&blocked);
  for (const int number : {SIGILL, SIGTRAP, SIGABRT, SIGBUS, SIGFPE, SIGSEGV, SIGSYS})
    ::sigdelset(&blocked, number);
  ::pthread_sigmask(SIG_SETMASK, &blocked, nullptr);
}

void let_stop_signals(bool through) {
  sigset_t stop;
  ::sigemptyset(&stop);
  ::sigaddset(&stop, SIGTSTP);
  ::pthread_sigmask(through ? SIG_UNBLOCK : SIG_BLOCK, &stop, nullptr);
}

} // namespace

watch_view::watch_view(full_screen& screen, run_source& source, console& out)
    : screen_(screen), source_(source), out_(out), colour_(out.colour()),
      wake_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
  if (!wake_) throw std::system_error(errno, std::generic_category(), "eventfd");
  thread_ = std::thread([this] {
    name_thread("troupe.view");
    run();
  });
}

watch_view::~watch_view() {
  ended_ = true;
  close();
  thread_.join();
}

void watch_view::wake() const {
  const std::uint64_t one = 1;
  [[maybe_unused]] const auto n = ::write(wake_.get(), &one, sizeof one);
}

void watch_view::close() {
  closed_ = true;
  wake();
}

void watch_view::leave() {
  close();
  std::unique_lock lock(mutex_);
  if (left_changed_.wait_for(lock, leave_patience + 1s, [this] { return left_; })) return;
  full_screen::restore_now(); // it reads a huge trace, or a disk does not answer
  out_.hold(false);
}

void watch_view::run() {
  take_no_signals();
  watch();
  give_back();
  {
    const std::lock_guard lock(mutex_);
    left_ = true;
    left_changed_.notify_all();
  }
  // The screen has blocked Ctrl-Z in every other thread.
  let_stop_signals(true);
  while (!ended_) {
    std::array<pollfd, 2> set{
        {{wake_.get(), POLLIN, 0}, {screen_.pending() ? screen_.terminal() : -1, POLLOUT, 0}}};
    ::poll(set.data(), set.size(), -1);
    if (screen_.pending()) screen_.write_more(); // it took nothing when it was left
    std::uint64_t count = 0;
    [[maybe_unused]] const auto n = ::read(wake_.get(), &count, sizeof count);
  }
}

void watch_view::watch() {
  while (!closed_) {
    const bool here = screen_.in_foreground();
    if (here && !screen_.on()) enter();
    if (screen_.on() && !here) give_back(); // it was stopped by another than the terminal
    if (screen_.on() && !screen_.pending() && (redraw_ || steady_clock::now() >= due_)) draw();
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(due_ - steady_clock::now());
    const auto patience = here && !screen_.pending() ? std::max(left, 0ms) : interval;
    std::array<pollfd, 3> set{{{screen_.signals(), POLLIN, 0},
                               {wake_.get(), POLLIN, 0},
                               {screen_.pending() ? screen_.terminal() : -1, POLLOUT, 0}}};
    ::poll(set.data(), set.size(), static_cast<int>(patience.count()));
    if (set[0].revents != 0) take_signals();
    if (screen_.pending()) screen_.write_more();
  }
}

void watch_view::take_signals() {
  signalfd_siginfo info{};
  while (::read(screen_.signals(), &info, sizeof info) == sizeof info) {
    if (info.ssi_signo == SIGTSTP) suspend();
    if (info.ssi_signo == SIGWINCH) redraw_ = true;
    // Meanwhile a shell may have had the terminal.
    if (info.ssi_signo == SIGCONT && screen_.on()) give_back();
  }
}

void watch_view::suspend() {
  give_back();
  out_.flush();
  // Stops the whole process here, until it goes on; nothing happens where no shell could continue it.
  ::pthread_kill(::pthread_self(), SIGTSTP);
  let_stop_signals(true);
  let_stop_signals(false);
}

void watch_view::enter() {
  out_.hold(true);
  screen_.enter();
  redraw_ = true;
}

void watch_view::give_back() {
  screen_.leave(leave_patience);
  out_.hold(false);
}

void watch_view::draw() {
  const auto began = steady_clock::now();
  taken_.push_back(source_.look());
  if (closed_) return; // looking may have taken so long that nobody waits any more
  const auto& now = taken_.back();
  while (taken_.size() > 2 && now.taken - taken_[1].taken >= rates_over)
    taken_.pop_front();
  screen_.show(picture(now, taken_.front(), screen_.size()), colour_);
  redraw_ = false;
  const auto took = steady_clock::now() - began;
  due_ = began + std::max<steady_clock::duration>(interval, took * looking_share);
}

} // namespace troupe::cli
