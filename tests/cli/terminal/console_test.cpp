#include "tests/support/catch.hpp"

#include "cli/process/spawn.hpp"
#include "cli/terminal/console.hpp"

#include <array>
#include <csignal>
#include <cstdlib>
#include <fcntl.h>
#include <thread>
#include <vector>

using namespace troupe;
using namespace troupe::cli;

namespace {

std::string read_all(int fd) {
  std::string text;
  std::array<char, 4096> buffer;
  for (ssize_t n = 0; (n = ::read(fd, buffer.data(), buffer.size())) > 0;)
    text.append(buffer.data(), static_cast<std::size_t>(n));
  return text;
}

// A terminal whose other end is read by the test.
struct terminal {
  terminal() {
    controller.reset(::posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC));
    REQUIRE(::grantpt(controller.get()) == 0);
    REQUIRE(::unlockpt(controller.get()) == 0);
    own.reset(::open(::ptsname(controller.get()), O_RDWR | O_NOCTTY | O_CLOEXEC));
    ::fcntl(controller.get(), F_SETFL, O_NONBLOCK);
  }
  descriptor controller, own;
};

struct variable {
  variable(const char* variable_name, const char* value) : name(variable_name) {
    const char* now = std::getenv(name);
    had = now != nullptr;
    if (now) before = now;
    value ? ::setenv(name, value, 1) : ::unsetenv(name);
  }
  ~variable() { had ? ::setenv(name, before.c_str(), 1) : ::unsetenv(name); }
  const char* name;
  bool had = false;
  std::string before;
};

} // namespace

TEST_CASE("on a pipe lines have the node's name in front, no colour, and no status", "[cli]") {
  auto ends = make_pipe();
  {
    console out(ends.write.get());
    CHECK_FALSE(out.colour());
    out.status("50 %");
    out.node_line("w1", "hello");
    out.message("done");
  }
  ends.write.reset();
  CHECK(read_all(ends.read.get()) == "w1 | hello\ndone\n");
}

TEST_CASE("nothing that is told or written by a node steers the terminal or forges a line", "[cli]") {
  const std::string hostile = "\x1b[2J\u009b31m\u202e\xff\r\ntroupe: passed";
  const std::string shown = "\\x1b[2J\\u009b31m\\u202e\\xff\\r\\ntroupe: passed";
  auto ends = make_pipe();
  std::vector<std::string> listened;
  {
    console out(ends.write.get(), [&](std::string_view line) { listened.emplace_back(line); });
    out.message(hostile);
    out.node_line(hostile, "a\t" + hostile);
  }
  ends.write.reset();
  CHECK(read_all(ends.read.get()) == shown + "\n" + shown + " | a\t" + shown + "\n");
  CHECK(listened == std::vector<std::string>{shown, shown + " | a\t" + shown});

  const variable term("TERM", "xterm"), colour("NO_COLOR", "1");
  const terminal screen;
  {
    console out(screen.own.get());
    out.status(hostile);
    out.flush();
  }
  CHECK(read_all(screen.controller.get()) == shown + "\r\x1b[2K");
}

TEST_CASE("on a terminal the status line stays below the lines and is wiped at the end", "[cli]") {
  const variable term("TERM", "xterm"), colour("NO_COLOR", nullptr);
  const terminal screen;
  {
    console out(screen.own.get());
    CHECK(out.colour());
    out.status("half");
    out.flush();
    out.node_line("w1", "hello");
    out.flush();
  }
  CHECK(read_all(screen.controller.get()) == "half\r\x1b[2K\x1b[36mw1 |\x1b[0m hello\r\nhalf\r\x1b[2K");
}

TEST_CASE("NO_COLOR and dumb terminals are respected", "[cli]") {
  const terminal screen;
  {
    const variable term("TERM", "xterm"), none("NO_COLOR", "1");
    CHECK_FALSE(wants_colour(screen.own.get()));
    CHECK(is_terminal(screen.own.get()));
  }
  {
    const variable term("TERM", "xterm"), empty("NO_COLOR", "");
    CHECK(wants_colour(screen.own.get()));
  }
  const variable term("TERM", "dumb");
  CHECK_FALSE(is_terminal(screen.own.get()));
}

TEST_CASE("a reader that is too slow costs lines, not memory or the writer's time, and is told", "[cli]") {
  auto ends = make_pipe();
  const std::size_t count = 200'000;
  auto out = std::make_unique<console>(ends.write.get());
  for (std::size_t i = 0; i < count; ++i) // nobody reads: this must not block
    out->node_line("w1", "0123456789012345678901234567890123456789");
  std::string text;
  std::thread reader([&] { text = read_all(ends.read.get()); });
  out->flush();
  out.reset();
  ends.write.reset();
  reader.join();
  CHECK(text.size() < 2 * console::backlog_bytes_max);
  std::size_t shown = 0;
  for (auto at = text.find("w1 | "); at != std::string::npos; at = text.find("w1 | ", at + 1))
    ++shown;
  const auto note = text.find('(');
  REQUIRE(note != std::string::npos);
  CHECK(shown + std::stoul(text.substr(note + 1)) == count);
}

TEST_CASE("a closed pipe does not end the process", "[cli]") {
  ::signal(SIGPIPE, SIG_IGN);
  auto ends = make_pipe();
  ends.read.reset();
  console out(ends.write.get());
  out.message("nobody there");
  out.flush();
  out.message("still nobody");
  out.flush();
  ::signal(SIGPIPE, SIG_DFL);
}

TEST_CASE("a console that is held writes nothing until it is let go, and loses nothing", "[cli]") {
  auto ends = make_pipe();
  ::fcntl(ends.read.get(), F_SETFL, O_NONBLOCK);
  std::vector<std::string> told;
  {
    console out(ends.write.get(), [&](std::string_view line) { told.emplace_back(line); });
    out.hold(true);
    out.message("first");
    out.node_line("w1", "second");
    out.flush();
    char byte = 0;
    CHECK(::read(ends.read.get(), &byte, 1) < 0);
    out.hold(false);
    out.message("third");
    out.flush();
    CHECK(read_all(ends.read.get()) == "first\nw1 | second\nthird\n");
    out.hold(true);
    out.message("last");
  }
  CHECK(read_all(ends.read.get()) == "last\n");
  CHECK(told == std::vector<std::string>{"first", "w1 | second", "third", "last"});
}
