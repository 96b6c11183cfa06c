// A second language: the JavaScript worker of examples/node in runs of the worker pool.
#include "tests/distributed/mixed_run.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/text.hpp"

using namespace troupe::testing;
namespace fs = std::filesystem;

namespace {

const fs::path folder = JAVASCRIPT_FOLDER;

bool javascript_is_there() {
  const temporary_directory directory;
  const auto modules = (folder / "node_modules").string();
  program look(
      "/usr/bin/env",
      {"node", "-e", "require('" + modules + "/zeromq'); require('" + modules + "/@msgpack/msgpack')"},
      directory.path());
  if (look.wait() == 0) return true;
  WARN("skipped: node is not there, or lacks the packages of examples/node (npm install)");
  return false;
}

void begin(mixed_run& run, const std::vector<std::string>& last_arguments = {}) {
  run.begin("/usr/bin/env", {"node", (folder / "troupe_worker.mjs").string()}, last_arguments);
}

void does_its_share(mixed_run& run) {
  passes_with_both(run);
  run.ask({"trace", "check"});
}

const std::string sixty_tasks = "task = \"is_prime\"\nfirst = 1000003\ncount = 60\nworkers = 4";
// Seconds of work for JavaScript; when it is gone, C++ does that task in under one.
const std::string long_tasks =
    "task = \"is_prime\"\ninputs = [9637529763296797, 101, 102, 9637529763296797]\n"
    "workers = 2\nprefetch = 2\ndispatch = \"round_robin\"";

} // namespace

TEST_CASE("a JavaScript worker joins a pool, does its share, and is in the trace and in the books",
          "[javascript]") {
  if (!javascript_is_there()) return;
  mixed_run run{"js1", sixty_tasks};
  begin(run);
  does_its_share(run);
}

TEST_CASE("a JavaScript worker joins over tcp with a key", "[javascript]") {
  if (!javascript_is_there()) return;
  mixed_run run{"js1", sixty_tasks};
  for (const std::string key : {"main.key", "js.key"}) {
    program make(TROUPE_PROGRAM, {"keygen", "-o", key}, run.path());
    REQUIRE(make.wait() == 0);
  }
  auto listed = content_of(run.path() / "js.key.pub");
  listed = listed.substr(listed.find('"') + 1, 40);
  std::ofstream{run.path() / "pool.toml", std::ios::app}
      << "endpoint = \"tcp\"\n[topology.security]\nsecret_key = \"main.key\"\nallowed_clients = ['" << listed
      << "']\n";
  begin(run, {"js.key"});
  CHECK(contains(run.endpoint, "tcp://"));
  does_its_share(run);
}

TEST_CASE("the connection of a JavaScript worker is cut, again and again, and its session goes on",
          "[javascript]") {
  if (!javascript_is_there()) return;
  mixed_run run{"js1", "task = \"is_prime\"\nfirst = 1000003\ncount = 3000\nworkers = 4"};
  std::string faults;
  for (const std::string at : {"10ms", "60ms", "150ms", "300ms"})
    faults += "[[faults]]\naction = \"cut\"\nnode = \"js1\"\nat = \"" + at + "\"\n";
  std::ofstream{run.path() / "pool.toml", std::ios::app} << faults;
  begin(run);
  does_its_share(run);
}

TEST_CASE("a JavaScript worker that is killed loses no task, and one that is interrupted leaves in order",
          "[javascript]") {
  if (!javascript_is_there()) return;
  const int signal = GENERATE(SIGKILL, SIGTERM);
  CAPTURE(signal);
  mixed_run run{"js1", long_tasks};
  begin(run);
  passes_without(run, "9637529763296797", signal);
}

TEST_CASE("a JavaScript session ends also when its last words have nowhere to go", "[javascript]") {
  if (!javascript_is_there()) return;
  const temporary_directory directory;
  program node("/usr/bin/env", {"node", SESSION_TEST, folder.string()}, directory.path());
  CHECK(node.wait() == 0);
  CHECK(node.output == "left\n");
  CHECK(node.errors.empty());
}

TEST_CASE("a JavaScript worker says what is wrong with its arguments", "[javascript]") {
  if (!javascript_is_there()) return;
  const temporary_directory directory;
  const auto [arguments, sentence] = GENERATE(table<std::vector<std::string>, std::string>({
      {{}, "usage: troupe_worker.mjs ENDPOINT NAME [KEY-FILE]\n"},
      {{"ipc:///tmp/x"}, "usage: troupe_worker.mjs ENDPOINT NAME [KEY-FILE]\n"},
      {{"tcp://127.0.0.1:1", "js1", "js.key"},
       "troupe_worker.mjs: the endpoint has no key: ENDPOINT|KEY is what the launcher shows\n"},
      {{"tcp://127.0.0.1:1|x", "js1"},
       "troupe_worker.mjs: this run has keys: give the key file of this node\n"},
      {{"tcp://127.0.0.1:1|x", "js1", "/dev/null"}, "troupe_worker.mjs: /dev/null has no public-key\n"},
  }));
  std::vector<std::string> words{"node", (folder / "troupe_worker.mjs").string()};
  words.insert(words.end(), arguments.begin(), arguments.end());
  program node("/usr/bin/env", words, directory.path());
  CHECK(node.wait() == 2);
  CHECK(node.errors == sentence);
}
