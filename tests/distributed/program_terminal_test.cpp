// What a user at a terminal sees and types.
#include "support/catch.hpp"
#include "support/program.hpp"
#include "support/temporary_directory.hpp"

#include <pty.h>
#include <termios.h>

using namespace troupe::testing;

namespace {

/// The program at the far end of a pseudo-terminal.
class terminal {
 public:
  terminal(std::vector<std::string> arguments, const std::filesystem::path& directory) {
    arguments.insert(arguments.begin(), TROUPE_PROGRAM);
    std::vector<char*> pointers;
    for (auto& argument : arguments)
      pointers.push_back(argument.data());
    pointers.push_back(nullptr);
    winsize size{24, 80, 0, 0};
    int master = -1;
    pid_ = ::forkpty(&master, nullptr, nullptr, &size);
    if (pid_ == 0) {
      ::setenv("TERM", "xterm", 1);
      ::setenv("NO_COLOR", "1", 1);
      if (::chdir(directory.c_str()) == 0) ::execv(TROUPE_PROGRAM, pointers.data());
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

  std::string seen;

 private:
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
  troupe::cli::descriptor master_;
};

/// The lines that are left on the screen when all is printed, status lines redrawn in place.
std::string screen_of(const std::string& seen) {
  std::string all, line;
  for (std::size_t i = 0; i < seen.size(); ++i) {
    if (seen.compare(i, 4, "\x1b[2K") == 0) {
      line.clear();
      i += 3;
    } else if (seen[i] == '\n') {
      all += line + '\n';
      line.clear();
    } else if (seen[i] != '\r') {
      line += seen[i];
    }
  }
  return all + line;
}

const std::string long_file = std::string(CONFIG_DIR) + "/worker_pool_many.toml";

} // namespace

TEST_CASE("Enter stops a run in order", "[program]") {
  const temporary_directory directory;
  terminal user({"run", long_file, "--nodes", "2", "--set", "count=20000"}, directory.path());
  REQUIRE(user.shows("running"));
  user.type('x'); // anything else does nothing
  user.type('\n');
  const int code = user.wait();
  CAPTURE(user.seen);
  CHECK(code == 130);
  CHECK(user.seen.find("Enter: stopping in order") != std::string::npos);
  CHECK(user.seen.find("interrupted: worker_pool") != std::string::npos);
}

TEST_CASE("the progress bar moves while a run is on, and leaves nothing on the screen", "[program]") {
  const temporary_directory directory;
  terminal user({"run", long_file, "--nodes", "2", "--set", "count=3000"}, directory.path());
  CHECK(user.wait() == 1); // the file expects the result of a thousand numbers
  const auto screen = screen_of(user.seen);
  CAPTURE(screen);
  CHECK(user.seen.find("/3000") != std::string::npos);
  CHECK(screen.find("/3000  ") == std::string::npos);
  CHECK(screen.find("[=") == std::string::npos);
  CHECK(screen.find("check_failed: worker_pool in ") != std::string::npos);
}
