#include "cli/terminal/interrupts.hpp"

#include "base/thread_name.hpp"

#include <array>
#include <cerrno>
#include <csignal>
#include <poll.h>
#include <pthread.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <system_error>
#include <unistd.h>

namespace troupe::cli {
namespace {

// How often a process in the background looks whether it is there still.
constexpr int background_poll_ms = 500;

bool is_ignored(int number) {
  struct sigaction current {};
  return ::sigaction(number, nullptr, &current) == 0 && current.sa_handler == SIG_IGN;
}

} // namespace

interrupt_counter::interrupt_counter() {
  sigset_t counted;
  ::sigemptyset(&counted);
  ::sigaddset(&counted, SIGINT);
  ::sigaddset(&counted, SIGTERM);
  if (!is_ignored(SIGHUP)) ::sigaddset(&counted, SIGHUP);
  signals_.reset(::signalfd(-1, &counted, SFD_CLOEXEC | SFD_NONBLOCK));
  stop_.reset(::eventfd(0, EFD_CLOEXEC));
  if (!signals_ || !stop_) throw std::system_error(errno, std::generic_category(), "signalfd");
  pipe_before_ = ::signal(SIGPIPE, SIG_IGN);
  ::pthread_sigmask(SIG_BLOCK, &counted, &before_);
}

void interrupt_counter::watch(std::function<void(int, int)> tell, std::function<bool(char)> stops, int keys) {
  tell_ = std::move(tell);
  stops_ = std::move(stops);
  keys_ = keys;
  thread_ = std::thread([this] {
    name_thread("troupe.signals");
    run();
  });
}

void interrupt_counter::unwatch() {
  if (!thread_.joinable()) return;
  const std::uint64_t one = 1;
  [[maybe_unused]] const auto n = ::write(stop_.get(), &one, sizeof one);
  thread_.join();
}

interrupt_counter::~interrupt_counter() {
  unwatch();
  // What came while there was something to stop does not end the process now, before it has said how that
  // ended.
  signalfd_siginfo late{};
  while (::read(signals_.get(), &late, sizeof late) > 0) {
  }
  ::pthread_sigmask(SIG_SETMASK, &before_, nullptr);
  ::signal(SIGPIPE, pipe_before_);
}

void interrupt_counter::count(int signal_number) {
  const int now = count_.fetch_add(1) + 1;
  if (tell_) tell_(now, signal_number);
}

bool interrupt_counter::in_foreground() const { return ::tcgetpgrp(keys_) == ::getpgrp(); }

bool interrupt_counter::read_keys() {
  // Who reads from a terminal in the background is stopped by SIGTTIN.
  if (!in_foreground()) return true;
  std::array<char, 256> typed{};
  const auto n = ::read(keys_, typed.data(), typed.size());
  if (n <= 0) return n < 0 && (errno == EINTR || errno == EAGAIN);
  for (ssize_t i = 0; i < n; ++i)
    if (stops_(typed[static_cast<std::size_t>(i)])) count(0);
  return true;
}

void interrupt_counter::run() {
  bool keys = stops_ && ::isatty(keys_) == 1;
  while (true) {
    const bool listens = keys && in_foreground();
    std::array<pollfd, 3> set{
        {{signals_.get(), POLLIN, 0}, {stop_.get(), POLLIN, 0}, {listens ? keys_ : -1, POLLIN, 0}}};
    const int patience_ms = keys && !listens ? background_poll_ms : -1;
    if (::poll(set.data(), set.size(), patience_ms) < 0 && errno != EINTR) return;
    if (set[1].revents != 0) return;
    if (set[2].revents != 0) keys = read_keys();
    signalfd_siginfo info{};
    while (::read(signals_.get(), &info, sizeof info) == sizeof info)
      count(static_cast<int>(info.ssi_signo));
  }
}

} // namespace troupe::cli
