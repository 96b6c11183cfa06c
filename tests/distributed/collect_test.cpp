// Nodes that do not write into the run directory, as those on another host: what becomes of
// their traces at the end of a run, and after a crash.
#include "tests/support/catch.hpp"
#include "tests/support/program.hpp"
#include "tests/support/temporary_directory.hpp"
#include "tests/support/text.hpp"

#include <nlohmann/json.hpp>

using namespace troupe::testing;
namespace fs = std::filesystem;
using nlohmann::json;

namespace {

const std::string troupe_program = TROUPE_PROGRAM;

/// A run of sleeping tasks whose node far was started by hand, in a directory of its own. It
/// is running when this has been made.
struct split_run {
  explicit split_run(const std::string& work, const std::string& more = {}) {
    std::ofstream{launcher_side / "pool.toml"}
        << "scenario = \"worker_pool\"\ndeadline = \"10m\"\n[parameters]\n"
           "workers = 2\nprefetch = 1\n"
        << work
        << "\n[topology]\nnodes = 1\nexternal = [\"far\"]\njoin_timeout = \"60s\"\nendpoint = \"tcp\"\n"
        << more;
    launcher = std::make_unique<program>(
        troupe_program, std::vector<std::string>{"run", "pool.toml", "--out", "runs"}, launcher_side.path());
    REQUIRE(launcher->says("--name far"));
    const auto begin = launcher->errors.find("--join ") + 7;
    const auto endpoint = launcher->errors.substr(begin, launcher->errors.find(' ', begin) - begin);
    node = std::make_unique<program>(
        troupe_program,
        std::vector<std::string>{"node", "--join", endpoint, "--name", "far", "--trace-dir", "kept"},
        node_side.path());
    REQUIRE(launcher->says("running"));
  }
  fs::path run_dir() const { return fs::canonical(launcher_side / "runs" / "latest"); }
  fs::path trace_here() const { return run_dir() / "far.trace"; }
  fs::path trace_there() const { return node_side / "kept/far.trace"; }

  /// `troupe trace` in the launcher's directory.
  int trace(std::vector<std::string> words, std::string* output = nullptr,
            std::string* errors = nullptr) const {
    words.insert(words.begin(), "trace");
    program asked(troupe_program, words, launcher_side.path());
    const int code = asked.wait();
    if (output != nullptr) *output = asked.output;
    if (errors != nullptr) *errors = asked.errors;
    return code;
  }
  json summary() const {
    std::string text;
    REQUIRE(trace({"summary", "--json"}, &text) == 0);
    return json::parse(text);
  }
  bool leaves_no_halves() const {
    for (const auto& entry : fs::directory_iterator(run_dir()))
      if (entry.path().extension() == ".part") return false;
    return true;
  }
  temporary_directory launcher_side, node_side;
  std::unique_ptr<program> launcher, node;
};

const std::string short_work = "task = \"sleep\"\nunit = \"10ms\"\ninputs = [1,1,1,1,1,1,1,1]";
const std::string endless_work =
    "task = \"sleep\"\nunit = \"10ms\"\ninputs = [9000,9000,9000,9000]"; // 90 s each

} // namespace

TEST_CASE("the trace of a node with a disk of its own is in the run directory when the run has ended",
          "[collect]") {
  split_run run{short_work};
  const int code = run.launcher->wait();
  CAPTURE(run.launcher->output, run.launcher->errors);
  CHECK(code == 0);
  CHECK(run.node->wait() == 0);
  CAPTURE(run.node->errors);
  CHECK(contains(run.node->errors, "keeps its trace in " + (run.node_side / "kept").string()));
  CHECK(contains(run.node->errors, "its trace is in the run directory"));
  CHECK_FALSE(contains(run.launcher->errors, "is not in the run directory"));
  REQUIRE(fs::exists(run.trace_here()));
  CHECK((content_of(run.trace_here()) == content_of(run.trace_there())));
  CHECK(run.leaves_no_halves());

  const auto summary = run.summary();
  CHECK(summary["complete"] == true);
  for (const auto& node : summary["nodes"])
    CHECK(node["recorded"] == true);
  std::string said, errors;
  CHECK(run.trace({"check"}, &said, &errors) == 0);
  CAPTURE(said, errors);
  CHECK(run.trace({"collect"}, &said) == 0);
  CHECK(contains(said, "the trace is complete"));
  // A copy that has become superfluous harms nobody.
  CHECK(run.trace({"collect", "--from", run.trace_there().string()}, &said) == 0);
  CHECK(contains(said, "far: is in the run directory already"));
}

TEST_CASE("over tcp with keys a trace arrives as well", "[collect]") {
  const temporary_directory directory;
  std::string allowed;
  for (const auto* name : {"main.key", "far.key"}) {
    program keygen(troupe_program, {"keygen", "-o", name}, directory.path());
    REQUIRE(keygen.wait() == 0);
    allowed = keygen.output.substr(0, keygen.output.find('\n'));
  }
  std::ofstream{directory / "pool.toml"}
      << "scenario = \"worker_pool\"\ndeadline = \"10m\"\n[parameters]\nworkers = 2\n"
      << short_work
      << "\n[topology]\nnodes = 1\nexternal = [\"far\"]\njoin_timeout = \"60s\"\nendpoint = \"tcp\"\n"
         "[topology.security]\nsecret_key = \"main.key\"\nallowed_clients = [\""
      << allowed << "\"]\n";
  program launcher(troupe_program, {"run", "pool.toml", "--out", "runs"}, directory.path());
  REQUIRE(launcher.says("--key FILE"));
  const auto begin = launcher.errors.find("--join '") + 8;
  const auto endpoint = launcher.errors.substr(begin, launcher.errors.find('\'', begin) - begin);
  program node(troupe_program,
               {"node", "--join", endpoint, "--name", "far", "--key", "far.key", "--trace-dir", "kept"},
               directory.path());
  CHECK(launcher.wait() == 0);
  CHECK(node.wait() == 0);
  CAPTURE(launcher.errors, node.errors);
  CHECK((content_of(directory / "runs/latest/far.trace") == content_of(directory / "kept/far.trace")));
  CHECK_FALSE(content_of(directory / "kept/far.trace").empty());
}

TEST_CASE("a trace that is many times the window arrives whole", "[collect]") {
  split_run run{"first = 1\ncount = 30000\ntask = \"is_prime\"", "[trace]\nlevel = \"payloads\"\n"};
  CHECK(run.launcher->wait() == 0);
  CHECK(run.node->wait() == 0);
  CHECK(fs::file_size(run.trace_there()) > 3U << 20);
  CHECK((content_of(run.trace_here()) == content_of(run.trace_there())));
  CHECK(run.summary()["complete"] == true);
}

TEST_CASE("the trace of a node that was killed is missing, told, and can be brought in", "[collect]") {
  split_run run{endless_work};
  // Its worker has reported, so that everybody can know that there was a trace.
  std::string seen;
  while (!contains(seen, "far:"))
    run.trace({"show", "--node", "main", "--type", "worker_ready"}, &seen);
  run.node->signal(SIGKILL);
  run.node->wait();
  run.launcher->signal(SIGINT); // the other node would sleep on
  REQUIRE(run.launcher->says("stopping in order"));
  run.launcher->signal(SIGINT);
  run.launcher->wait();
  CAPTURE(run.launcher->errors);
  CHECK(contains(run.launcher->errors,
                 "the trace of node far is not in the run directory: it did not leave in order"));
  CHECK(contains(run.launcher->errors, (run.node_side / "kept").string()));
  CHECK(contains(run.launcher->errors, "troupe trace collect"));
  CHECK_FALSE(fs::exists(run.trace_here()));

  const auto without = run.summary();
  CHECK(without["complete"] == false);
  bool told = false;
  for (const auto& remark : without["remarks"])
    told = told
           || (remark["missing"] == true && contains(remark["text"].get<std::string>(), "the trace of far"));
  CHECK(told);
  CHECK(without["ledger"]["balanced"] == true); // what far did with its messages is not recorded
  std::string said, errors;
  CHECK(run.trace({"summary"}, &said) == 0);
  CHECK(contains(said, "the trace is not complete"));
  CHECK(run.trace({"collect"}, &said) == 1);
  CHECK(contains(said, "there is no trace of far"));
  CHECK(run.trace({"collect", "--from", (run.node_side / "kept").string()}, &said, &errors) == 0);
  CAPTURE(said, errors);
  CHECK(contains(said, "far: 1 file, "));
  CHECK(fs::exists(run.trace_here()));
  CHECK(run.leaves_no_halves());
  const auto summary = run.summary();
  for (const auto& node : summary["nodes"]) {
    CHECK(node["recorded"] == true);
    if (node["name"] == "far") CHECK(node["closed"] == false);
  }
  CHECK(run.trace({"collect", "--json"}, &said) == 0);
  CHECK(json::parse(said)["missing"].empty());
}

TEST_CASE("a node whose launcher is killed keeps its trace and says where it is", "[collect]") {
  split_run run{endless_work};
  run.launcher->signal(SIGKILL);
  run.launcher->wait();
  CHECK(run.node->wait() == 4);
  CAPTURE(run.node->errors);
  CHECK(contains(run.node->errors, "its trace did not reach the run directory (the launcher is gone)"));
  CHECK(contains(run.node->errors, "troupe trace collect " + run.run_dir().string()));
  CHECK_FALSE(fs::exists(run.trace_here()));
  CHECK(run.trace({"collect", "--from", run.trace_there().string()}) == 0);
  CHECK((content_of(run.trace_here()) == content_of(run.trace_there())));
}

TEST_CASE("the trace of another run is refused, by name", "[collect]") {
  split_run one{short_work}, other{short_work};
  for (auto* run : {&one, &other}) {
    CHECK(run->launcher->wait() == 0);
    CHECK(run->node->wait() == 0);
  }
  fs::remove(one.trace_here());
  std::string said, errors;
  CHECK(one.trace({"collect", "--from", other.trace_there().string()}, &said, &errors) == 2);
  CHECK(contains(errors, "far.trace is of another run: no trace in "));
  CHECK_FALSE(fs::exists(one.trace_here()));
  CHECK(one.trace({"collect", "--from", (other.node_side / "kept").string()}, &said, &errors) == 2);
  CHECK(contains(errors, "of other runs"));
  CHECK(one.trace({"collect", "--from", (one.node_side / "nowhere").string()}, &said, &errors) == 2);
  CHECK(contains(errors, "does not exist"));
  CHECK(one.trace({"collect", "--from", (one.launcher_side / "pool.toml").string()}, &said, &errors) == 2);
  CHECK(contains(errors, "is no trace"));
  CHECK(one.summary()["complete"] == false);
  CHECK(one.trace({"collect", "--from", (one.node_side / "kept").string()}, &said) == 0);
  CHECK(one.summary()["complete"] == true);
}
