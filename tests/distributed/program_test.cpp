// The program itself, as a user meets it: its commands, and how a run of several
// processes ends whatever happens to it.
#include "tests/support/catch.hpp"
#include "tests/support/program.hpp"
#include "tests/support/temporary_directory.hpp"
#include "tests/support/text.hpp"

#include "base/cores.hpp"

#include <algorithm>
#include <sys/prctl.h>

#include <nlohmann/json.hpp>

using namespace troupe::testing;
namespace fs = std::filesystem;
using nlohmann::json;

namespace {

const std::string troupe_program = TROUPE_PROGRAM;
const fs::path config = CONFIG_DIR;

// A run that takes minutes unless it is stopped, with two worker processes that are up.
struct long_run {
  explicit long_run(const std::vector<std::string>& more = {}) {
    std::vector<std::string> arguments{
        "run", (config / "worker_pool_many.toml").string(), "--nodes", "2", "--set", "count=20000"};
    arguments.insert(arguments.end(), more.begin(), more.end());
    troupe = std::make_unique<program>(troupe_program, arguments, directory.path());
    REQUIRE(troupe->says("troupe: running"));
    pids = children_of(troupe->pid());
    for (const auto pid : pids)
      nodes.push_back(open_process(pid));
  }
  bool sockets_are_left() const {
    return fs::recursive_directory_iterator(directory / "tmp") != fs::recursive_directory_iterator();
  }
  temporary_directory directory;
  std::unique_ptr<program> troupe;
  std::vector<pid_t> pids;
  std::vector<troupe::descriptor> nodes;
};

json result_of(const fs::path& directory) {
  std::ifstream file(directory / "runs" / "latest" / "result.json");
  return json::parse(file);
}

int run(const std::vector<std::string>& arguments, std::string* output = nullptr,
        std::string* errors = nullptr) {
  const temporary_directory directory;
  program troupe(troupe_program, arguments, directory.path());
  const int code = troupe.wait();
  if (output) *output = troupe.output;
  if (errors) *errors = troupe.errors;
  return code;
}

} // namespace

TEST_CASE("a run over two processes prints exactly the object of result.json with --json", "[program]") {
  const temporary_directory directory;
  program troupe(troupe_program, {"run", (config / "worker_pool.toml").string(), "--nodes", "2", "--json"},
                 directory.path());
  const int code = troupe.wait();
  CAPTURE(troupe.errors);
  REQUIRE(code == 0);
  const auto printed = json::parse(troupe.output);
  CHECK(printed == result_of(directory.path()));
  for (const auto* key :
       {"scenario", "verdict", "checks", "result", "nodes", "messages", "elapsed_s", "run_dir"})
    CHECK(printed.contains(key));
  CHECK(printed["verdict"] == "passed");
  CHECK(printed["nodes"].size() == 3);
  CHECK(printed["result"]["tasks"] == 10);
}

TEST_CASE("SIGINT and SIGTERM drain a run: nothing is left, the result is told, 130", "[program]") {
  for (const int number : {SIGINT, SIGTERM}) {
    CAPTURE(number);
    long_run run;
    REQUIRE(run.nodes.size() == 2);
    run.troupe->signal(number);
    const int code = run.troupe->wait();
    CAPTURE(run.troupe->errors);
    CHECK(code == 130);
    CHECK(contains(run.troupe->errors,
                   number == SIGINT ? "SIGINT: stopping in order" : "SIGTERM: stopping in order"));
    for (const auto& node : run.nodes)
      CHECK(ends(node, 0));
    CHECK_FALSE(run.sockets_are_left());
    CHECK(result_of(run.directory.path())["verdict"] == "interrupted");
  }
}

TEST_CASE("SIGKILL to the launcher leaves neither a process nor a socket", "[program]") {
  ::prctl(PR_SET_CHILD_SUBREAPER, 1); // so that we can wait for orphans
  long_run run;
  REQUIRE(run.nodes.size() == 2);
  CHECK(run.sockets_are_left());
  run.troupe->signal(SIGKILL);
  CHECK(run.troupe->wait() == 128 + SIGKILL);
  for (const auto& node : run.nodes)
    CHECK(ends(node));
  while (::waitpid(-1, nullptr, 0) > 0) {
  }
  CHECK_FALSE(run.sockets_are_left());
  ::prctl(PR_SET_CHILD_SUBREAPER, 0);
}

TEST_CASE("the nodes of a run split the cores where its file says so, the launcher has all", "[program]") {
  const long_run run; // its file says so
  const auto all = troupe::usable_cores();
  REQUIRE(run.pids.size() == 2);
  std::vector<std::vector<int>> theirs{troupe::usable_cores(run.pids[0]), troupe::usable_cores(run.pids[1])};
  std::sort(theirs.begin(), theirs.end()); // children come in any order
  CHECK(theirs == troupe::split_cores(all, 2));
  CHECK(troupe::usable_cores(run.troupe->pid()) == all);
}

TEST_CASE("a node that does not stop is named, and a second signal kills it", "[program]") {
  long_run run;
  REQUIRE(run.pids.size() == 2);
  ::kill(run.pids[0], SIGSTOP);
  run.troupe->signal(SIGINT);
  REQUIRE(run.troupe->says("still alive"));
  run.troupe->signal(SIGINT);
  const int code = run.troupe->wait();
  CAPTURE(run.troupe->errors);
  CHECK(code == 130);
  CHECK(contains(run.troupe->errors, "killing what is left"));
  for (const auto& node : run.nodes)
    CHECK(ends(node, 0));
  CHECK_FALSE(run.sockets_are_left());
}

TEST_CASE("a node that is killed is reported with its signal, and the run goes on", "[program]") {
  const temporary_directory directory;
  program troupe(troupe_program,
                 {"run", (config / "worker_pool_many.toml").string(), "--nodes", "2", "--json"},
                 directory.path());
  // With --json there are no messages; the nodes are there when they have logs or traces.
  std::vector<pid_t> nodes;
  while (nodes.size() < 2)
    nodes = children_of(troupe.pid());
  while (!fs::exists(directory / "runs/latest/w2.trace") || !fs::exists(directory / "runs/latest/w1.trace"))
    REQUIRE_FALSE(ends(open_process(troupe.pid()), 1));
  ::kill(nodes[0], SIGKILL);
  troupe.wait();
  CAPTURE(troupe.errors);
  const auto result = json::parse(troupe.output, nullptr, false);
  std::size_t killed = 0;
  if (result.contains("nodes"))
    for (const auto& node : result["nodes"])
      killed += contains(node["ended"].get<std::string>(), "SIGKILL") ? 1 : 0;
  CHECK((killed == 1 || contains(troupe.errors, "(killed by SIGKILL)"))); // also before all had joined
}

TEST_CASE("a mistake in a word of the command line is answered with the word that was meant", "[program]") {
  std::string errors;
  CHECK(run({"rnu"}, nullptr, &errors) == 2);
  CHECK(contains(errors, "did you mean `run`?"));
  CHECK(run({"run", "x.toml", "--node", "2"}, nullptr, &errors) == 2);
  CHECK(contains(errors, "did you mean `--nodes`?"));
  CHECK(run({"trace", "sumary"}, nullptr, &errors) == 2);
  CHECK(contains(errors, "did you mean `summary`?"));
  CHECK(run({"list", "worker-pol"}, nullptr, &errors) == 2);
  CHECK(contains(errors, "did you mean `worker_pool`?"));
  CHECK(run({}, nullptr, &errors) == 2);
  CHECK(contains(errors, "Usage: troupe"));
}

TEST_CASE("every command has help with an example, on stdout", "[program]") {
  std::string output;
  for (const auto* command : {"run", "check", "list", "schema", "node", "keygen", "trace"}) {
    CHECK(run({command, "--help"}, &output) == 0);
    CHECK(contains(output, std::string("Usage: troupe ") + command));
    CHECK(contains(output, std::string("Example:\n  troupe ") + command));
  }
  run({"run", "--help"}, &output);
  CHECK(contains(output, "  130  interrupted"));
  CHECK(run({"--version"}, &output) == 0);
  CHECK(output.starts_with("troupe "));
}

TEST_CASE("check and list tell what would run, as text and as JSON", "[program]") {
  std::string output, errors;
  const auto file = (config / "worker_pool.toml").string();
  CHECK(run({"check", file, "--nodes", "3"}, &output) == 0);
  CHECK(contains(output, "main and 3 worker processes (w1 to w3)"));
  CHECK(contains(output, "w1, w2, w3"));
  CHECK(run({"check", file, "--set", "topology.cores=split"}, &output) == 0);
  CHECK(contains(output, "main and 2 worker processes (w1 to w2), the cores split among them"));
  CHECK(run({"check", file, "--json"}, &output) == 0);
  CHECK(json::parse(output)["scenario"] == "worker_pool");
  CHECK(run({"check", file, "--set", "wrkers=3", "--json"}, &output, &errors) == 2);
  CHECK(json::parse(output)["mistakes"].size() == 1);
  CHECK(contains(errors, "did you mean `workers`?"));
  CHECK(run({"list", "--json"}, &output) == 0);
  CHECK(json::parse(output).size() >= 1);
  CHECK(run({"list", "worker_pool"}, &output) == 0);
  CHECK(contains(output, "workers"));
  CHECK(run({"schema"}, &output) == 0);
  CHECK(json::parse(output).contains("$schema"));
}

TEST_CASE("every trace command answers for the latest run, and for one that is named", "[program]") {
  const temporary_directory directory;
  const auto call = [&](const std::vector<std::string>& arguments, std::string& output) {
    program troupe(troupe_program, arguments, directory.path());
    const int code = troupe.wait();
    output = troupe.output;
    return code;
  };
  std::string output;
  REQUIRE(call({"run", (config / "worker_pool.toml").string(), "--nodes", "2", "--json"}, output) == 0);
  const auto name = fs::path(json::parse(output)["run_dir"].get<std::string>()).filename().string();
  for (const auto* command : {"summary", "show", "path", "stats", "graph", "check"}) {
    CAPTURE(command);
    CHECK(call({"trace", command}, output) == 0);
    CHECK_FALSE(output.empty());
    CHECK(call({"trace", command, name, "--json"}, output) == 0);
    CHECK_FALSE(output.empty());
  }
  CHECK(call({"trace", "follow", "main:1"}, output) == 0);
  CHECK(call({"trace", "follow", name, "main:1"}, output) == 0);
  CHECK(call({"trace", "follow", "main:1", name}, output) == 0);
  CHECK(call({"trace", "diff", name, name}, output) == 0);
  CHECK(call({"trace", "query", "select 40 + 2 as answer", "--json"}, output) == 0);
  CHECK(contains(output, "42"));
  CHECK(call({"trace", "query", name, "select 40 + 2 as answer"}, output) == 0);
  CHECK(contains(output, "42"));
  CHECK(call({"trace", "export", "--format", "shiviz", "-o", "trace.log"}, output) == 0);
  CHECK(fs::exists(directory / "trace.log"));
  CHECK(call({"trace", "diff", name}, output) == 2);
  CHECK(call({"trace", "summary", "no_such_run"}, output) == 2);
}

TEST_CASE("follow leads from a result back to the spawning of a worker, and on to who waited for it",
          "[program]") {
  const temporary_directory directory;
  const auto lines_of = [&](const std::vector<std::string>& arguments) {
    program troupe(troupe_program, arguments, directory.path());
    CHECK(troupe.wait() == 0);
    return troupe.output;
  };
  lines_of({"run", (config / "worker_pool.toml").string(), "--nodes", "2", "--quiet"});
  const auto first = json::parse(
      lines_of({"trace", "show", "--json", "--where", "kind=sent and type=task_done", "--limit", "1"}));
  const auto tree =
      json::parse(lines_of({"trace", "follow", first.at("message").get<std::string>(), "--json"}));
  CAPTURE(tree.dump());
  std::vector<std::string> before, after;
  bool asked = false;
  for (auto& hop : tree.at("hops")) {
    if (hop.at("asked").get<bool>()) {
      asked = true;
      CHECK(hop.at("type") == "task_done");
    } else {
      (asked ? after : before).push_back(hop.at("type").get<std::string>());
    }
  }
  REQUIRE(asked);
  REQUIRE(before.size() >= 4);
  CHECK(std::vector<std::string>(before.begin(), before.begin() + 4)
        == std::vector<std::string>{"troupe.spawn_role", "worker_ready", "assign_task", "next_slice"});
  CHECK(std::ranges::count(after, "pool_joined") > 0); // the join names every result that it waited for
  CHECK(std::ranges::count(after, "customer_served") == 1);
}

TEST_CASE("where no run directory can be made nothing is started, and the reason is told", "[program]") {
  std::string errors;
  CHECK(run({"run", (config / "worker_pool.toml").string(), "--out", "/dev/null"}, nullptr, &errors) == 2);
  CHECK(contains(errors, "/dev/null exists and is not a directory"));
}

TEST_CASE("the trace of a run whose nodes did not join says so", "[program]") {
  const temporary_directory directory;
  const auto file = directory / "alone.toml";
  std::ofstream{file} << "scenario = \"worker_pool\"\n[parameters]\ninputs = [1]\n[topology]\n"
                         "external = [\"far\"]\njoin_timeout = \"50ms\"\n";
  program troupe(troupe_program, {"run", file.string()}, directory.path());
  CHECK(troupe.wait() == 2);
  CHECK(contains(troupe.errors, "these nodes did not join within 50ms: far"));
  program summary(troupe_program, {"trace", "summary"}, directory.path());
  CHECK(summary.wait() == 0);
  CHECK(contains(summary.output, "told to: not started, these nodes did not join within 50ms: far"));
}

TEST_CASE("a run directory whose name is not UTF-8 keeps its result", "[program]") {
  const temporary_directory directory;
  const auto odd = directory / "\xff";
  program troupe(
      troupe_program,
      {"run", (config / "worker_pool.toml").string(), "--nodes", "0", "--json", "--out", odd.string()},
      directory.path());
  CHECK(troupe.wait() == 0);
  std::ifstream file(odd / "latest" / "result.json");
  const auto result = json::parse(file);
  CHECK(result == json::parse(troupe.output));
  CHECK(result.at("verdict") == "passed");
}

TEST_CASE("--quiet says nothing about a run that passed", "[program]") {
  std::string output, errors;
  CHECK(run({"run", (config / "worker_pool.toml").string(), "--nodes", "2", "--quiet"}, &output, &errors)
        == 0);
  CHECK(output.empty());
  CHECK(without_standstills(errors).empty());
}
