// Who takes part in a run under which name: namesakes, strangers, nodes that are started again.
#include "actors/node/greeting.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/program.hpp"
#include "tests/support/temporary_directory.hpp"
#include "tests/support/text.hpp"
#include "trace/record/ledger.hpp"
#include "transport/hub/hub.hpp"

#include <future>
#include <nlohmann/json.hpp>

using namespace troupe::testing;
using namespace std::chrono_literals;
namespace fs = std::filesystem;
namespace transport = troupe::transport;
using nlohmann::json;

namespace {

const std::string troupe_program = TROUPE_PROGRAM;

std::size_t count_of(const std::string& text, const std::string& part) {
  std::size_t count = 0;
  for (auto at = text.find(part); at != std::string::npos; at = text.find(part, at + 1))
    ++count;
  return count;
}

/// A run of sleeping tasks that waits for the node `a`.
struct open_run {
  explicit open_run(const std::string& endpoint, int tasks = 40, const std::string& more = {}) {
    std::ofstream file{directory / "pool.toml"};
    file << "scenario = \"worker_pool\"\ndeadline = \"10m\"\n[parameters]\ntask = \"sleep\"\n"
            "unit = \"50ms\"\nworkers = 4\nprefetch = 1\ninputs = [1";
    for (int i = 1; i < tasks; ++i)
      file << ",1";
    file << "]\n[topology]\nendpoint = \"" << endpoint
         << "\"\nnodes = 1\nexternal = [\"a\"]\njoin_timeout = \"60s\"\n"
         << more;
    file.close();
    launcher = std::make_unique<program>(
        troupe_program, std::vector<std::string>{"run", "pool.toml", "--out", "runs"}, directory.path());
    REQUIRE(launcher->says("--name a"));
    const auto begin = launcher->errors.find("--join ") + 7;
    join = launcher->errors.substr(begin, launcher->errors.find(' ', begin) - begin);
  }
  std::unique_ptr<program> node(const std::string& name) const {
    return std::make_unique<program>(
        troupe_program, std::vector<std::string>{"node", "--join", join, "--name", name}, directory.path());
  }
  fs::path run_dir() const { return fs::canonical(directory / "runs" / "latest"); }
  json result() const { return json::parse(content_of(run_dir() / "result.json")); }
  json summary() const {
    program asked(troupe_program, {"trace", "summary", "--json"}, directory.path());
    REQUIRE(asked.wait() == 0);
    return json::parse(asked.output);
  }
  /// Until its books say that it has begun to work.
  void wait_for_work_of(const std::string& node) const {
    while (true)
      for (const auto& kept : troupe::trace::books_in(run_dir()))
        if (kept.node == node && kept.counts.handled >= 4) return;
  }
  std::vector<std::string> files() const {
    std::vector<std::string> names;
    for (const auto& entry : fs::directory_iterator(run_dir()))
      names.push_back(entry.path().filename().string());
    return names;
  }
  bool has_file_of(const std::string& node) const {
    for (const auto& name : files())
      if (name.starts_with(node + '.') || name.starts_with(node + '-')) return true;
    return false;
  }
  temporary_directory directory;
  std::string join;
  std::unique_ptr<program> launcher;
};

/// The ledger that the run tells is the one of its traces.
void check_ledgers_agree(const open_run& run) {
  const auto told = run.result()["messages"];
  const auto traced = run.summary()["ledger"];
  CAPTURE(told.dump(), traced.dump());
  CHECK(told["sent"] == traced["sent"]);
  CHECK(told["handled"] == traced["handled"]);
  CHECK(told["dead_lettered"] == traced["dead_lettered"]);
  CHECK(told["lost"] == traced["lost"]);
}

std::vector<std::string> endings_of(const json& result, const std::string& node) {
  std::vector<std::string> endings;
  for (const auto& each : result["nodes"])
    if (each["name"] == node) endings.push_back(each["ended"]);
  return endings;
}

/// What a peer that only says its name hears: "" where it got a session.
std::string knock(const std::string& endpoint, const std::string& name, std::uint64_t capabilities = 0) {
  struct : transport::hub_listener {
    void on_peer_up(const transport::peer_ptr&) override {}
    void on_frame(const transport::peer_ptr&, transport::inbound_frame) override {}
    void on_peer_down(const transport::peer_ptr&, transport::down_reason, std::string_view,
                      std::uint64_t) override {}
  } listener;
  troupe::trace::recorder recorder{{.directory = {}, .node = name, .what = troupe::trace::level::off}};
  troupe::trace::ledger books;
  transport::hub_options options;
  options.identity = {name, transport::draw_incarnation()};
  options.capabilities = capabilities;
  options.greeting = troupe::encode(troupe::greeting{.agent = 1, .pid = 1});
  std::promise<std::string> done;
  transport::hub hub{options, listener, recorder, books};
  hub.connect(endpoint, 20s, [&](const transport::peer_ptr& peer, std::string_view why_not) {
    done.set_value(peer != nullptr ? std::string{} : std::string{why_not});
  });
  return done.get_future().get();
}

} // namespace

TEST_CASE("a name that is taken, or not awaited, lets nobody in, and the run goes on", "[names]") {
  open_run run(GENERATE("tcp", "ipc"), 20'000); // minutes of work, unless it is stopped
  const auto a = run.node("a");
  REQUIRE(run.launcher->says("troupe: running"));
  const auto pid = std::to_string(a->pid());
  for (const auto& [name, sentence] : std::vector<std::pair<std::string, std::string>>{
           {"a", "the name is taken: a is in this run already, pid " + pid},
           {"w1", "the name is taken: w1 is in this run already, pid "},
           {"b", "not allowed: b is no node of this run; it awaits a"}}) {
    CAPTURE(name);
    for (int i = 0; i < 2; ++i) {
      const auto second = run.node(name);
      CHECK(second->wait() == 2);
      CHECK(contains(second->errors, sentence));
    }
    CHECK(run.launcher->says("refused " + name + ", of "));
    CHECK(run.launcher->says(sentence));
  }
  // Who does not ask first.
  CHECK(contains(knock(run.join, "a"), "a is in this run already, pid " + pid));
  CHECK(contains(knock(run.join, "main"),
                 "main is in this run already, pid " + std::to_string(run.launcher->pid())));
  CHECK(contains(knock(run.join, "passer-by"), "passer-by is no node of this run"));
  CHECK(contains(knock(run.join, "visitor-1"), "for who brings files"));
  run.launcher->signal(SIGINT);
  const int code = run.launcher->wait();
  CAPTURE(run.launcher->errors, run.launcher->output);
  CHECK(code == 130);
  CHECK(a->wait() == 0);
  CHECK_FALSE(contains(run.launcher->errors, "still alive"));
  CHECK(run.result()["nodes"].size() == 3);
  CHECK_FALSE(run.has_file_of("b"));
  CHECK(std::ranges::count_if(run.files(), [](const auto& name) { return name.ends_with(".books"); }) == 3);
  check_ledgers_agree(run);
}

TEST_CASE("the workers of a run know whom it has, too", "[names]") {
  open_run run("ipc", 200);
  const auto a = run.node("a");
  REQUIRE(run.launcher->says("troupe: running"));
  // Both listen beside the launcher's socket.
  std::size_t doors = 0;
  for (const auto& entry : fs::directory_iterator(fs::path(run.join.substr(6)).parent_path())) {
    if (entry.path().filename() == "main") continue;
    ++doors;
    const auto door = "ipc://" + entry.path().string();
    CHECK(contains(knock(door, "b"), "b is no node of this run"));
    CHECK(contains(knock(door, "main"), "main is in this run already, pid "));
  }
  CHECK(doors == 2);
  CHECK(run.launcher->wait() == 0);
  CHECK(a->wait() == 0);
}

TEST_CASE("nobody takes the place of a node that the run has started", "[names]") {
  open_run run("tcp", 200);
  const auto a = run.node("a");
  REQUIRE(run.launcher->says("troupe: running"));
  run.wait_for_work_of("w1");
  for (const auto pid : children_of(run.launcher->pid())) {
    std::istringstream words(content_of("/proc/" + std::to_string(pid) + "/cmdline"));
    for (std::string word; std::getline(words, word, '\0');)
      if (word == "--name") ::kill(pid, SIGKILL);
  }
  // Its name is free again, but not for anybody else.
  for (std::string why; !contains(why, "w1 is started by the run itself");) {
    why = knock(run.join, "w1");
    CAPTURE(why);
    REQUIRE((contains(why, "w1 is started by the run itself") || contains(why, "w1 is in this run already")));
  }
  const int code = run.launcher->wait();
  CAPTURE(run.launcher->errors, run.launcher->output);
  CHECK(code == 0); // the pool goes on without it
  CHECK(a->wait() == 0);
  CHECK(endings_of(run.result(), "w1") == std::vector<std::string>{"killed by SIGKILL"});
  check_ledgers_agree(run);
}

TEST_CASE("a node that was killed and started again has two books, and the run's ledger is its trace's",
          "[names]") {
  open_run run(GENERATE("tcp", "ipc"), 120);
  auto first = run.node("a");
  REQUIRE(run.launcher->says("troupe: running"));
  run.wait_for_work_of("a");
  first->signal(SIGKILL);
  CHECK(first->wait() == 137);
  const auto second = run.node("a");
  CHECK(second->wait() == 0);
  const int code = run.launcher->wait();
  CAPTURE(run.launcher->errors, run.launcher->output, second->errors);
  CHECK(code == 0);
  const auto endings = endings_of(run.result(), "a");
  REQUIRE(endings.size() == 2);
  CHECK(endings[0].starts_with("lost: "));
  CHECK(endings[1] == "left");
  const auto kept = troupe::trace::books_in(run.run_dir());
  CHECK(std::ranges::count(kept, "a", &troupe::trace::kept_books::node) == 2);
  check_ledgers_agree(run);
}

TEST_CASE("names that are none are refused before anybody is asked", "[names]") {
  const temporary_directory directory;
  using namespace std::string_literals;
  for (const auto& name : {""s, std::string(300, 'n'), "../../x"s, "a b"s, "a\x1b[31m"s, "a\u009b31m"s,
                           "\u202egnp.exe"s, "a\u200bb"s, "a\xff"s, ".x"s, "main"s, "visitor-1"s}) {
    CAPTURE(name);
    // A port where nobody answers would cost ten seconds.
    program node(troupe_program, {"node", "--join", "tcp://127.0.0.1:1", "--name", name}, directory.path());
    CHECK(node.wait() == 2);
    CHECK(contains(node.errors, "troupe: the node name "));
    CHECK(count_of(node.errors, "\n") == 1);
    for (const auto* raw : {"\x1b", "\u009b", "\u202e", "\u200b"})
      CHECK_FALSE(contains(node.errors, raw));
    CHECK_FALSE(contains(node.errors, "cannot join"));
  }
}
