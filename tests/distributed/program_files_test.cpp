// What the program says where a file, or stdout, does not take what it writes.
#include "tests/distributed/config_files.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/program.hpp"
#include "tests/support/temporary_directory.hpp"
#include "tests/support/text.hpp"

#include <nlohmann/json.hpp>
#include <sys/stat.h>

using namespace troupe::testing;
namespace fs = std::filesystem;

namespace {

const std::string small_file = std::string(CONFIG_DIR) + "/worker_pool.toml";

/// The program under a shell that does something first. `$0` is the program.
program under_shell(const std::string& script, const fs::path& directory) {
  return program("/bin/sh", {"-c", script, TROUPE_PROGRAM}, directory);
}

} // namespace

TEST_CASE("every command tells that stdout is full, and ends with 2", "[program][files]") {
  const temporary_directory directory;
  program first(TROUPE_PROGRAM, {"run", small_file, "--nodes", "0", "--quiet"}, directory.path());
  REQUIRE(first.wait() == 0);
  const std::vector<std::string> commands{"--help",
                                          "--version",
                                          "run --help",
                                          "list",
                                          "list worker_pool",
                                          "list --json",
                                          "schema",
                                          "check '" + small_file + "'",
                                          "check '" + small_file + "' --json",
                                          "run '" + small_file + "' --nodes 0",
                                          "run '" + small_file + "' --nodes 0 --json",
                                          "keygen -o a.key --force",
                                          "trace summary",
                                          "trace show",
                                          "trace path",
                                          "trace stats",
                                          "trace graph",
                                          "trace check",
                                          "trace follow main:1",
                                          "trace query 'select * from events'",
                                          "trace query 'select * from events' --json",
                                          "trace export --format perfetto",
                                          "trace export --format mermaid",
                                          "trace view -o -",
                                          "trace view",
                                          "trace collect"};
  for (const auto& words : commands) {
    CAPTURE(words);
    auto it = under_shell("exec \"$0\" " + words + " >/dev/full", directory.path());
    CHECK(it.wait() == 2);
    CHECK(it.errors.ends_with("troupe: cannot write to stdout: No space left on device\n"));
    CHECK(times_in(it.errors, "cannot write") == 1);
  }
}

TEST_CASE("a reader that has seen enough is no error", "[program][files]") {
  const temporary_directory directory;
  auto list = under_shell("trap '' PIPE; (\"$0\" schema; echo \"code $?\" >&2) | true", directory.path());
  list.wait();
  CHECK(list.errors == "code 0\n");
}

TEST_CASE("a run whose directory is taken away says that its result could not be kept", "[program][files]") {
  const temporary_directory directory;
  program troupe(TROUPE_PROGRAM, {"run", many_file, "--nodes", "1", "--set", "count=20000"},
                 directory.path());
  REQUIRE(troupe.says("troupe: running"));
  fs::remove_all(directory / "runs");
  troupe.signal(SIGINT);
  CHECK(troupe.wait() == 130);
  CAPTURE(troupe.errors);
  CHECK(contains(troupe.errors, "result.json: No such file or directory\n"));
  CHECK(troupe.output.ends_with("; the result could not be kept\n"));
  CHECK_FALSE(contains(troupe.output, "; see "));
}

TEST_CASE("where files may not grow, traces end and are told, and the run goes on", "[program][files]") {
  const temporary_directory directory;
  auto troupe = under_shell("ulimit -f 2048; exec \"$0\" run '" + many_file // 1 MiB
                                + "' --nodes 1 --set count=100000 --trace payloads",
                            directory.path());
  REQUIRE(troupe.says(": File too large; the run goes on"));
  REQUIRE(troupe.says("main"));
  troupe.signal(SIGINT);
  CHECK(troupe.wait() == 130);
  CHECK(times_in(troupe.errors, " of main ended ") + times_in(troupe.errors, "traces of main, w1 ended ")
        == 1);
}

TEST_CASE("a run that cannot have its files does not start, and is not killed", "[program][files]") {
  const temporary_directory directory;
  auto troupe =
      under_shell("ulimit -f 100; exec \"$0\" run '" + small_file + "'", directory.path()); // 50 KiB
  CHECK(troupe.wait() == 2);
  CAPTURE(troupe.errors);
  CHECK(contains(troupe.errors, "the run could not start: "));
  CHECK(contains(troupe.errors, "File too large"));
}

TEST_CASE("latest that cannot be set is told in one line, and the run goes on", "[program][files]") {
  const temporary_directory directory;
  fs::create_directories(directory / "runs" / "latest");
  program troupe(TROUPE_PROGRAM, {"run", small_file, "--nodes", "0", "--quiet"}, directory.path());
  CHECK(troupe.wait() == 0);
  CHECK(contains(troupe.errors, "troupe: cannot point runs/latest at this run: Is a directory; "));
  CHECK(times_in(troupe.errors, "\n") == 1);
}

TEST_CASE("outputs to descriptors and pipes arrive, and nothing is replaced by them", "[program][files]") {
  const temporary_directory directory;
  program first(TROUPE_PROGRAM, {"run", small_file, "--nodes", "0", "--quiet"}, directory.path());
  REQUIRE(first.wait() == 0);
  for (const std::string to : {"-o /dev/stdout", "-o /dev/fd/1", "-o -", "-o link"}) {
    CAPTURE(to);
    auto view =
        under_shell("ln -sf /proc/self/fd/1 link; exec \"$0\" trace view --json " + to + " | head -c 15",
                    directory.path());
    view.wait();
    CHECK(view.output == "<!doctype html>");
    CHECK(fs::is_symlink(directory / "link"));
  }
  auto database =
      under_shell("\"$0\" trace export --format sqlite -o /dev/stdout | head -c 13", directory.path());
  database.wait();
  CHECK(database.output == "SQLite format");
  REQUIRE(::mkfifo((directory / "pipe").c_str(), 0600) == 0);
  for (const std::string words : {"trace export --format sqlite -o pipe", "trace export --format dot -o pipe",
                                  "trace view -o pipe", "trace graph -o pipe", "keygen --force -o pipe"}) {
    auto refused = under_shell("exec \"$0\" " + words, directory.path());
    CHECK(refused.wait() == 2);
    CAPTURE(words, refused.errors);
    CHECK(contains(refused.errors, "cannot write pipe: "));
    CHECK(fs::is_fifo(directory / "pipe"));
  }
}
