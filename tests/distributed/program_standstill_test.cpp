// Runs whose processes stand still: all together, or one of them alone.
#include "tests/support/catch.hpp"
#include "tests/support/program.hpp"
#include "tests/support/temporary_directory.hpp"
#include "tests/support/text.hpp"

#include <fstream>
#include <optional>
#include <thread>

#include <nlohmann/json.hpp>

using namespace troupe::testing;
using namespace std::chrono_literals;
namespace fs = std::filesystem;
using nlohmann::json;

namespace {

/// More than the liveness interval (5 s), by as much as a stopped process may be late.
constexpr auto long_standstill = 7s;

/// Waits until the kernel has stopped it: in /proc/PID/stat the state is T.
void stop(pid_t pid) {
  ::kill(pid, SIGSTOP);
  for (std::string stat; stat.find(") T ") == std::string::npos; std::this_thread::yield()) {
    std::ifstream file(fs::path("/proc") / std::to_string(pid) / "stat");
    if (!std::getline(file, stat)) return;
  }
}

/// A pool over two processes, whose tasks sleep so that it takes some seconds of its own time.
struct sleeping_pool {
  explicit sleeping_pool(const std::string& endpoint) {
    const auto file = directory / "pool.toml";
    std::ofstream(file) << "scenario = \"worker_pool\"\ndeadline = \"10m\"\n[parameters]\ntask = \"sleep\"\n"
                           "unit = \"500ms\"\ninputs = [1,1,1,1,1,1,1,1,1,1]\nworkers = 2\n"
                           "[topology]\nnodes = 2\nendpoint = \""
                        << endpoint << "\"\n";
    troupe.emplace(TROUPE_PROGRAM, std::vector<std::string>{"run", file.string()}, directory.path());
    REQUIRE(troupe->says("troupe: running"));
    nodes = children_of(troupe->pid());
    REQUIRE(nodes.size() == 2);
  }
  temporary_directory directory;
  std::optional<program> troupe;
  std::vector<pid_t> nodes;
};

} // namespace

TEST_CASE("a run whose processes all stand still for longer than the interval goes on",
          "[program][standstill]") {
  for (const auto* endpoint : {"ipc", "tcp"}) {
    CAPTURE(endpoint);
    sleeping_pool run(endpoint);
    auto all = run.nodes;
    all.push_back(run.troupe->pid());
    for (const auto pid : all)
      stop(pid);
    std::this_thread::sleep_for(long_standstill); // is what is tested
    for (const auto pid : all)
      ::kill(pid, SIGCONT);
    const int code = run.troupe->wait();
    CAPTURE(run.troupe->errors, run.troupe->output);
    CHECK(code == 0);
    CHECK(contains(run.troupe->errors, "this process did not run for "));
    program summary(TROUPE_PROGRAM, {"trace", "summary"}, run.directory.path());
    CHECK(summary.wait() == 0);
    for (const auto* node : {"main", "w1", "w2"})
      CHECK(contains(summary.output, std::string("paused     ") + node + " did not run for "));
  }
}

TEST_CASE("a launcher that stood still alone says that it, not its nodes, was away",
          "[program][standstill]") {
  sleeping_pool run("ipc");
  stop(run.troupe->pid());
  // Its nodes lose it, and end.
  for (const auto pid : run.nodes)
    while (fs::exists(fs::path("/proc") / std::to_string(pid) / "exe"))
      std::this_thread::sleep_for(20ms);
  ::kill(run.troupe->pid(), SIGCONT);
  const int code = run.troupe->wait();
  CAPTURE(run.troupe->errors, run.troupe->output);
  CHECK(code == 4);
  std::ifstream file(run.directory / "runs" / "latest" / "result.json");
  const auto result = json::parse(file);
  CHECK(result["verdict"] == "node_lost");
  CHECK(contains(result["reason"].get<std::string>(), "; the launcher itself did not run for "));
  CHECK(contains(run.troupe->errors, "node w1: the launcher is lost: nothing heard of it for 5 s"));
}
