#include "cli/process/node_log.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/temporary_directory.hpp"
#include "tests/support/text.hpp"

#include <vector>

using namespace troupe;
using testing::content_of;
using troupe::cli::node_logs;

namespace {

struct logs_of_a_run {
  testing::temporary_directory directory;
  std::vector<std::string> told;
  node_logs logs{directory.path(), [this](const std::string& text) { told.push_back(text); }};
};

const std::string the_end = "(the log ends here: it has reached its limit)\n";

} // namespace

TEST_CASE("what a node wrote is in its own log, line by line, as soon as it was written", "[node_log]") {
  logs_of_a_run run;
  run.logs.write("w1", "one");
  CHECK(content_of(run.directory / "w1.log") == "one\n");
  CHECK_FALSE(std::filesystem::exists(run.directory / "w2.log")); // it said nothing
  run.logs.write("w2", "two");
  run.logs.write("w1", "");
  run.logs.write("w1", "three");
  CHECK(content_of(run.directory / "w1.log") == "one\n\nthree\n");
  CHECK(content_of(run.directory / "w2.log") == "two\n");
  CHECK(run.told.empty());
}

TEST_CASE("a log ends at its limit and says so, and the other nodes' go on", "[node_log]") {
  logs_of_a_run run;
  CHECK(node_logs::log_bytes_max == 64U << 20); // docs/architecture.md
  const std::string line((1U << 20) - 1, 'x');
  for (std::uint64_t bytes = 0; bytes < node_logs::log_bytes_max; bytes += line.size() + 1)
    run.logs.write("w1", line);
  const auto path = run.directory / "w1.log";
  CHECK(std::filesystem::file_size(path) == node_logs::log_bytes_max); // all of it, up to the limit
  run.logs.write("w1", "the last");
  CHECK(std::filesystem::file_size(path) == node_logs::log_bytes_max + 9 + the_end.size());
  for (int i = 0; i < 3; ++i)
    run.logs.write("w1", "too much");
  const auto text = content_of(path);
  CHECK(text.size() == node_logs::log_bytes_max + 9 + the_end.size());
  CHECK(text.ends_with("x\nthe last\n" + the_end));
  run.logs.write("w2", "still here");
  CHECK(content_of(run.directory / "w2.log") == "still here\n");
  CHECK(run.told.empty());
}

TEST_CASE("a log that cannot be written is told once, with the reason, and no other log suffers",
          "[node_log]") {
  logs_of_a_run run;
  std::filesystem::create_symlink("/dev/full", run.directory / "w1.log");
  std::filesystem::create_directory(run.directory / "w3.log");
  for (int i = 0; i < 3; ++i)
    for (const auto* node : {"w1", "w2", "w3"})
      run.logs.write(node, "a line");
  REQUIRE(run.told.size() == 2);
  CHECK(contains(run.told[0], "No space left on device"));
  CHECK(contains(run.told[0], "; what w1 writes from now on is shown here only"));
  CHECK(contains(run.told[1], "Is a directory"));
  CHECK(contains(run.told[1], "; what w3 writes from now on is shown here only"));
  CHECK(content_of(run.directory / "w2.log") == "a line\na line\na line\n");
}
