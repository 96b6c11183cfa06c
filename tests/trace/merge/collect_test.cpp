// Traces that come into a run directory from elsewhere.
#include "tests/support/catch.hpp"
#include "tests/trace/commands.hpp"
#include "tests/trace/support.hpp"
#include "trace/merge/collect.hpp"
#include "trace/merge/merge.hpp"
#include "trace/merge/reader.hpp"
#include "trace/record/recorder.hpp"

#include <unistd.h>

using namespace troupe;
namespace fs = std::filesystem;

namespace {

/// A run of main and w1, whose trace lies elsewhere, in several segments.
struct split_trace {
  split_trace() {
    trace::recorder main{{.directory = run.path(), .node = "main", .incarnation = 1}};
    main.node_up(main.add_node("w1", 2));
    record(2);
  }
  void record(std::uint64_t incarnation) const {
    trace::recorder_options options;
    options.directory = elsewhere.path();
    options.node = "w1";
    options.incarnation = incarnation;
    options.segment_bytes = 256U << 10;
    trace::recorder r{options};
    for (int i = 0; i < 1000; ++i)
      r.noted(0, {}, std::string(1000, 'n'));
  }
  tests::command_result collect(std::vector<fs::path> sources, bool json = false) const {
    trace::trace_query q;
    q.inputs = {run.path()};
    q.sources = std::move(sources);
    q.json = json;
    return tests::run_command(trace::collect, q);
  }
  bool leaves_no_halves() const {
    for (const auto& entry : fs::directory_iterator(run.path()))
      if (entry.path().extension() != ".trace") return false;
    return true;
  }
  testing::temporary_directory run, elsewhere;
};

} // namespace

TEST_CASE("a missing trace is named, collected with all its segments, and then complete",
          "[trace][collect]") {
  split_trace t;
  auto before = t.collect({});
  CHECK(before.code == 1);
  CHECK(before.out.find("there is no trace of w1") != std::string::npos);
  // A file names the trace that it is part of.
  const auto source = GENERATE("", "w1.trace", "w1.0002.trace");
  auto done = t.collect({t.elsewhere.path() / source});
  CAPTURE(done.out, done.err);
  CHECK(done.code == 0);
  CHECK(trace::load({t.run.path()}).complete());
  CHECK(trace::files_of(t.run.path(), "w1", 2).size() == trace::files_of(t.elsewhere.path(), "w1", 2).size());
  CHECK(t.leaves_no_halves());
  CHECK(t.collect({}).code == 0);
  auto again = t.collect({t.elsewhere.path()});
  CHECK(again.code == 0);
  CHECK(again.out.find("w1: is in the run directory already") == 0);
}

TEST_CASE("a node that keeps no trace is not looked for", "[trace][collect]") {
  testing::temporary_directory run;
  {
    trace::recorder main{{.directory = run.path(), .node = "main", .incarnation = 1}};
    main.node_up(main.add_node("py", 2), false);
  }
  trace::trace_query q;
  q.inputs = {run.path()};
  const auto said = tests::run_command(trace::collect, q);
  CHECK(said.code == 0);
  CHECK(said.out == "the trace is complete\n  - py keeps no trace, and exchanged no message\n");
}

TEST_CASE("segments that are lacking are added to those that are there", "[trace][collect]") {
  split_trace t;
  fs::copy_file(t.elsewhere.path() / "w1.trace", t.run.path() / "w1.trace");
  CHECK_FALSE(trace::load({t.run.path()}).complete());
  CHECK(t.collect({t.elsewhere.path()}).code == 0);
  CHECK(trace::load({t.run.path()}).complete());
}

TEST_CASE("what was copied while it was being written gives way to the whole, and not the other way round",
          "[trace][collect]") {
  testing::temporary_directory run, elsewhere;
  trace::recorder main{{.directory = run.path(), .node = "main", .incarnation = 1}};
  main.node_up(main.add_node("w1", 2));
  trace::recorder w1{{.directory = elsewhere.path(), .node = "w1", .incarnation = 2}};
  w1.noted(0, {}, "early");
  fs::copy_file(elsewhere.path() / "w1.trace", run.path() / "w1.trace");
  w1.noted(0, {}, "late");
  w1.close();
  trace::trace_query q;
  q.inputs = {run.path()};
  q.sources = {elsewhere.path()};
  CHECK(trace::load({run.path()}).notes == std::vector<std::string>{"early"});
  CHECK(tests::run_command(trace::collect, q).out.find("w1: 1 file") == 0);
  CHECK(trace::load({run.path()}).notes == std::vector<std::string>{"early", "late"});
  CHECK_FALSE(trace::replaces(elsewhere.path() / "w1.trace", run.path() / "w1.trace"));
  CHECK(tests::run_command(trace::collect, q).out.find("w1: is in the run directory already") == 0);
}

TEST_CASE("of a directory with traces of many runs, those of this run are taken", "[trace][collect]") {
  split_trace t;
  t.record(3);
  t.record(4);
  auto done = t.collect({t.elsewhere.path()}, true);
  CHECK(done.code == 0);
  CHECK(done.out.find(R"("complete":true)") != std::string::npos);
  CHECK(done.out.find(R"("missing":[])") != std::string::npos);
  CHECK(trace::files_of(t.run.path(), "w1", 3).empty());
  CHECK(trace::files_of(t.run.path(), "w1", 4).empty());
}

TEST_CASE("what is not of the run is refused with a reason", "[trace][collect]") {
  split_trace t;
  testing::temporary_directory strange;
  { trace::recorder r{{.directory = strange.path(), .node = "w1", .incarnation = 9}}; }
  tests::write_file(strange.path() / "text", "no trace");
  const auto refused = [&](const fs::path& source, const std::string& why) {
    auto said = t.collect({source});
    CAPTURE(said.err);
    CHECK(said.code == 2);
    CHECK(said.err.find(why) != std::string::npos);
  };
  refused(strange.path() / "w1.trace", "is of another run: no trace in");
  refused(strange.path() / "w1.trace", "incarnation 0000000000000009");
  refused(strange.path(), "is of other runs");
  refused(strange.path() / "text", "is no trace");
  refused(strange.path() / "nothing", "does not exist");
  fs::remove(strange.path() / "w1.trace");
  refused(strange.path(), "there is no trace in");
  CHECK(t.leaves_no_halves());
  CHECK(trace::files_of(t.run.path(), "w1", 2).empty());
}

TEST_CASE("a trace that is still being written is not collected", "[trace][collect]") {
  testing::temporary_directory run, elsewhere;
  trace::recorder main{{.directory = run.path(), .node = "main", .incarnation = 1}};
  main.node_up(main.add_node("w1", 2));
  trace::recorder w1{{.directory = elsewhere.path(), .node = "w1", .incarnation = 2}};
  w1.noted(0, {}, "alive");
  trace::trace_query q;
  q.inputs = {run.path()};
  q.sources = {elsewhere.path()};
  auto said = tests::run_command(trace::collect, q);
  CHECK(said.code == 2);
  CHECK(said.err.find("is still being written, by process " + std::to_string(::getpid()))
        != std::string::npos);
  w1.close();
  CHECK(tests::run_command(trace::collect, q).code == 0);
}

TEST_CASE("files get their place together or not at all", "[trace][collect]") {
  split_trace t;
  const auto files = trace::files_of(t.elsewhere.path(), "w1", 2);
  REQUIRE(files.size() > 2);
  SECTION("one of them is another node's") {
    CHECK(trace::put_in_place(t.run.path(), "w2", 2, files)
          == "what came as segment 0 of the trace of w2 is segment 0 of w1");
  }
  SECTION("the name of one is taken") {
    tests::write_file(t.run.path() / "w1.0001.trace", "something");
    CHECK(trace::put_in_place(t.run.path(), "w1", 2, files).find("w1.0001.trace is there already")
          != std::string::npos);
    CHECK_FALSE(fs::exists(t.run.path() / "w1.trace"));
  }
  SECTION("no file may be called so") {
    CHECK(trace::put_in_place(t.run.path(), "../w1", 2, files) == "no trace can be named after \"../w1\"");
  }
  for (auto& [segment, file] : files)
    CHECK(fs::exists(file));
}
