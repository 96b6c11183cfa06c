// A program that a user runs at a terminal.
#pragma once

#include "tests/support/program.hpp"

#include <csignal>
#include <fcntl.h>
#include <poll.h>
#include <pty.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <termios.h>

namespace troupe::testing {

/// The program at the far end of a pseudo-terminal.
class terminal {
 public:
  /// `as_job`: under a shell of its own, which continues it whenever it is stopped.
  terminal(const std::string& file, std::vector<std::string> arguments,
           const std::filesystem::path& directory, bool as_job = false, const std::string& term = "xterm") {
    arguments.insert(arguments.begin(), file);
    std::vector<char*> pointers;
    for (auto& argument : arguments)
      pointers.push_back(argument.data());
    pointers.push_back(nullptr);
    winsize size{24, 80, 0, 0};
    int master = -1;
    pid_ = ::forkpty(&master, nullptr, nullptr, &size);
    if (pid_ == 0) {
      ::setenv("TERM", term.c_str(), 1);
      ::setenv("NO_COLOR", "1", 1);
      ::signal(SIGQUIT, SIG_DFL); // a shell without job control has it ignored by what it starts
      const rlimit no_core{0, 0};
      ::setrlimit(RLIMIT_CORE, &no_core);
      if (::chdir(directory.c_str()) != 0) ::_exit(126);
      if (as_job) be_shell(file.c_str(), pointers.data());
      ::execv(file.c_str(), pointers.data());
      ::_exit(127);
    }
    master_.reset(master);
  }
  ~terminal() {
    if (pid_ <= 0) return;
    ::kill(pid_, SIGKILL);
    ::waitpid(pid_, nullptr, 0);
  }
  terminal(const terminal&) = delete;
  terminal& operator=(const terminal&) = delete;

  pid_t pid() const { return pid_; }
  void signal(int number) const { ::kill(pid_, number); }
  /// As a user does who drags the window's corner.
  void resize(unsigned short rows, unsigned short columns) {
    const winsize size{rows, columns, 0, 0};
    REQUIRE(::ioctl(master_.get(), TIOCSWINSZ, &size) == 0);
  }
  /// Until somebody reads again, the terminal takes nothing more.
  void fill() {
    std::array<char, 128> name{};
    REQUIRE(::ptsname_r(master_.get(), name.data(), name.size()) == 0);
    const troupe::descriptor far(::open(name.data(), O_WRONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC));
    REQUIRE(far);
    const std::string blanks(256, ' ');
    // The kernel hands on what it holds a moment later, and then there is room again.
    pollfd room{far.get(), POLLOUT, 0};
    do
      while (::write(far.get(), blanks.data(), blanks.size()) > 0 || errno == EINTR) {
      }
    while (errno == EAGAIN && ::poll(&room, 1, 300) > 0);
    REQUIRE(errno == EAGAIN);
  }

  void type(char key) { REQUIRE(::write(master_.get(), &key, 1) == 1); }

  /// Reads until `text` is there; false at the end of the program, or after a minute.
  bool shows(const std::string& text) {
    while (seen.find(text) == std::string::npos)
      if (!read_more()) return false;
    return true;
  }
  int wait() {
    while (read_more()) {
    }
    int status = 0;
    ::waitpid(std::exchange(pid_, 0), &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  }

  /// How the terminal treats what is typed and written.
  termios modes() const {
    termios now{};
    REQUIRE(::tcgetattr(master_.get(), &now) == 0);
    return now;
  }
  /// False at the end of the program, or after a minute of silence.
  bool reads() { return read_more(); }

  std::string seen;

 private:
  [[noreturn]] static void be_shell(const char* file, char* const* arguments) {
    ::signal(SIGTTOU, SIG_IGN); // it changes who has the terminal
    const auto job = ::fork();
    ::setpgid(job, job);
    if (job == 0) {
      ::tcsetpgrp(0, ::getpid());
      ::signal(SIGTTOU, SIG_DFL);
      ::execv(file, arguments);
      ::_exit(127);
    }
    int status = 0;
    while (::waitpid(job, &status, WUNTRACED) == job && WIFSTOPPED(status)) {
      ::tcsetpgrp(0, ::getpgrp());
      termios modes{};
      ::tcgetattr(0, &modes);
      const std::string_view told =
          (modes.c_lflag & ICANON) != 0 ? "(stopped, lines)\n" : "(stopped, keys)\n";
      if (::write(1, told.data(), told.size()) < 0) break;
      ::tcsetpgrp(0, job);
      ::kill(-job, SIGCONT);
    }
    ::_exit(WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status));
  }
  bool read_more() {
    pollfd set{master_.get(), POLLIN, 0};
    std::array<char, 4096> buffer{};
    if (::poll(&set, 1, 60'000) != 1) return false;
    const auto n = ::read(master_.get(), buffer.data(), buffer.size());
    if (n <= 0) return false; // EIO: the other end is closed
    seen.append(buffer.data(), static_cast<std::size_t>(n));
    return true;
  }
  pid_t pid_ = 0;
  troupe::descriptor master_;
};

} // namespace troupe::testing
