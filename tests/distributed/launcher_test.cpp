#include "tests/support/catch.hpp"
#include "tests/support/program.hpp"
#include "tests/support/temporary_directory.hpp"

#include "base/cores.hpp"
#include "cli/process/guard.hpp"
#include "cli/process/process.hpp"
#include "cli/process/spawn.hpp"

#include <array>
#include <csignal>
#include <cstdlib>
#include <fcntl.h>
#include <filesystem>
#include <fstream>
#include <functional>
#include <future>
#include <map>
#include <mutex>
#include <poll.h>
#include <set>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <system_error>
#include <thread>

using namespace troupe;
using namespace std::chrono_literals;

namespace {

constexpr auto patience = 60s;
using actions = std::map<std::string, std::vector<std::string>>; // of each node: what launcher_child does

// Starts children whose arguments are given per node, and keeps what they tell.
class fixture {
 public:
  explicit fixture(actions arguments, std::string program = LAUNCHER_CHILD,
                   std::vector<std::vector<int>> cores = {}) {
    cli::launcher_options options;
    options.program = std::move(program);
    options.cores = std::move(cores);
    options.arguments = [arguments](const std::string& node, const std::string&) {
      std::vector<std::string> all{"child"};
      const auto& own = arguments.at(node);
      all.insert(all.end(), own.begin(), own.end());
      return all;
    };
    options.on_line = [this](const std::string& node, std::string_view line) {
      const std::lock_guard lock(mutex);
      ++line_counts[node];
      bytes += line.size();
      if (line_counts[node] <= 100) lines[node].emplace_back(line);
      changed.notify_all();
    };
    launcher = std::make_unique<cli::process_launcher>(options);
    launcher->on_exit([this](const scenarios::process_exit& how) {
      const std::lock_guard lock(mutex);
      exits[how.node] = scenarios::how_it_ended(how);
      lines_at_exit[how.node] = line_counts[how.node];
    });
  }

  // The number after "pid " that a node printed.
  pid_t printed_pid(const std::string& node) {
    std::unique_lock lock(mutex);
    REQUIRE(changed.wait_for(lock, patience, [&] { return !lines[node].empty(); }));
    REQUIRE(lines[node][0].starts_with("pid "));
    return std::stoi(lines[node][0].substr(4));
  }

  std::mutex mutex;
  std::condition_variable changed;
  std::map<std::string, std::vector<std::string>> lines;
  std::map<std::string, std::size_t> line_counts, lines_at_exit;
  std::map<std::string, std::string> exits;
  std::size_t bytes = 0;
  std::unique_ptr<cli::process_launcher> launcher;
};

// True once that process has ended; a zombie has.
bool ends(pid_t pid) { return testing::ends(testing::open_process(pid)); }

std::size_t open_descriptors() {
  std::size_t n = 0;
  for (int fd = 0; fd < 1024; ++fd)
    if (::fcntl(fd, F_GETFD) >= 0) ++n;
  return n;
}

// A directory with a socket in it, as a node makes it.
struct socket_directory {
  socket_directory() {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    file.string().copy(address.sun_path, sizeof address.sun_path - 1);
    const troupe::descriptor fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    REQUIRE(::bind(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0);
  }
  testing::temporary_directory scratch;
  std::filesystem::path directory = scratch.path(), file = directory / "main.sock";
};

void wait_for_all_children() {
  while (::waitpid(-1, nullptr, 0) > 0 || errno == EINTR) {
  }
}

// A launcher process, its two children's pids read from its output.
struct foreign_launcher {
  foreign_launcher(const std::string& endpoint, const char* mode) {
    auto out = cli::make_pipe();
    pid = ::fork();
    if (pid == 0) {
      ::dup2(out.write.get(), 1);
      ::execl(LAUNCHER_PARENT, LAUNCHER_PARENT, LAUNCHER_CHILD, endpoint.c_str(), mode,
              static_cast<char*>(nullptr));
      ::_exit(127);
    }
    out.write.reset();
    std::string text;
    std::array<char, 256> buffer;
    while (std::count(text.begin(), text.end(), '\n') < 2) {
      const auto n = ::read(out.read.get(), buffer.data(), buffer.size());
      if (n <= 0) break;
      text.append(buffer.data(), static_cast<std::size_t>(n));
    }
    for (auto at = text.find("pid "); at != std::string::npos; at = text.find("pid ", at + 1))
      children.push_back(std::stoi(text.substr(at + 4)));
  }
  pid_t pid = -1;
  std::vector<pid_t> children;
};

// A child of this process, with which it dies, in the group that `leader` leads; 0: that it leads itself. It
// has no lifeline.
pid_t member_of_group(pid_t leader) {
  const auto pid = ::fork();
  if (pid == 0) {
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    for (int fd = 3; fd < 1024; ++fd) // else it would hold the lifelines of others
      ::close(fd);
    while (true)
      ::pause();
  }
  REQUIRE(pid > 0);
  REQUIRE(::setpgid(pid, leader) == 0);
  return pid;
}

bool is_alive(pid_t child) { return ::waitpid(child, nullptr, WNOHANG) == 0; }

// The signal that a child of this process died of, once it has; -1: it did not.
int how_it_ended(pid_t child) {
  int status = 0;
  if (!ends(child) || ::waitpid(child, &status, 0) != child) return -1;
  return WIFSIGNALED(status) ? WTERMSIG(status) : -1;
}

// The signals that so many children of this process died of, those that end next; 0: none.
std::map<pid_t, int> next_ends(std::size_t count) {
  std::map<pid_t, int> ended;
  for (int status = 0; ended.size() < count;)
    if (const auto pid = ::waitpid(-1, &status, 0); pid > 0)
      ended[pid] = WIFSIGNALED(status) ? WTERMSIG(status) : 0;
    else if (errno != EINTR)
      break;
  return ended;
}

// A process that has told a guard of its own something. It waits to be killed, or ends in order.
pid_t guarded_launcher(bool waits, const std::function<void(cli::guard&)>& tell) {
  auto told = cli::make_pipe();
  const auto pid = ::fork();
  if (pid == 0) {
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    {
      cli::guard one(LAUNCHER_CHILD, {"child", "guard"});
      tell(one);
      if (::write(told.write.get(), "x", 1) != 1) ::_exit(9);
      while (waits)
        ::pause();
    }
    ::_exit(0);
  }
  told.write.reset();
  char byte = 0;
  REQUIRE(::read(told.read.get(), &byte, 1) == 1);
  return pid;
}

} // namespace

TEST_CASE("how a process ended is told by code or by signal", "[launcher]") {
  fixture f(actions{{"good", {"exit", "0"}},
                    {"bad", {"exit", "7"}},
                    {"crashed", {"signal", std::to_string(SIGSEGV)}},
                    {"killed", {"signal", std::to_string(SIGKILL)}}});
  for (const auto* node : {"good", "bad", "crashed", "killed"})
    CHECK(f.launcher->start(node, "") > 0);
  REQUIRE(f.launcher->wait_all(patience).empty());
  CHECK(f.exits["good"] == "ended in order");
  CHECK(f.exits["bad"] == "exit code 7");
  CHECK(f.exits["crashed"] == "killed by SIGSEGV");
  CHECK(f.exits["killed"] == "killed by SIGKILL");
}

TEST_CASE("a child leads its own group, reads nothing and inherits only its lifeline", "[launcher]") {
  ::signal(SIGPIPE, SIG_IGN);
  sigset_t term;
  ::sigemptyset(&term);
  ::sigaddset(&term, SIGTERM);
  ::pthread_sigmask(SIG_BLOCK, &term, nullptr);
  const troupe::descriptor careless(::dup(0)); // without O_CLOEXEC
  fixture f(actions{{"w1", {"self"}}});
  f.launcher->start("w1", "");
  REQUIRE(f.launcher->wait_all(patience).empty());
  ::pthread_sigmask(SIG_UNBLOCK, &term, nullptr);
  ::signal(SIGPIPE, SIG_DFL);
  CHECK(
      f.lines["w1"]
      == std::vector<std::string>{"group leader: yes", "stdin: empty", "signals: default", "descriptors: 3"});
}

TEST_CASE("children run on the cores that are theirs, the others where the launcher may", "[launcher]") {
  const auto all = usable_cores();
  const auto parts = split_cores(all, 2);
  fixture f(actions{{"w1", {"cores"}}, {"w2", {"cores"}}, {"w3", {"cores"}}}, LAUNCHER_CHILD, parts);
  const auto line = [](const std::vector<int>& cores) {
    std::string text = "cores:";
    for (const auto core : cores)
      text += " " + std::to_string(core);
    return std::vector<std::string>{text};
  };
  for (const auto* node : {"w1", "w2", "w3"})
    f.launcher->start(node, "");
  REQUIRE(f.launcher->wait_all(patience).empty());
  CHECK(f.lines["w1"] == line(parts[0]));
  CHECK(f.lines["w2"] == line(parts[1]));
  CHECK(f.lines["w3"] == line(all));
}

TEST_CASE("both streams of a child come line by line, the last one without its end too", "[launcher]") {
  fixture f(actions{{"w1", {"print", "one\r\ntwo\n\xff\x1b[31m\nthree"}}, {"w2", {"complain"}}});
  f.launcher->start("w1", "");
  f.launcher->start("w2", "");
  REQUIRE(f.launcher->wait_all(patience).empty());
  CHECK(f.lines["w1"] == std::vector<std::string>{"one", "two", "\\xff\\x1b[31m", "three"});
  CHECK(f.lines["w2"] == std::vector<std::string>{"oh dear"});
}

TEST_CASE("a child that writes without end is read to its end before its exit is told", "[launcher]") {
  const std::size_t size = 100U << 20;
  fixture f(actions{{"w1", {"flood", std::to_string(size)}}});
  f.launcher->start("w1", "");
  REQUIRE(f.launcher->wait_all(patience).empty());
  CHECK(f.exits["w1"] == "ended in order");
  CHECK(f.lines_at_exit["w1"] == (size + 99) / 100);
}

TEST_CASE("a program that cannot be executed is an error of start, and nothing is left", "[launcher]") {
  fixture f(actions{{"w1", {}}}, "/nonexistent/program");
  CHECK_THROWS_AS(f.launcher->start("w1", ""), std::system_error);
  const auto before = open_descriptors(); // with the line to the guard
  CHECK_THROWS_AS(f.launcher->start("w1", ""), std::system_error);
  CHECK(f.launcher->wait_all(0ms).empty());
  CHECK(open_descriptors() == before);
  CHECK(::waitpid(-1, nullptr, WNOHANG) == -1); // no child, not even a zombie
}

TEST_CASE("a node that runs cannot be started twice, and one that ended can be again", "[launcher]") {
  fixture f(actions{{"w1", {"wait"}}});
  f.launcher->start("w1", "");
  CHECK_THROWS_AS(f.launcher->start("w1", ""), std::system_error);
  f.launcher->signal("w1", SIGTERM);
  REQUIRE(f.launcher->wait_all(patience).empty());
  CHECK(f.exits["w1"] == "killed by SIGTERM");
  f.launcher->signal("w1", SIGTERM); // nobody there: no-op
  f.launcher->start("w1", "");
  f.launcher->signal("w1", SIGKILL);
  REQUIRE(f.launcher->wait_all(patience).empty());
  CHECK(f.exits["w1"] == "killed by SIGKILL");
}

TEST_CASE("who ignores a polite signal is named, and killed by force", "[launcher]") {
  fixture f(actions{{"w1", {"wait"}}, {"w2", {"stubborn"}}});
  f.launcher->start("w1", "");
  f.launcher->start("w2", "");
  f.printed_pid("w2");
  CHECK(f.launcher->wait_all(0ms) == std::vector<std::string>{"w1", "w2"});
  for (const auto* node : {"w1", "w2"})
    f.launcher->signal(node, SIGTERM);
  auto alive = f.launcher->wait_all(1ms);
  while (alive.size() > 1)
    alive = f.launcher->wait_all(1ms);
  CHECK(alive == std::vector<std::string>{"w2"});
  f.launcher->kill_all();
  REQUIRE(f.launcher->wait_all(patience).empty());
  CHECK(f.exits["w2"] == "killed by SIGKILL");
}

TEST_CASE("what a child started dies with it, and does not keep its exit from being told", "[launcher]") {
  fixture f(actions{{"w1", {"family", "leave"}}});
  ::prctl(PR_SET_CHILD_SUBREAPER, 1);
  f.launcher->start("w1", "");
  const auto grandchild = f.printed_pid("w1");
  REQUIRE(f.launcher->wait_all(patience).empty());
  CHECK(ends(grandchild));
  f.launcher.reset();
  wait_for_all_children(); // the guard, too, has become one
  ::prctl(PR_SET_CHILD_SUBREAPER, 0);
}

TEST_CASE("destroying the launcher ends every child and leaves no zombie and no descriptor", "[launcher]") {
  const auto before = open_descriptors();
  pid_t stubborn = 0;
  {
    fixture f(actions{{"w1", {"wait"}}, {"w2", {"stubborn"}}});
    f.launcher->start("w1", "");
    f.launcher->start("w2", "");
    stubborn = f.printed_pid("w2");
  }
  CHECK(::kill(stubborn, 0) == -1);
  CHECK(::waitpid(-1, nullptr, WNOHANG) == -1);
  CHECK(open_descriptors() == before);
}

TEST_CASE("a child takes its lifeline out of the environment and lives while the launcher does",
          "[launcher]") {
  fixture f(actions{{"w1", {"lifeline"}}});
  f.launcher->start("w1", "");
  {
    std::unique_lock lock(f.mutex);
    REQUIRE(f.changed.wait_for(lock, patience, [&] { return !f.lines["w1"].empty(); }));
    CHECK(f.lines["w1"][0] == "taken");
  }
  CHECK(f.launcher->wait_all(0ms) == std::vector<std::string>{"w1"});
}

// Three things end nodes with their launcher. Each of the next three tests has one of them, and not the
// others.

TEST_CASE("a process whose lifeline ends is killed with its whole group", "[launcher]") {
  // The thread that started it lives on, and nobody guards it.
  auto lifeline = cli::make_pipe();
  auto child = cli::spawn(LAUNCHER_CHILD, {"child", "lifeline"}, lifeline.read.get());
  pollfd set{child.output.get(), POLLIN, 0};
  REQUIRE(::poll(&set, 1, -1) == 1);
  const auto member = member_of_group(child.pid);
  CHECK(is_alive(child.pid));
  lifeline.write.reset();
  CHECK(how_it_ended(child.pid) == SIGKILL);
  CHECK(how_it_ended(member) == SIGKILL);
}

TEST_CASE("a node of the program watches its lifeline before it does anything else", "[launcher]") {
  const testing::temporary_directory scratch;
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  const auto path = (scratch / "silent.sock").string();
  path.copy(address.sun_path, sizeof address.sun_path - 1);
  const troupe::descriptor silent(
      ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)); // takes calls, says nothing
  REQUIRE(::bind(silent.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0);
  REQUIRE(::listen(silent.get(), 16) == 0);
  auto lifeline = cli::make_pipe();
  const auto node = cli::spawn(TROUPE_PROGRAM, {"troupe", "node", "--join", "ipc://" + path, "--name", "w1"},
                               lifeline.read.get());
  lifeline.write.reset();
  CHECK(how_it_ended(node.pid) == SIGKILL);
}

TEST_CASE("a process dies with the thread that started it", "[launcher]") {
  // Its lifeline goes on, which it does not look at anyway, and nobody guards it.
  const auto lifeline = cli::make_pipe();
  cli::spawned child;
  bool was_alive = false;
  std::thread([&] {
    child = cli::spawn(LAUNCHER_CHILD, {"child", "stubborn"}, lifeline.read.get());
    pollfd set{child.output.get(), POLLIN, 0};
    was_alive = ::poll(&set, 1, -1) == 1 && is_alive(child.pid);
  }).join();
  CHECK(was_alive);
  CHECK(how_it_ended(child.pid) == SIGKILL);
}

TEST_CASE("the guard of a launcher that was killed kills the groups that are left, and no others",
          "[launcher]") {
  // They are children of this process, which lives on, and have no lifeline.
  ::prctl(PR_SET_CHILD_SUBREAPER, 1); // the guard comes to us when it is on its own
  const auto left = member_of_group(0), forgotten = member_of_group(0), unknown = member_of_group(0);
  const auto member = member_of_group(left);
  const auto launcher = guarded_launcher(true, [&](cli::guard& one) {
    one.watch_group(left);
    one.watch_group(forgotten);
    one.forget_group(forgotten);
  });
  CHECK(is_alive(left));
  CHECK(is_alive(member));
  ::kill(launcher, SIGKILL);
  auto ended = next_ends(4); // with the guard
  CHECK(ended[launcher] == SIGKILL);
  CHECK(ended[left] == SIGKILL);
  CHECK(ended[member] == SIGKILL);
  for (const auto other : {forgotten, unknown}) {
    CHECK_FALSE(ended.contains(other));
    ::kill(other, SIGUSR1);
    CHECK(how_it_ended(other) == SIGUSR1);
  }
  ::prctl(PR_SET_CHILD_SUBREAPER, 0);
}

TEST_CASE("the guard of a launcher that ended in order kills nobody", "[launcher]") {
  ::prctl(PR_SET_CHILD_SUBREAPER, 1);
  const auto group = member_of_group(0);
  const auto launcher = guarded_launcher(false, [&](cli::guard& one) { one.watch_group(group); });
  const auto ended = next_ends(2); // with the guard
  CHECK(ended.contains(launcher));
  CHECK_FALSE(ended.contains(group));
  ::kill(group, SIGUSR1);
  CHECK(how_it_ended(group) == SIGUSR1);
  ::prctl(PR_SET_CHILD_SUBREAPER, 0);
}

TEST_CASE("neither a child nor a socket outlives its launcher, however that one dies", "[launcher]") {
  ::prctl(PR_SET_CHILD_SUBREAPER, 1); // orphans come to us
  for (const int number : {SIGKILL, SIGTERM, SIGINT, SIGSEGV, SIGHUP}) {
    CAPTURE(number);
    const socket_directory sockets;
    const foreign_launcher launcher(sockets.directory.string(), "wait");
    REQUIRE(launcher.children.size() == 2); // the first is a child of a child
    ::kill(launcher.pid, number);
    wait_for_all_children();
    for (const auto child : launcher.children)
      CHECK(ends(child));
    CHECK_FALSE(std::filesystem::exists(sockets.directory));
  }
  const socket_directory sockets;
  const foreign_launcher in_order(sockets.directory.string(), "return");
  wait_for_all_children();
  CHECK(std::filesystem::exists(sockets.file)); // a launcher that lives cleans up itself
  ::prctl(PR_SET_CHILD_SUBREAPER, 0);
}

TEST_CASE("a guard removes sockets alone", "[launcher]") {
  ::prctl(PR_SET_CHILD_SUBREAPER, 1);
  const socket_directory sockets;
  std::ofstream(sockets.directory / "precious") << "x";
  const foreign_launcher launcher(sockets.directory.string(), "wait");
  ::kill(launcher.pid, SIGKILL);
  wait_for_all_children();
  CHECK_FALSE(std::filesystem::exists(sockets.file));
  CHECK(std::filesystem::exists(sockets.directory / "precious"));
  ::prctl(PR_SET_CHILD_SUBREAPER, 0);
}
