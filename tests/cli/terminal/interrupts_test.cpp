#include "tests/support/catch.hpp"

#include "cli/terminal/interrupts.hpp"

#include <csignal>
#include <future>
#include <unistd.h>
#include <vector>

using troupe::cli::interrupt_counter;

TEST_CASE("each signal that asks to stop is counted and told once", "[cli]") {
  for (const int number : {SIGINT, SIGTERM, SIGHUP}) {
    std::promise<std::pair<int, int>> first, second;
    interrupt_counter counter;
    counter.watch([&](int count, int signal_number) {
      (count == 1 ? first : second).set_value({count, signal_number});
    });
    CHECK(counter.count() == 0);
    ::kill(::getpid(), number);
    CHECK(first.get_future().get() == std::pair(1, number));
    ::kill(::getpid(), number);
    CHECK(second.get_future().get() == std::pair(2, number));
    CHECK(counter.count() == 2);
  }
}

TEST_CASE("a hangup that is ignored under nohup stays ignored", "[cli]") {
  ::signal(SIGHUP, SIG_IGN);
  {
    std::promise<int> told;
    interrupt_counter counter;
    counter.watch([&](int, int signal_number) { told.set_value(signal_number); });
    ::kill(::getpid(), SIGHUP);
    ::kill(::getpid(), SIGTERM);
    CHECK(told.get_future().get() == SIGTERM);
    CHECK(counter.count() == 1);
  }
  ::signal(SIGHUP, SIG_DFL);
}

TEST_CASE("afterwards signals and the mask are as they were", "[cli]") {
  {
    interrupt_counter counter;
    counter.watch();
  }
  sigset_t blocked;
  ::sigprocmask(SIG_BLOCK, nullptr, &blocked);
  CHECK(::sigismember(&blocked, SIGINT) == 0);
  struct sigaction action {};
  ::sigaction(SIGPIPE, nullptr, &action);
  CHECK(action.sa_handler == SIG_DFL);
}

TEST_CASE("a signal that comes when nothing is counted any more does not end the process", "[cli]") {
  std::promise<void> told;
  interrupt_counter counter;
  counter.watch([&](int, int) { told.set_value(); });
  ::kill(::getpid(), SIGTERM);
  told.get_future().get();
  counter.unwatch();
  ::kill(::getpid(), SIGINT); // what it prints now is still to come
  CHECK(counter.count() == 1);
}
