// A node that is not C++: the Python worker of examples/python in runs of the worker pool.
#include "tests/distributed/mixed_run.hpp"
#include "tests/support/catch.hpp"

#include <set>

using namespace troupe::testing;
namespace fs = std::filesystem;
using nlohmann::json;

namespace {

const std::string python = "/usr/bin/python3"; // Debian's, which has Debian's modules
const std::string worker = PYTHON_WORKER;

bool python_is_there() {
  const temporary_directory directory;
  program look(python, {"-c", "import zmq, msgpack"}, directory.path());
  if (look.wait() == 0) return true;
  WARN("skipped: " + python + " with zmq and msgpack (python3-zmq, python3-msgpack) is not there");
  return false;
}

/// A run with py1. `source`: another program than examples/python/troupe_worker.py.
mixed_run run_with_python(const std::string& work, const std::string& source = {}) {
  mixed_run run{"py1", work};
  auto file = worker;
  if (!source.empty()) std::ofstream{file = (run.path() / "worker.py").string()} << source;
  run.begin(python, {file});
  return run;
}

} // namespace

TEST_CASE("a Python worker joins a pool, does its share, and is in the trace and in the books", "[python]") {
  if (!python_is_there()) return;
  auto run = run_with_python("task = \"is_prime\"\nfirst = 1000003\ncount = 60\nworkers = 4");
  const auto result = passes_with_both(run);
  CHECK(result["result"]["tasks"] == 60);
  CHECK(result["result"]["workers_exited"] == 4);
  for (const auto& row : result["result"]["results"]) { // whoever computed it
    const auto n = row["input"].get<std::int64_t>();
    bool prime = n > 1;
    for (std::int64_t d = 2; d * d <= n && prime; ++d)
      prime = n % d != 0;
    CHECK(row["output"] == prime);
  }
  // Each of its messages is on record where it arrived, by its own number.
  const auto shown = run.ask({"trace", "show", "--type", "task_done", "--limit", "0"});
  std::size_t arrived = 0;
  for (std::size_t at = 0, end = 0; (end = shown.find('\n', at)) != std::string::npos; at = end + 1) {
    const auto line = shown.substr(at, end - at);
    arrived +=
        line.find("task_done py1:") != std::string::npos && line.find(" arrived for ") != std::string::npos;
  }
  CHECK(arrived == tasks_of(result, "py1"));
}

// Minutes of work for Python; when it is gone, C++ does that task in under a second.
const std::string long_tasks =
    "task = \"is_prime\"\ninputs = [9637529763296797, 101, 102, 9637529763296797, 103, 104]\n"
    "workers = 2\nprefetch = 3\ndispatch = \"round_robin\"";

TEST_CASE("a Python worker that is killed loses no task", "[python]") {
  if (!python_is_there()) return;
  auto run = run_with_python(long_tasks);
  const auto result = passes_without(run, "9637529763296797", SIGKILL);
  CHECK(contains(check_of(result, "the books balance")["detail"].get<std::string>(),
                 "py1 crashed and left no books"));
}

TEST_CASE("a Python worker leaves in order when it is interrupted, and its tasks go to others", "[python]") {
  if (!python_is_there()) return;
  auto run = run_with_python(long_tasks);
  passes_without(run, "9637529763296797", SIGTERM);
}

TEST_CASE("a result that a worker says twice counts once", "[python]") {
  if (!python_is_there()) return;
  // A worker that, unsure of whether it was heard, says each of its results again.
  std::ifstream source(worker);
  std::string text((std::istreambuf_iterator<char>(source)), {});
  const std::string say = "self.node.message(self.coordinator, self.number, \"task_done\", ";
  const auto at = text.find(say);
  REQUIRE(at != std::string::npos);
  text.insert(at, "for _ in range(2): ");
  auto run = run_with_python("task = \"is_prime\"\nfirst = 1000003\ncount = 60\nworkers = 4", text);
  const int code = run.troupe->wait();
  CAPTURE(run.troupe->output, run.troupe->errors);
  CHECK(code == 0);
  const auto result = run.result();
  const auto said_twice = tasks_of(result, "py1");
  CHECK(said_twice > 0);
  CHECK(result["result"]["duplicates_dropped"] == said_twice);
  std::set<std::size_t> ranks;
  for (const auto& row : result["result"]["results"])
    ranks.insert(row["rank"].get<std::size_t>());
  CHECK(ranks.size() == 60);
  CHECK(check_of(result, "every task has one result")["passed"] == true);
  CHECK(check_of(result, "the books balance")["passed"] == true);
}

TEST_CASE("a node that leaves without books fails the balance, by name", "[python]") {
  if (!python_is_there()) return;
  // The worker, but for its last report.
  std::ifstream source(worker);
  std::string text((std::istreambuf_iterator<char>(source)), {});
  const std::string report = "self.report(0), ";
  const auto at = text.find(report);
  REQUIRE(at != std::string::npos);
  auto run = run_with_python("task = \"is_prime\"\nfirst = 1000003\ncount = 60\nworkers = 2",
                             text.erase(at, report.size()));
  CHECK(run.troupe->wait() == 1);
  const auto books = check_of(run.result(), "the books balance");
  CHECK(books["passed"] == false);
  CHECK(books["detail"].get<std::string>().find("there are no books of py1") != std::string::npos);
}
