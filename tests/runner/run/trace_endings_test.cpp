// What a run tells of traces that end before it does.
#include "runner/run/trace_endings.hpp"

#include "base/text.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/temporary_directory.hpp"
#include "tests/support/text.hpp"
#include "trace/record/recorder.hpp"

#include <csignal>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

using namespace troupe;
using scenarios::trace_endings;
using std::chrono::steady_clock;
using testing::contains;

namespace {

trace::recorder_options options_of(const testing::temporary_directory& dir, const std::string& node) {
  trace::recorder_options options;
  options.directory = dir.path();
  options.node = node;
  options.incarnation = 1;
  return options;
}

void fill(trace::recorder& recorder) {
  for (int i = 0; i < 200; ++i)
    recorder.noted(0, {}, std::string(10'000, 'n'));
}

} // namespace

TEST_CASE("a trace that reached its limit is told once, with the time", "[trace][endings]") {
  const testing::temporary_directory dir;
  trace_endings endings(dir.path());
  const auto started = steady_clock::now();
  auto small = options_of(dir, "w1");
  small.bytes_max = 1 << 20;
  trace::recorder full(small), whole(options_of(dir, "main"));
  CHECK(endings.look(trace_endings::when::now, started).empty());
  fill(full);
  fill(whole);
  CHECK(endings.look(trace_endings::when::due, started).empty()); // not yet
  const auto told = endings.look(trace_endings::when::now, started);
  REQUIRE(told.size() == 1);
  CHECK(told.front().starts_with("the trace of w1 ended "));
  CHECK(contains(told.front(), "s into the run: "));
  CHECK(contains(told.front(), "bytes_max = " + bytes_text(1 << 20) + " in [trace]"));
  CHECK(endings.look(trace_endings::when::now, started).empty());
}

TEST_CASE("traces that end for one reason are told together, with what the system said", "[trace][endings]") {
  const testing::temporary_directory dir;
  const auto started = steady_clock::now();
  const pid_t child = ::fork();
  if (child == 0) { // a limit on the size of files is met as the end of a disk is
    ::signal(SIGXFSZ, SIG_IGN);
    const rlimit limit{1 << 20, 1 << 20};
    ::setrlimit(RLIMIT_FSIZE, &limit);
    trace::recorder w1(options_of(dir, "w1")), w2(options_of(dir, "w2"));
    fill(w1);
    fill(w2);
    ::_exit(0);
  }
  int status = 0;
  REQUIRE(::waitpid(child, &status, 0) == child);
  REQUIRE(status == 0);
  trace_endings endings(dir.path());
  const auto told = endings.look(trace_endings::when::now, started);
  REQUIRE(told.size() == 1);
  CHECK(told.front().starts_with("the traces of w1, w2 ended "));
  CHECK(contains(told.front(), ": File too large; the run goes on"));
}
