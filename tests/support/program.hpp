// Runs a program as a user would, and reads what it says.
#pragma once

#include "base/descriptor.hpp"
#include "cli/process/spawn.hpp"

#include <array>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <poll.h>
#include <string>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <vector>

namespace troupe::testing {

/// Kept open while a process is running; readable when it has ended.
inline troupe::descriptor open_process(pid_t pid) {
  return troupe::descriptor(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0U)));
}

inline bool ends(const troupe::descriptor& process, int patience_ms = 60'000) {
  pollfd set{process.get(), POLLIN, 0};
  return !process || ::poll(&set, 1, patience_ms) == 1;
}

/// The processes whose parent is `parent`.
inline std::vector<pid_t> children_of(pid_t parent) {
  std::vector<pid_t> found;
  for (const auto& entry : std::filesystem::directory_iterator("/proc")) {
    const auto name = entry.path().filename().string();
    if (name.find_first_not_of("0123456789") != std::string::npos) continue;
    std::ifstream file(entry.path() / "stat");
    std::string stat; // stays empty where the process ends meanwhile, which a stream's iterator throws for
    std::getline(file, stat);
    const auto after_name = stat.rfind(')'); // ") S 123 ..."
    if (after_name != std::string::npos && std::atoi(stat.c_str() + after_name + 4) == parent)
      found.push_back(std::stoi(name));
  }
  return found;
}

/// One run of a program in a directory of its own, where its TMPDIR is, too.
class program {
 public:
  program(const std::string& file, std::vector<std::string> arguments,
          const std::filesystem::path& directory) {
    auto out = cli::make_pipe();
    auto err = cli::make_pipe();
    arguments.insert(arguments.begin(), file);
    std::vector<char*> pointers;
    for (auto& argument : arguments)
      pointers.push_back(argument.data());
    pointers.push_back(nullptr);
    std::filesystem::create_directories(directory / "tmp");
    pid_ = ::fork();
    if (pid_ == 0) {
      ::dup2(out.write.get(), 1);
      ::dup2(err.write.get(), 2);
      if (::chdir(directory.c_str()) != 0) ::_exit(126);
      ::setenv("TMPDIR", (directory / "tmp").c_str(), 1);
      ::execv(file.c_str(), pointers.data());
      ::_exit(127);
    }
    out_ = std::move(out.read);
    err_ = std::move(err.read);
    process_ = open_process(pid_);
  }
  ~program() {
    if (pid_ > 0) {
      ::kill(pid_, SIGKILL);
      wait();
    }
  }
  program(const program&) = delete;
  program& operator=(const program&) = delete;

  pid_t pid() const { return pid_; }
  void signal(int number) const { ::kill(pid_, number); }

  /// Reads until stderr contains the text; false if it ended before.
  bool says(const std::string& text) {
    while (errors.find(text) == std::string::npos)
      if (!read_some()) return false;
    return true;
  }

  /// Reads what is said next; false if it has ended, or is silent for two minutes.
  bool hears() { return read_some(); }

  /// The exit code, or 128 + the signal. Reads everything first.
  int wait() {
    while (read_some()) {
    }
    int status = 0;
    while (::waitpid(pid_, &status, 0) < 0 && errno == EINTR) {
    }
    pid_ = -1;
    return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
  }

  std::string output, errors;

 private:
  bool read_some() {
    std::array<pollfd, 2> set{{{out_.get(), POLLIN, 0}, {err_.get(), POLLIN, 0}}};
    if (!out_ && !err_) return false;
    if (::poll(set.data(), set.size(), 120'000) <= 0) return false;
    const auto take = [](const pollfd& ready, troupe::descriptor& from, std::string& into) {
      std::array<char, 65536> buffer;
      if (ready.revents == 0) return;
      const auto n = ::read(from.get(), buffer.data(), buffer.size());
      if (n > 0) into.append(buffer.data(), static_cast<std::size_t>(n));
      if (n == 0) from.reset();
    };
    take(set[0], out_, output);
    take(set[1], err_, errors);
    return true;
  }

  pid_t pid_ = -1;
  troupe::descriptor out_, err_, process_;
};

} // namespace troupe::testing
