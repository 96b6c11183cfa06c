// A node that is not C++: the Python worker of examples/python in runs of the worker pool.
#include "tests/support/catch.hpp"
#include "tests/support/program.hpp"
#include "tests/support/temporary_directory.hpp"

#include <nlohmann/json.hpp>

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

/// A run of one C++ node and of py1, which has joined when this has been made.
struct mixed_run {
  /// `source`: another program than examples/python/troupe_worker.py.
  explicit mixed_run(const std::string& work, const std::string& source = {}) {
    std::ofstream{directory / "pool.toml"} << "scenario = \"worker_pool\"\ndeadline = \"10m\"\n[parameters]\n"
                                           << work
                                           << "\n[topology]\nnodes = 1\nexternal = [\"py1\"]\n"
                                              "join_timeout = \"60s\"\n";
    troupe = std::make_unique<program>(
        TROUPE_PROGRAM, std::vector<std::string>{"run", "pool.toml", "--out", "runs"}, directory.path());
    REQUIRE(troupe->says("--name py1"));
    const auto begin = troupe->errors.find("--join ") + 7;
    endpoint = troupe->errors.substr(begin, troupe->errors.find(' ', begin) - begin);
    auto file = worker;
    if (!source.empty()) std::ofstream{file = (directory / "worker.py").string()} << source;
    foreigner =
        std::make_unique<program>(python, std::vector<std::string>{file, endpoint, "py1"}, directory.path());
    REQUIRE(troupe->says("running"));
  }
  json result() const {
    std::ifstream file(directory / "runs" / "latest" / "result.json");
    return json::parse(file);
  }
  std::string ask(const std::vector<std::string>& question) const {
    program asked(TROUPE_PROGRAM, question, directory.path());
    CHECK(asked.wait() == 0);
    return asked.output;
  }
  temporary_directory directory;
  std::string endpoint;
  std::unique_ptr<program> troupe, foreigner;
};

std::string ending_of(const json& result, const std::string& node) {
  for (const auto& each : result["nodes"])
    if (each["name"] == node) return each["ended"];
  return "not there";
}

json check_of(const json& result, const std::string& name) {
  for (const auto& each : result["checks"])
    if (each["name"] == name) return each;
  return {};
}

std::size_t lines_with(const std::string& text, const std::string& part) {
  std::size_t count = 0;
  for (auto at = text.find(part); at != std::string::npos; at = text.find(part, at + 1))
    ++count;
  return count;
}

} // namespace

TEST_CASE("a Python worker joins a pool, does its share, and is in the trace and in the books", "[python]") {
  if (!python_is_there()) return;
  mixed_run run{"task = \"is_prime\"\nfirst = 1000003\ncount = 60\nworkers = 4"};
  const int code = run.troupe->wait();
  CAPTURE(run.troupe->output, run.troupe->errors);
  REQUIRE(code == 0);
  CHECK(run.foreigner->wait() == 0);
  CAPTURE(run.foreigner->output, run.foreigner->errors);
  CHECK(run.foreigner->output.find("py1: told to leave") != std::string::npos);
  CHECK(run.foreigner->errors.empty());

  const auto result = run.result();
  CHECK(result["verdict"] == "passed");
  CHECK(result["result"]["tasks"] == 60);
  CHECK(result["result"]["redelivered"] == 0);
  CHECK(result["result"]["workers_exited"] == 4);
  CHECK(result["messages"]["lost"] == 0);
  CHECK(check_of(result, "the books balance")["passed"] == true);
  CHECK(ending_of(result, "py1") == "left");
  for (const auto& row : result["result"]["results"]) { // whoever computed it
    const auto n = row["input"].get<std::int64_t>();
    bool prime = n > 1;
    for (std::int64_t d = 2; d * d <= n && prime; ++d)
      prime = n % d != 0;
    CHECK(row["output"] == prime);
  }
  std::size_t done = 0;
  for (const auto& each : result["result"]["per_worker"])
    if (each["node"] == "py1") done += each["tasks"].get<std::size_t>();
  CHECK(done > 0);
  CHECK(lines_with(run.foreigner->output, ": is_prime of ") == done);

  // Each of its messages is on record where it arrived, by its own number.
  const auto shown = run.ask({"trace", "show", "--type", "task_done", "--limit", "0"});
  std::size_t arrived = 0;
  for (std::size_t at = 0, end = 0; (end = shown.find('\n', at)) != std::string::npos; at = end + 1) {
    const auto line = shown.substr(at, end - at);
    arrived +=
        line.find("task_done py1:") != std::string::npos && line.find(" arrived for ") != std::string::npos;
  }
  CHECK(arrived == done);
  // Nobody looks for a trace of it, since it told that it keeps none.
  const auto summary = run.ask({"trace", "summary"});
  CAPTURE(summary);
  CHECK(summary.find("the trace is complete") == 0);
  CHECK(summary.find("py1 keeps no trace; of what it did, ") != std::string::npos);
}

TEST_CASE("a Python worker that is killed loses no task", "[python]") {
  if (!python_is_there()) return;
  // Minutes of work for Python; when it is gone, C++ does that task in under a second.
  mixed_run run{"task = \"is_prime\"\ninputs = [9637529763296797, 101, 102, 9637529763296797, 103, 104]\n"
                "workers = 2\nprefetch = 3\ndispatch = \"round_robin\""};
  while (run.foreigner->output.find("is_prime of 9637529763296797") == std::string::npos)
    REQUIRE(run.foreigner->hears());
  run.foreigner->signal(SIGKILL);
  const int code = run.troupe->wait();
  CAPTURE(run.troupe->output, run.troupe->errors);
  CHECK(code == 0);
  const auto result = run.result();
  CHECK(result["verdict"] == "passed");
  CHECK(result["result"]["redelivered"].get<int>() >= 1);
  CHECK(check_of(result, "every task has one result")["passed"] == true);
  CHECK(ending_of(result, "py1").starts_with("lost: "));
  const auto books = check_of(result, "the books balance");
  CHECK(books["passed"] == true);
  CHECK(books["detail"].get<std::string>().find("py1 crashed and left no books") != std::string::npos);
}

TEST_CASE("a Python worker leaves in order when it is interrupted, and its tasks go to others", "[python]") {
  if (!python_is_there()) return;
  mixed_run run{"task = \"is_prime\"\ninputs = [9637529763296797, 101, 102, 9637529763296797, 103, 104]\n"
                "workers = 2\nprefetch = 3\ndispatch = \"round_robin\""};
  while (run.foreigner->output.find("is_prime of 9637529763296797") == std::string::npos)
    REQUIRE(run.foreigner->hears());
  run.foreigner->signal(SIGTERM);
  CHECK(run.foreigner->wait() == 130);
  const int code = run.troupe->wait();
  CAPTURE(run.troupe->output, run.troupe->errors);
  CHECK(code == 0);
  const auto result = run.result();
  CHECK(result["verdict"] == "passed");
  CHECK(result["result"]["redelivered"].get<int>() >= 1);
  CHECK(ending_of(result, "py1") == "left");
  CHECK(result["messages"]["lost"] == 0);
  CHECK(check_of(result, "the books balance")["passed"] == true);
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
  mixed_run run{"task = \"is_prime\"\nfirst = 1000003\ncount = 60\nworkers = 4", text};
  const int code = run.troupe->wait();
  CAPTURE(run.troupe->output, run.troupe->errors);
  CHECK(code == 0);
  const auto result = run.result();
  std::size_t said_twice = 0;
  for (const auto& each : result["result"]["per_worker"])
    if (each["node"] == "py1") said_twice += each["tasks"].get<std::size_t>();
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
  mixed_run run{"task = \"is_prime\"\nfirst = 1000003\ncount = 60\nworkers = 2",
                text.erase(at, report.size())};
  CHECK(run.troupe->wait() == 1);
  const auto books = check_of(run.result(), "the books balance");
  CHECK(books["passed"] == false);
  CHECK(books["detail"].get<std::string>().find("there are no books of py1") != std::string::npos);
}
