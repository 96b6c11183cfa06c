// Watching a run on the whole terminal.
#include "tests/distributed/config_files.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/temporary_directory.hpp"
#include "tests/support/terminal.hpp"
#include "tests/support/text.hpp"

#include <nlohmann/json.hpp>

using namespace troupe::testing;

namespace {

const std::string screen_entered = "\x1b[?1049h", screen_left = "\x1b[?1049l", cursor_shown = "\x1b[?25h";

std::vector<std::string> watched(const std::string& count) {
  // One worker, so that it leaves half of a small machine to the other tests.
  return {"run", many_file, "--nodes", "2", "--set", "workers=1", "--set", "count=" + count, "--watch"};
}

bool same(const termios& a, const termios& b) {
  return a.c_iflag == b.c_iflag && a.c_oflag == b.c_oflag && a.c_cflag == b.c_cflag && a.c_lflag == b.c_lflag
         && std::equal(std::begin(a.c_cc), std::end(a.c_cc), std::begin(b.c_cc));
}

/// What was written after the screen was left for the last time.
std::string afterwards(const terminal& user) {
  const auto at = user.seen.rfind(screen_left);
  return at == std::string::npos ? std::string() : user.seen.substr(at);
}

/// The last picture that was shown whole after `since`, as it stands on a terminal of so many
/// columns: clearing takes what is under the cursor, and behind a line that fills its row the
/// cursor is on its last character.
std::vector<std::u32string> last_picture(const terminal& user, std::size_t columns, std::size_t since) {
  const std::string begin = "\x1b[?2026h\x1b[H", end = "\x1b[?2026l";
  const auto to = user.seen.rfind(end);
  const auto from = to == std::string::npos ? to : user.seen.rfind(begin, to);
  if (from == std::string::npos || from < since) return {};
  std::vector<std::u32string> lines(1);
  for (auto i = from + begin.size(); i < to; ++i) {
    const auto c = static_cast<unsigned char>(user.seen[i]);
    if (c == '\x1b') {
      i = user.seen.find_first_of("KmJH", i); // the last letter of all sequences in a picture
      const bool clears = user.seen[i] == 'K' || user.seen[i] == 'J';
      if (clears && lines.back().size() >= columns) lines.back().resize(columns - 1);
    } else if (c == '\n')
      lines.emplace_back();
    else if (c != '\r' && (c & 0xc0U) != 0x80) // one a character
      lines.back() += static_cast<char32_t>(c);
  }
  return lines;
}

/// Reads until a picture fills a window of that size: the title ends at its right edge.
bool shows_picture_of(terminal& user, std::size_t rows, std::size_t columns, std::size_t since) {
  while (true) {
    const auto lines = last_picture(user, columns, since);
    const auto fits = [&](const auto& line) { return line.size() <= columns; };
    if (lines.size() == rows && lines.front().size() == columns && std::ranges::all_of(lines, fits))
      return true;
    if (!user.reads()) return false;
  }
}

/// A run that is watched on a terminal, which has it back at the end.
struct watched_run {
  explicit watched_run(const std::string& count) : watched_run(TROUPE_PROGRAM, watched(count)) {}
  watched_run(const std::string& program, const std::vector<std::string>& arguments)
      : user(program, arguments, directory.path()), before(user.modes()) {}
  /// Until there is something to see.
  void starts(const std::string& shown = "assign_task") {
    const bool started = user.shows(shown);
    CAPTURE(user.seen);
    REQUIRE(started);
  }
  void ends_with(int code) {
    const int ended = user.wait();
    CAPTURE(afterwards(user));
    CHECK(ended == code);
    CHECK(contains(user.seen, screen_entered));
    CHECK(user.seen.rfind(screen_left) > user.seen.rfind(screen_entered));
    CHECK(user.seen.rfind(cursor_shown) > user.seen.rfind("\x1b[?25l"));
    CHECK(same(user.modes(), before));
  }
  bool said_afterwards(const std::string& text) const { return contains(afterwards(user), text); }

  temporary_directory directory;
  terminal user;
  termios before;
};

} // namespace

TEST_CASE("--watch shows nodes, actors and types; after q the run goes on to its verdict",
          "[program][watch]") {
  watched_run run("200000"); // some 20 s of work, unless it is stopped
  REQUIRE(run.user.shows(screen_entered));
  // A message waits until its handler has ended, and workers are at one all the time.
  for (const std::string text : {"3 nodes up", "deepest mailboxes", "\x1b[Kw1 ", "\x1b[Kw2 ", "worker-",
                                 "assign_task", "troupe: running", "q leaves this view"}) {
    CAPTURE(text);
    REQUIRE(run.user.shows(text));
  }
  CHECK((run.user.modes().c_lflag & (ICANON | ECHO)) == 0);
  run.user.type('q');
  REQUIRE(run.user.shows(screen_left));
  while (!run.said_afterwards("/200000")) // the usual progress
    REQUIRE(run.user.reads());
  run.user.type('\x03');
  run.ends_with(130);
  CHECK(run.said_afterwards("interrupted: worker_pool in "));
  CHECK_FALSE(run.said_afterwards("deepest mailboxes"));
}

TEST_CASE("a run that ends leaves the screen, and what was said is printed then", "[program][watch]") {
  watched_run run("1000");
  run.ends_with(0);
  CHECK(run.said_afterwards("troupe: running"));
  CHECK(run.said_afterwards("passed: worker_pool in "));
}

TEST_CASE("Ctrl-C, Enter and SIGTERM stop a run that is watched, in order", "[program][watch]") {
  const std::string name = GENERATE("SIGINT", "Enter", "SIGTERM");
  watched_run run("100000");
  run.starts();
  if (name == "SIGTERM")
    run.user.signal(SIGTERM);
  else
    run.user.type(name == "Enter" ? '\n' : '\x03');
  REQUIRE(run.user.shows("troupe: " + name + ": stopping in order"));
  run.ends_with(130);
  CHECK(run.said_afterwards(name + ": stopping in order"));
  CHECK(run.said_afterwards("interrupted: worker_pool in "));
}

TEST_CASE("however often it is told to stop, the terminal is given back", "[program][watch]") {
  watched_run run("100000");
  run.starts();
  for (int i = 0; i < 3; ++i)
    run.user.type('\x03');
  run.ends_with(130);
}

TEST_CASE("a run that does not end though it was told twice is ended, and gives the terminal back",
          "[program][watch]") {
  const temporary_directory files;
  const auto file = files / "stubborn.toml";
  std::ofstream{file} << "scenario = \"stubborn\"\n";
  watched_run run(STUBBORN_PROGRAM, {"run", file.string(), "--watch"});
  run.starts("mule");
  run.user.type('\x03');
  REQUIRE(run.user.shows("SIGINT: stopping in order")); // two signals at once may count as one
  run.user.type('\x03');
  run.ends_with(130);
  CHECK(run.said_afterwards("SIGINT again: killing what is left"));
  CHECK(run.said_afterwards("ended without waiting; the run directory holds what was written"));
}

TEST_CASE("a signal that kills the program gives the terminal back", "[program][watch]") {
  watched_run run("100000");
  run.starts();
  run.user.type('\x1c'); // Ctrl-backslash: SIGQUIT
  run.ends_with(128 + SIGQUIT);
}

TEST_CASE("the picture is laid out anew for a window of another size", "[program][watch]") {
  watched_run run("100000");
  run.starts();
  REQUIRE(shows_picture_of(run.user, 24, 80, 0));
  const std::vector<std::pair<unsigned short, unsigned short>> sizes{
      {50, 132}, {10, 50}, {24, 110}, {24, 80}};
  for (const auto& [rows, columns] : sizes) {
    CAPTURE(rows, columns);
    const auto since = run.user.seen.size();
    run.user.resize(rows, columns);
    REQUIRE(shows_picture_of(run.user, rows, columns, since));
  }
  run.user.type('\x03');
  run.ends_with(130);
}

TEST_CASE("a run goes on and ends though its terminal takes nothing more", "[program][watch]") {
  watched_run run("20000");
  run.starts();
  const auto process = open_process(run.user.pid());
  std::vector<troupe::descriptor> nodes;
  for (const auto child : children_of(run.user.pid()))
    nodes.push_back(open_process(child));
  CHECK(nodes.size() == 2);
  run.user.fill();
  for (const auto& node : nodes)
    REQUIRE(ends(node));
  const auto file = run.directory / "runs/latest/result.json";
  nlohmann::json result;
  for (int looks = 0; looks < 600 && !result.is_object(); ++looks) {
    REQUIRE_FALSE(ends(process, 100)); // it has a result to print, and waits for the terminal
    std::ifstream written(file);
    result = nlohmann::json::parse(written, nullptr, false); // unless it is written just now
  }
  REQUIRE(result.is_object());
  CHECK(result["verdict"] == "check_failed"); // the file expects the result of a thousand numbers
  CHECK(result["result"]["tasks"] == 20000);
  run.ends_with(1); // reads again
  CHECK(run.said_afterwards("check_failed: worker_pool in "));
}

TEST_CASE("Ctrl-Z gives the terminal back until the run goes on", "[program][watch]") {
  const temporary_directory directory;
  terminal user(TROUPE_PROGRAM, watched("100000"), directory.path(), true);
  REQUIRE(user.shows("assign_task"));
  user.type('\x1a');
  REQUIRE(user.shows("(stopped, "));
  CHECK(user.seen.find(screen_left) < user.seen.find("(stopped, lines)"));
  const auto stopped = user.seen.find("(stopped, ");
  while (user.seen.find("q leaves this view", stopped) == std::string::npos)
    REQUIRE(user.reads());
  CHECK(user.seen.find(screen_entered, stopped) != std::string::npos);
  user.type('\x03');
  CHECK(user.wait() == 130);
  CHECK(user.seen.rfind(screen_left) > user.seen.rfind(screen_entered));
}

TEST_CASE("where a run cannot be watched it is not started", "[program][watch]") {
  const temporary_directory directory;
  program piped(TROUPE_PROGRAM, watched("10"), directory.path());
  CHECK(piped.wait() == 2);
  CHECK(piped.errors == "troupe: --watch needs a terminal, and stderr is none\n");
  const std::vector<std::tuple<std::string, std::string, std::string>> wrong{
      {"--json", "xterm", "--json is for a program that reads; leave one of them away"},
      {"--quiet", "xterm", "--quiet shows nothing; leave one of them away"},
      {"--trace=off", "dumb", "--watch needs a terminal that can place text, and TERM is \"dumb\""},
      {"--trace=off", "", "and TERM is not set"},
  };
  for (const auto& [option, term, why] : wrong) {
    auto arguments = watched("10");
    arguments.push_back(option);
    terminal user(TROUPE_PROGRAM, arguments, directory.path(), false, term);
    CHECK(user.wait() == 2);
    CAPTURE(user.seen, why);
    CHECK(user.seen.find(why) != std::string::npos);
    CHECK(user.seen.find('\x1b') == std::string::npos);
  }
  CHECK_FALSE(std::filesystem::exists(directory / "runs"));
}
