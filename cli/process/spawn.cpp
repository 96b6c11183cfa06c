#include "cli/process/spawn.hpp"

#include "base/thread_name.hpp"

#include <array>
#include <cerrno>
#include <charconv>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <system_error>
#include <thread>

namespace troupe::cli {
namespace {

constexpr int lifeline_in_child = 3;
constexpr int secret_in_child = 4;
constexpr int last_in_child = secret_in_child;

[[noreturn]] void fail(const char* what) { throw std::system_error(errno, std::generic_category(), what); }

// Everything the child needs, laid out before the fork: between fork and exec a process
// that had threads may only call async-signal-safe functions, and must not allocate.
struct prepared {
  const char* program;
  std::vector<char*> argv;
  std::vector<char*> envp;
  int null, output, errors, lifeline, secret, trouble;
  pid_t parent;
  cpu_set_t cores;
};

std::vector<char*> pointers(std::vector<std::string>& texts) {
  std::vector<char*> result;
  result.reserve(texts.size() + 1);
  for (auto& text : texts)
    result.push_back(text.data());
  result.push_back(nullptr);
  return result;
}

std::vector<std::string> environment_of_child(bool with_secret) {
  const std::string lifeline = std::string(lifeline_variable) + '=';
  const std::string secret = std::string(secret_variable) + '=';
  std::vector<std::string> result;
  for (char** entry = environ; *entry; ++entry)
    if (std::string_view text(*entry); !text.starts_with(lifeline) && !text.starts_with(secret))
      result.emplace_back(text);
  result.push_back(lifeline + std::to_string(lifeline_in_child));
  if (with_secret) result.push_back(secret + std::to_string(secret_in_child));
  return result;
}

// A number above those that dup2() in the child takes.
descriptor out_of_the_way(descriptor fd) {
  if (fd.get() > last_in_child) return fd;
  descriptor moved(::fcntl(fd.get(), F_DUPFD_CLOEXEC, last_in_child + 1));
  if (!moved) fail("fcntl");
  return moved;
}

// Memory without a name: not in any directory, and gone with its last descriptor.
descriptor hidden(const std::string& secret) {
  if (secret.empty()) return {};
  descriptor file = out_of_the_way(descriptor(::memfd_create("secret", MFD_CLOEXEC)));
  if (!file) fail("memfd_create");
  if (::pwrite(file.get(), secret.data(), secret.size(), 0) != static_cast<ssize_t>(secret.size()))
    fail("memfd_create");
  return file;
}

// The number in an environment variable, which is removed; -1 if there is none.
int take_descriptor(const char* variable) {
  const char* value = std::getenv(variable);
  if (!value) return -1;
  int fd = -1;
  const auto* end = value + std::strlen(value);
  const auto [rest, error] = std::from_chars(value, end, fd);
  const bool good = error == std::errc{} && rest == end && fd >= 0;
  ::unsetenv(variable);
  return good && ::fcntl(fd, F_SETFD, FD_CLOEXEC) == 0 ? fd : -1;
}

cpu_set_t set_of(const std::vector<int>& cores) {
  cpu_set_t set;
  CPU_ZERO(&set);
  for (const auto core : cores)
    CPU_SET(static_cast<unsigned>(core), &set);
  return set;
}

void reset_signals() {
  struct sigaction action {};
  action.sa_handler = SIG_DFL;
  for (int number = 1; number < NSIG; ++number)
    ::sigaction(number, &action, nullptr); // fails for SIGKILL and SIGSTOP, which is fine
  sigset_t none;
  ::sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
}

// Runs in the child. Only system calls.
[[noreturn]] void become(const prepared& what) {
  const auto give_up = [&](int error) {
    [[maybe_unused]] const auto n = ::write(what.trouble, &error, sizeof error);
    ::_exit(127);
  };
  ::setpgid(0, 0);
  if (::prctl(PR_SET_PDEATHSIG, SIGKILL) != 0) give_up(errno);
  // The parent may have died before the line above; then nobody sends the signal.
  if (::getppid() != what.parent) ::_exit(127);
  if (::dup2(what.null, 0) < 0 || ::dup2(what.output, 1) < 0 || ::dup2(what.errors, 2) < 0) give_up(errno);
  if (::dup2(what.lifeline, lifeline_in_child) < 0) give_up(errno);
  if (what.secret >= 0 && ::dup2(what.secret, secret_in_child) < 0) give_up(errno);
  const unsigned first_unwanted = what.secret >= 0 ? secret_in_child + 1U : lifeline_in_child + 1U;
  // Whatever a library opened without O_CLOEXEC is not the child's business. Older
  // kernels lack the call; our own descriptors are close-on-exec in any case.
#ifdef SYS_close_range
  ::syscall(SYS_close_range, first_unwanted, ~0U, 4U /* CLOSE_RANGE_CLOEXEC */);
#endif
  if (CPU_COUNT(&what.cores) > 0 && ::sched_setaffinity(0, sizeof what.cores, &what.cores) != 0)
    give_up(errno);
  reset_signals();
  ::execve(what.program, what.argv.data(), what.envp.data());
  give_up(errno);
  ::_exit(127);
}

// Empty if the exec worked: the write end was closed by it.
int trouble_of(int read_end) {
  int error = 0;
  ssize_t n = 0;
  do
    n = ::read(read_end, &error, sizeof error);
  while (n < 0 && errno == EINTR);
  return n == sizeof error ? error : 0;
}

void set_nonblocking(int fd) { ::fcntl(fd, F_SETFL, ::fcntl(fd, F_GETFL) | O_NONBLOCK); }

} // namespace

pipe_ends make_pipe() {
  std::array<int, 2> raw{};
  if (::pipe2(raw.data(), O_CLOEXEC) != 0) fail("pipe2");
  pipe_ends ends{descriptor(raw[0]), descriptor(raw[1])};
  // A program started with a closed stdin gets pipes numbered 0 to 3, which dup2() in
  // the child would overwrite.
  ends.read = out_of_the_way(std::move(ends.read));
  ends.write = out_of_the_way(std::move(ends.write));
  return ends;
}

spawned spawn(const std::string& program, const std::vector<std::string>& arguments, int lifeline,
              const std::string& secret, const std::vector<int>& cores) {
  auto output = make_pipe();
  auto errors = make_pipe();
  auto trouble = make_pipe();
  descriptor opened(::open("/dev/null", O_RDWR | O_CLOEXEC));
  if (!opened) fail("/dev/null");
  const descriptor null = out_of_the_way(std::move(opened));
  const descriptor secret_file = hidden(secret);

  auto argument_texts = arguments;
  auto environment_texts = environment_of_child(!secret.empty());
  const prepared what{program.c_str(),
                      pointers(argument_texts),
                      pointers(environment_texts),
                      null.get(),
                      output.write.get(),
                      errors.write.get(),
                      lifeline,
                      secret_file.get(),
                      trouble.write.get(),
                      ::getpid(),
                      set_of(cores)};

  // A handler of ours must not run in the child before the exec.
  sigset_t all;
  sigset_t before;
  ::sigfillset(&all);
  ::pthread_sigmask(SIG_SETMASK, &all, &before);
  const pid_t pid = ::fork();
  if (pid == 0) become(what);
  const int fork_error = errno;
  ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
  if (pid < 0) throw std::system_error(fork_error, std::generic_category(), "fork");

  ::setpgid(pid, pid); // whoever comes first; fails harmlessly after the exec
  trouble.write.reset();
  const int error = trouble_of(trouble.read.get());
  spawned child{pid, descriptor(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0U))), std::move(output.read),
                std::move(errors.read)};
  if (error != 0 || !child.pidfd) {
    const int reason = error != 0 ? error : errno;
    ::kill(pid, SIGKILL);
    while (::waitpid(pid, nullptr, 0) < 0 && errno == EINTR) {
    }
    throw std::system_error(reason, std::generic_category(), "cannot execute " + program);
  }
  set_nonblocking(child.output.get());
  set_nonblocking(child.errors.get());
  return child;
}

std::string take_secret() {
  const descriptor file(take_descriptor(secret_variable));
  std::string secret(4096, '\0');
  const auto n = file ? ::pread(file.get(), secret.data(), secret.size(), 0) : 0;
  secret.resize(n > 0 ? static_cast<std::size_t>(n) : 0);
  return secret;
}

void watch_lifeline() {
  const int fd = take_descriptor(lifeline_variable);
  if (fd < 0) return;
  std::thread([fd] {
    name_thread("troupe.lifeline");
    sigset_t all;
    ::sigfillset(&all);
    ::pthread_sigmask(SIG_SETMASK, &all, nullptr);
    char byte = 0;
    ssize_t n = 0;
    do
      n = ::read(fd, &byte, 1);
    while (n > 0 || (n < 0 && errno == EINTR));
    // Our group is ours alone only if we lead it.
    ::kill(::getpgrp() == ::getpid() ? 0 : ::getpid(), SIGKILL);
  }).detach();
}

} // namespace troupe::cli
