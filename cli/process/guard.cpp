#include "cli/process/guard.hpp"

#include <array>
#include <cerrno>
#include <csignal>
#include <fcntl.h>
#include <iostream>
#include <set>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <system_error>
#include <thread>
#include <unistd.h>

namespace troupe::cli {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view group_word = "group ", forget_word = "forget ", sockets_word = "sockets ",
                           done_word = "done";

// False while something else is in it.
bool remove_sockets(const fs::path& directory) {
  std::error_code ignored;
  for (const auto& entry : fs::directory_iterator(directory, ignored))
    if (entry.symlink_status(ignored).type() == fs::file_type::socket) fs::remove(entry.path(), ignored);
  return ::rmdir(directory.c_str()) == 0 || errno == ENOENT;
}

// A process that was just killed may have been making its socket.
void remove_sockets_of_the_dying(const fs::path& directory) {
  constexpr int looks = 50;
  for (int look = 0; look < looks && !remove_sockets(directory); ++look)
    std::this_thread::sleep_for(std::chrono::milliseconds{20});
}

// Runs in the child of a process with threads: system calls only.
[[noreturn]] void become_guard(const char* program, char* const* arguments, int input, int null) {
  ::setsid();
  const pid_t grandchild = ::_Fork();
  if (grandchild != 0) ::_exit(grandchild < 0 ? 1 : 0);
  if (::dup2(input, 0) == 0 && ::dup2(null, 1) == 1 && ::dup2(null, 2) == 2) {
    sigset_t none;
    ::sigemptyset(&none);
    ::sigprocmask(SIG_SETMASK, &none, nullptr);
    ::execv(program, arguments);
  }
  ::_exit(127);
}

} // namespace

guard::guard(const std::string& program, const std::vector<std::string>& arguments) {
  std::array<int, 2> raw{};
  if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, raw.data()) != 0)
    throw std::system_error(errno, std::generic_category(), "socketpair");
  descriptor own(raw[0]);
  const descriptor theirs(raw[1]);
  const descriptor null(::open("/dev/null", O_RDWR | O_CLOEXEC));
  auto texts = arguments;
  std::vector<char*> pointers;
  for (auto& text : texts)
    pointers.push_back(text.data());
  pointers.push_back(nullptr);
  const pid_t child = ::fork();
  if (child == 0) become_guard(program.c_str(), pointers.data(), theirs.get(), null.get());
  int status = 0;
  if (child > 0)
    while (::waitpid(child, &status, 0) < 0 && errno == EINTR) {
    }
  if (child < 0 || status != 0) throw std::system_error(EAGAIN, std::generic_category(), "fork");
  line_ = std::move(own);
}

guard::~guard() { tell(std::string(done_word)); }
void guard::watch_group(pid_t leader) { tell(std::string(group_word) + std::to_string(leader)); }
void guard::forget_group(pid_t leader) { tell(std::string(forget_word) + std::to_string(leader)); }
void guard::watch_sockets(const fs::path& directory) {
  tell(std::string(sockets_word) + fs::absolute(directory).string());
}

void guard::tell(const std::string& line) {
  const auto text = line + '\n';
  // Where somebody killed the guard, the death signal is all that remains.
  [[maybe_unused]] const auto n = ::send(line_.get(), text.data(), text.size(), MSG_NOSIGNAL);
}

int serve_guard() {
  ::prctl(PR_SET_NAME, "troupe:guard");
  std::set<pid_t> groups;
  std::set<fs::path> directories;
  const auto rest = [](const std::string& line, std::string_view word) { return line.substr(word.size()); };
  for (std::string line; std::getline(std::cin, line);) {
    if (line == done_word) return 0;
    if (line.starts_with(group_word)) groups.insert(std::stoi(rest(line, group_word)));
    if (line.starts_with(forget_word)) groups.erase(std::stoi(rest(line, forget_word)));
    if (line.starts_with(sockets_word)) directories.insert(rest(line, sockets_word));
  }
  for (const auto group : groups)
    if (group > 1) ::kill(-group, SIGKILL);
  for (const auto& directory : directories)
    remove_sockets_of_the_dying(directory);
  return 0;
}

} // namespace troupe::cli
