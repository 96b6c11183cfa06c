// What a launcher lets into its run directory.
#include "runner/run/trace_intake.hpp"

#include "tests/support/catch.hpp"
#include "tests/support/temporary_directory.hpp"
#include "trace/record/recorder.hpp"
#include "transport/trace_upload/upload_receiver.hpp"
#include "transport/trace_upload/upload_sender.hpp"

#include <fstream>
#include <random>

using namespace troupe;
using namespace std::chrono_literals;
namespace fs = std::filesystem;
using scenarios::trace_intake;

namespace {

/// A launcher's hub with its run directory, and a disk elsewhere.
struct intake_world {
  explicit intake_world(std::uint64_t bytes_max = 64U << 20, std::chrono::milliseconds patience = 20s)
      : intake(run_dir.path(), {bytes_max, patience}),
        recorder({.directory = {}, .node = "main", .what = trace::level::off}) {
    transport::hub_options options;
    options.identity = {"main", 1};
    options.listen = "tcp://127.0.0.1:*";
    options.capabilities = transport::capability_upload;
    hub.emplace(std::move(options), intake, recorder, books);
  }
  /// Records a trace on the other disk. Its files, in order.
  std::vector<fs::path> record(const std::string& node, std::uint64_t incarnation, int notes = 10) const {
    trace::recorder_options options;
    options.directory = elsewhere.path();
    options.node = node;
    options.incarnation = incarnation;
    options.segment_bytes = 256U << 10;
    {
      trace::recorder r{options};
      for (int i = 0; i < notes; ++i)
        r.noted(0, {}, std::string(1000, 'n'));
    }
    std::vector<fs::path> files;
    for (const auto& entry : fs::directory_iterator{elsewhere.path()})
      files.push_back(entry.path());
    std::ranges::sort(files, [](const fs::path& a, const fs::path& b) {
      return a.string().size() != b.string().size() ? a.string().size() < b.string().size() : a < b;
    });
    return files;
  }
  std::string deliver(const transport::node_identity& who, std::vector<fs::path> files) {
    return transport::upload({hub->endpoint(), who, std::move(files), 20s, {}}, {});
  }
  std::vector<std::string> run_files() const {
    std::vector<std::string> names;
    for (const auto& entry : fs::directory_iterator{run_dir.path()})
      names.push_back(entry.path().filename().string());
    std::ranges::sort(names);
    return names;
  }
  testing::temporary_directory run_dir, elsewhere;
  trace_intake intake;
  trace::recorder recorder;
  trace::ledger books;
  std::optional<transport::hub> hub;
};

} // namespace

TEST_CASE("a promised trace of several segments gets the names of a trace", "[trace][intake]") {
  intake_world world;
  const auto files = world.record("w1", 7, 1000);
  REQUIRE(files.size() > 2);
  world.intake.expect({"w1", 7}, "far away");
  CHECK(world.intake.awaited().empty()); // it has not left
  world.intake.on_node_gone({"w1", 7}, true);
  CHECK(world.intake.awaited() == std::vector<std::string>{"w1"});
  CHECK(world.deliver({"w1", 7}, files).empty());
  CHECK(world.intake.awaited().empty());
  CHECK(world.intake.missing().empty());
  const auto names = world.run_files();
  CHECK(names.size() == files.size());
  CHECK(std::ranges::count(names, "w1.trace") == 1);
  CHECK(std::ranges::count(names, "w1.0001.trace") == 1);

  CHECK(world.deliver({"w1", 7}, files) == "the trace of node w1 is here already");
  CHECK(world.run_files() == names);
}

TEST_CASE("a second start of a node takes no name from the first", "[trace][intake]") {
  intake_world world;
  std::ofstream{world.run_dir / "w1.trace"} << "the first one's";
  const auto files = world.record("w1", 0xabc);
  world.intake.expect({"w1", 0xabc}, "far away");
  CHECK(world.deliver({"w1", 0xabc}, files).empty());
  CHECK(world.run_files() == std::vector<std::string>{"w1-0000000000000abc.trace", "w1.trace"});
}

TEST_CASE("nothing gets into a run directory that was not promised", "[trace][intake]") {
  intake_world world;
  const auto files = world.record("w1", 7);
  std::string why;
  SECTION("by nobody") { why = world.deliver({"w1", 7}, files); }
  SECTION("by another start of that node") {
    world.intake.expect({"w1", 8}, "far away");
    why = world.deliver({"w1", 7}, files);
  }
  SECTION("by a node of another name") {
    world.intake.expect({"w2", 7}, "far away");
    why = world.deliver({"w1", 7}, files);
  }
  CHECK(why == "this run expects no trace of that start of node w1");
  CHECK(world.run_files().empty());
}

TEST_CASE("a promised trace that is something else is refused, and leaves no file", "[trace][intake]") {
  intake_world world{100'000};
  auto files = world.record("w1", 7);
  std::string why;
  SECTION("its name leads out of the directory") {
    const auto* name = GENERATE("../w1", ".w1", "a/b");
    world.intake.expect({name, 7}, "far away");
    why = world.deliver({name, 7}, files);
    CHECK(why == "no trace can be named after that node");
  }
  SECTION("it is of another node") {
    world.intake.expect({"w2", 7}, "far away");
    why = world.deliver({"w2", 7}, files);
    CHECK(why == "what came as segment 0 of the trace of w2 is segment 0 of w1");
  }
  SECTION("it is no trace") {
    std::ofstream{files.front()} << std::string(50'000, 'x');
    world.intake.expect({"w1", 7}, "far away");
    why = world.deliver({"w1", 7}, files);
    CHECK(why.find("is no trace") != std::string::npos);
  }
  SECTION("it is longer than a trace may be in this run") {
    std::ofstream{files.front()} << std::string(100'001, 'x');
    world.intake.expect({"w1", 7}, "far away");
    why = world.deliver({"w1", 7}, files);
    CHECK(why == "the trace has 100001 bytes; in this run one has at most 100000");
  }
  CHECK_FALSE(why.empty());
  CHECK(world.run_files().empty());
  CHECK(world.intake.missing().size() == 1);
}

TEST_CASE("a trace that does not come is waited for so long, and then told", "[trace][intake]") {
  intake_world world{1U << 20, 100ms};
  world.intake.expect({"w1", 7}, "far away");
  world.intake.expect({"w2", 8}, "out there");
  world.intake.on_node_gone({"w1", 7}, true);
  world.intake.on_node_gone({"w2", 8}, false);
  while (!world.intake.awaited().empty())
    world.intake.wait_for_news(5ms);
  const auto missing = world.intake.missing();
  REQUIRE(missing.size() == 2);
  CHECK(missing[0].node == "w1");
  CHECK(missing[0].place == "far away");
  CHECK(missing[0].why.find("it did not come within ") == 0);
  CHECK(missing[1].why == "it did not leave in order");
}

TEST_CASE("an upload that breaks off leaves no file, and may be made again", "[trace][intake]") {
  intake_world world;
  const auto files = world.record("w1", 7, 5000);
  world.intake.expect({"w1", 7}, "far away");
  world.intake.on_node_gone({"w1", 7}, true);
  const auto why = transport::upload(
      {world.hub->endpoint(), {"w1", 7}, files, 20s, [&] { return !world.run_files().empty(); }}, {});
  CHECK(why == "interrupted");
  while (!world.intake.awaited().empty())
    world.intake.wait_for_news(5ms);
  CHECK(world.run_files().empty());
  REQUIRE(world.intake.missing().size() == 1);
  CHECK(world.intake.missing()[0].why.find("it broke off after ") == 0);
  CHECK(world.deliver({"w1", 7}, files).empty());
  CHECK(world.intake.missing().empty());
}
