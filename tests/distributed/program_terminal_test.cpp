// What a user at a terminal sees and types.
#include "tests/distributed/config_files.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/temporary_directory.hpp"
#include "tests/support/terminal.hpp"

using namespace troupe::testing;

namespace {

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

} // namespace

TEST_CASE("Enter stops a run in order", "[program]") {
  const temporary_directory directory;
  terminal user(TROUPE_PROGRAM, {"run", many_file, "--nodes", "2", "--set", "count=1000000"},
                directory.path());
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
  terminal user(TROUPE_PROGRAM, {"run", many_file, "--nodes", "2", "--set", "count=3000"}, directory.path());
  CHECK(user.wait() == 1); // the file expects the result of a thousand numbers
  const auto screen = screen_of(user.seen);
  CAPTURE(screen);
  CHECK(user.seen.find("/3000") != std::string::npos);
  CHECK(screen.find("/3000  ") == std::string::npos);
  CHECK(screen.find("[=") == std::string::npos);
  CHECK(screen.find("check_failed: worker_pool in ") != std::string::npos);
}
