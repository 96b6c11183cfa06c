// A process for the launcher's tests to start; its first argument says what it does.
#include "base/cores.hpp"
#include "cli/process/guard.hpp"
#include "cli/process/spawn.hpp"

#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <iostream>
#include <string>
#include <string_view>
#include <unistd.h>

namespace {

[[noreturn]] void wait_for_ever() {
  while (true)
    ::pause();
}

void print(std::string_view text) {
  while (!text.empty()) {
    const auto n = ::write(1, text.data(), text.size());
    if (n <= 0) ::_exit(9);
    text.remove_prefix(static_cast<std::size_t>(n));
  }
}

void describe_self() {
  print("group leader: " + std::string(::getpgrp() == ::getpid() ? "yes" : "no") + "\n");
  char byte = 0;
  print("stdin: " + std::string(::read(0, &byte, 1) == 0 ? "empty" : "not empty") + "\n");
  struct sigaction pipe_action {};
  ::sigaction(SIGPIPE, nullptr, &pipe_action);
  sigset_t blocked;
  ::sigprocmask(SIG_BLOCK, nullptr, &blocked);
  print("signals: "
        + std::string(pipe_action.sa_handler == SIG_DFL && ::sigismember(&blocked, SIGTERM) == 0 ? "default"
                                                                                                 : "changed")
        + "\n");
  std::string open;
  for (int fd = 3; fd < 256; ++fd)
    if (::lseek(fd, 0, SEEK_CUR) >= 0 || errno != EBADF) open += " " + std::to_string(fd);
  print("descriptors:" + open + "\n");
}

void print_cores() {
  std::string numbers;
  for (const auto core : troupe::usable_cores())
    numbers += " " + std::to_string(core);
  print("cores:" + numbers + "\n");
}

void flood(std::size_t bytes) {
  const std::string line(99, 'x');
  for (std::size_t done = 0; done < bytes; done += 100)
    print(line + "\n");
}

} // namespace

int main(int argc, char** argv) {
  const std::string what = argc > 1 ? argv[1] : "";
  const std::string value = argc > 2 ? argv[2] : "";
  if (what == "guard") return troupe::cli::serve_guard();
  if (what == "exit") return std::atoi(value.c_str());
  ::signal(SIGSEGV, SIG_DFL); // AddressSanitizer would make an exit code of it
  if (what == "signal") ::raise(std::atoi(value.c_str()));
  if (what == "self") describe_self();
  if (what == "cores") print_cores();
  if (what == "print") print(value);
  if (what == "complain") ::write(2, "oh dear\n", 8) == 8 ? void() : ::_exit(9);
  if (what == "flood") flood(std::strtoull(value.c_str(), nullptr, 10));
  if (what == "wait") {
    print("pid " + std::to_string(::getpid()) + "\n");
    wait_for_ever();
  }
  if (what == "stubborn") {
    ::signal(SIGTERM, SIG_IGN);
    ::signal(SIGINT, SIG_IGN);
    print("pid " + std::to_string(::getpid()) + "\n");
    wait_for_ever();
  }
  if (what == "family") { // a child of its own that holds the output open
    const auto pid = ::fork();
    if (pid == 0) wait_for_ever();
    print("pid " + std::to_string(pid) + "\n");
    if (value == "stay") wait_for_ever();
  }
  if (what == "lifeline") {
    troupe::cli::watch_lifeline();
    print(std::getenv(troupe::cli::lifeline_variable) ? "still in the environment\n" : "taken\n");
    wait_for_ever();
  }
  return 0;
}
