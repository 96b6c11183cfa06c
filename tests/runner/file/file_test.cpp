// What a well-formed scenario file becomes, and which of two values wins.
#include "tests/runner/fixture.hpp"

#include "tests/support/catch.hpp"

using namespace scenario_tests;
using names = std::vector<std::string>;

namespace {

plan plan_of(std::string_view text, const overrides& over = {}, const variables& env = {}) {
  auto result = load_text(text, over, env);
  INFO(told(result));
  REQUIRE(result.result);
  REQUIRE(result.mistakes.empty());
  return *result.result;
}

plan pool_plan(std::string_view rest, const overrides& over = {}, const variables& env = {}) {
  return plan_of("scenario = \"worker_pool\"\n" + std::string(rest), over, env);
}

} // namespace

TEST_CASE("a file that names only its scenario gets every default", "[scenarios][file]") {
  const auto p = pool_plan("");
  CHECK(p.scenario == "worker_pool");
  CHECK(p.file == "pool.toml");
  CHECK_FALSE(p.seed_given);
  CHECK_FALSE(p.deadline);
  CHECK(p.values.integer("workers") == 4);
  CHECK(p.values.text("task") == "is_prime");
  CHECK(p.values.duration("time_out") == 5s);
  CHECK_FALSE(p.values.has("limit"));
  CHECK_THROWS_AS(p.values.integer("limit"), std::logic_error);
  CHECK_THROWS_AS(p.values.text("workers"), std::logic_error);
  CHECK(p.topology.nodes == 0);
  CHECK(p.topology.endpoint == endpoint_kind::ipc);
  CHECK(p.topology.join_timeout == 10s);
  CHECK(p.topology.stall == 10s);
  CHECK(p.trace.level == troupe::trace::level::headers);
  CHECK(p.faults.empty());
  CHECK(p.expect.empty());
}

TEST_CASE("every key of a scenario file reaches the plan", "[scenarios][file]") {
  const auto p = pool_plan(R"(
seed = 7
deadline = "1m30s"
[parameters]
task = "factors"
inputs = [1, 10, 0x10]
workers = 3
limit = -5
time_out = "1.5s"
slices = false
ratio = 1
title = 'a "title"'
names = ["a", "b"]
flags = [true, false]
weights = [1, 2.5]
[topology]
nodes = 2
endpoint = "tcp"
host = "127.0.0.1"
threads = 3
scheduler = "sharing"
cores = "split"
external = ["gpu-1"]
join_timeout = "2s"
stall = "250ms"
[topology.place]
worker = ["w1", "gpu-1"]
logger = "main"
[topology.security]
plaintext = true
[[faults]]
action = "stop"
node = "w1"
at = "500ms"
lasting = "1s"
[[faults]]
node = "w2"
action = "kill"
at = "2s"
[trace]
level = "payloads"
bytes_max = "64MiB"
[expect]
verdict = "passed"
result.sum = 23
"result.count" = { min = 1, max = 2.5 }
[expect.messages]
lost = 0
)");
  CHECK(p.seed == 7);
  CHECK(p.seed_given);
  CHECK(p.deadline == 90s);
  CHECK(p.values.text("task") == "factors");
  CHECK(p.values.get<std::vector<std::int64_t>>("inputs") == std::vector<std::int64_t>{1, 10, 16});
  CHECK(p.values.integer("limit") == -5);
  CHECK(p.values.duration("time_out") == 1500ms);
  CHECK_FALSE(p.values.boolean("slices"));
  CHECK(p.values.number("ratio") == 1.0);
  CHECK(p.values.text("title") == "a \"title\"");
  CHECK(p.values.get<names>("names") == names{"a", "b"});
  CHECK(p.values.get<std::vector<bool>>("flags") == std::vector<bool>{true, false});
  CHECK(p.values.get<std::vector<double>>("weights") == std::vector<double>{1, 2.5});
  CHECK(p.topology.nodes == 2);
  CHECK(p.topology.endpoint == endpoint_kind::tcp);
  CHECK(p.topology.threads == 3);
  CHECK(p.topology.scheduler == scheduler_kind::sharing);
  CHECK(p.topology.cores == cores_kind::split);
  CHECK(p.topology.external == names{"gpu-1"});
  CHECK(p.topology.join_timeout == 2s);
  CHECK(p.topology.stall == 250ms);
  CHECK(p.topology.security.plaintext);
  CHECK(p.topology.place.at("worker") == names{"w1", "gpu-1"});
  CHECK(p.topology.place.at("logger") == names{"main"});
  CHECK(p.topology.place.at("coordinator") == names{"main"});
  REQUIRE(p.faults.size() == 2);
  CHECK(p.faults[0].action == fault_plan::action_kind::stop);
  CHECK(p.faults[0].node == "w1");
  CHECK(p.faults[0].at == 500ms);
  CHECK(p.faults[0].lasting == 1s);
  CHECK(p.faults[1].action == fault_plan::action_kind::kill);
  CHECK(p.trace.level == troupe::trace::level::payloads);
  CHECK(p.trace.bytes_max == 64U << 20);
  REQUIRE(p.expect.size() == 4);
  CHECK(p.expect[0].path == "verdict");
  CHECK(*p.expect[0].equals == "passed");
  CHECK(p.expect[1].path == "result.sum");
  CHECK(*p.expect[1].equals == 23);
  CHECK(p.expect[2].at_least == 1.0);
  CHECK(p.expect[2].at_most == 2.5);
  CHECK(p.expect[3].path == "messages.lost");
}

TEST_CASE("roles go where the scenario, the file or the command line puts them", "[scenarios][file]") {
  SECTION("one process holds everything") {
    const auto p = pool_plan("");
    for (const auto& [role, where] : p.topology.place)
      CHECK(where == names{"main"});
    CHECK(p.topology.place.size() == 3);
  }
  SECTION("defaults over worker nodes and external ones") {
    const auto p = pool_plan("topology.nodes = 2\ntopology.external = ['py']\n");
    CHECK(p.topology.place.at("coordinator") == names{"main"});
    CHECK(p.topology.place.at("worker") == names{"w1", "w2", "py"});
    CHECK(p.topology.place.at("logger") == names{"main", "w1", "w2", "py"});
  }
  SECTION("words in the file") {
    const auto p = pool_plan(
        "topology.nodes = 1\n[topology.place]\ncoordinator = 'all'\nworker = 'main'\nlogger = 'workers'\n");
    CHECK(p.topology.place.at("coordinator") == names{"main", "w1"});
    CHECK(p.topology.place.at("worker") == names{"main"});
    CHECK(p.topology.place.at("logger") == names{"w1"});
  }
  SECTION("--nodes 0 takes a file for several processes into one") {
    const auto p = pool_plan("topology.nodes = 3\ntopology.external = ['py']\n[topology.place]\nworker = "
                             "['w2', 'py']\nlogger = 'w1'\n",
                             nodes("0"));
    for (const auto& [role, where] : p.topology.place)
      CHECK(where == names{"main"});
    CHECK(p.topology.external.empty());
  }
  SECTION("--set moves a role") {
    CHECK(pool_plan("topology.nodes = 2\n", set({"topology.place.worker=w2"})).topology.place.at("worker")
          == names{"w2"});
    CHECK(pool_plan("topology.nodes = 2\n", set({"topology.place.worker=[main, w1]"}))
              .topology.place.at("worker")
          == names{"main", "w1"});
    CHECK(pool_plan("topology.nodes = 2\n", set({R"(topology.place.worker=["w2", "w1"])"}))
              .topology.place.at("worker")
          == names{"w2", "w1"});
  }
}

TEST_CASE("the command line beats the environment, which beats the file, which beats the default",
          "[scenarios][file]") {
  const std::string file =
      "seed = 1\ndeadline = '1s'\n[parameters]\nworkers = 1\n[topology]\nnodes = 1\n[trace]\nlevel = 'off'\n";
  const variables env{{"TROUPE_SEED", "2"},
                      {"TROUPE_DEADLINE", "2s"},
                      {"TROUPE_NODES", "2"},
                      {"TROUPE_TRACE", "headers"},
                      {"TROUPE_SET_WORKERS", "2"}};
  overrides over;
  over.seed = "3";
  over.deadline = "3s";
  over.nodes = "3";
  over.trace = "payloads";
  over.set = {"workers=3"};
  const auto only_file = pool_plan(file);
  CHECK(only_file.seed == 1);
  CHECK(only_file.deadline == 1s);
  CHECK(only_file.values.integer("workers") == 1);
  CHECK(only_file.topology.nodes == 1);
  CHECK(only_file.trace.level == troupe::trace::level::off);
  const auto with_environment = pool_plan(file, {}, env);
  CHECK(with_environment.seed == 2);
  CHECK(with_environment.deadline == 2s);
  CHECK(with_environment.values.integer("workers") == 2);
  CHECK(with_environment.topology.nodes == 2);
  CHECK(with_environment.trace.level == troupe::trace::level::headers);
  const auto with_all = pool_plan(file, over, env);
  CHECK(with_all.seed == 3);
  CHECK(with_all.deadline == 3s);
  CHECK(with_all.values.integer("workers") == 3);
  CHECK(with_all.topology.nodes == 3);
  CHECK(with_all.trace.level == troupe::trace::level::payloads);
  CHECK(pool_plan(file, {}, {{"TROUPE_NODES", ""}}).topology.nodes == 1); // empty: not set
  CHECK(pool_plan(file, set({"workers=5", "workers=6"})).values.integer("workers") == 6);
}

TEST_CASE("--set reads its value as what the key wants", "[scenarios][file]") {
  CHECK(pool_plan("", set({"task=factors"})).values.text("task") == "factors");
  CHECK(pool_plan("", set({"title=true"})).values.text("title") == "true");
  CHECK(pool_plan("", set({"title=\"a\\tb\""})).values.text("title") == "a\tb");
  CHECK(pool_plan("", set({"title=a=b"})).values.text("title") == "a=b");
  CHECK(pool_plan("", set({"title="})).values.text("title").empty());
  CHECK(pool_plan("", set({"time_out=2m"})).values.duration("time_out") == 2min);
  CHECK(pool_plan("", set({"workers = 1_000"})).values.integer("workers") == 1000);
  CHECK(pool_plan("", set({"parameters.workers=8"})).values.integer("workers") == 8);
  CHECK(pool_plan("", set({"slices=false"})).values.boolean("slices") == false);
  const std::vector<std::int64_t> expected{1, 2, 3};
  CHECK(pool_plan("", set({"inputs=[1, 2, 3]"})).values.get<std::vector<std::int64_t>>("inputs") == expected);
  CHECK(pool_plan("", set({"inputs=1,2,3"})).values.get<std::vector<std::int64_t>>("inputs") == expected);
  CHECK(pool_plan("", set({"names=a, b"})).values.get<names>("names") == names{"a", "b"});
  CHECK(pool_plan("", set({"names=[]"})).values.get<names>("names").empty());
  CHECK(pool_plan("", set({"topology={nodes=2}", "topology.threads=1"})).topology.threads == 1);
  CHECK(pool_plan("", set({"topology={nodes=2}", "topology.threads=1"})).topology.nodes == 2);
  CHECK(pool_plan("", set({"trace.bytes_max=1GiB"})).trace.bytes_max == 1U << 30);
  CHECK(pool_plan("", set({"seed=0xffffffffffffffff"})).seed == 0xffff'ffff'ffff'ffffULL);
  CHECK(pool_plan("[[faults]]\naction='kill'\nnode='w1'\nat='1s'\n", set({"faults=[]"})).faults.empty());
  CHECK(plan_of("scenario = 'worker_pool'\n", set({"scenario=echo_server", "greeting=hi"}))
            .values.text("greeting")
        == "hi");
  CHECK(pool_plan("", set({"expect.result.sum=23", "expect.verdict=passed"})).expect.size() == 2);
}

TEST_CASE("variables of the environment are put into texts", "[scenarios][file]") {
  const variables env{{"N", "7"}, {"EMPTY", ""}, {"LIST", "[1, 2]"}, {"NAME", "x${N}"}, {"TASK", "factors"}};
  const auto value = [&](std::string_view line) {
    return pool_plan("[parameters]\n" + std::string(line) + "\n", {}, env).values;
  };
  CHECK(value("workers = '${N}'").integer("workers") == 7);
  CHECK(value("workers = '${NOT_SET:-9}'").integer("workers") == 9);
  CHECK(value("workers = '${EMPTY:-9}'").integer("workers") == 9);
  CHECK(value("workers = '${N:-9}${N}'").integer("workers") == 77);
  CHECK(value("workers = '${A:-${B:-${N}}}'").integer("workers") == 7);
  CHECK(value("workers = '${N:?is needed}'").integer("workers") == 7);
  CHECK(value("title = '${EMPTY}'").text("title").empty());
  CHECK(value("title = '${NAME}'").text("title") == "x${N}"); // not searched again
  CHECK(value("title = 'cost $5, $${N} and $ {'").text("title") == "cost $5, ${N} and $ {");
  CHECK(value("title = '${N}'").text("title") == "7");
  CHECK(value("title = '${N:-${NOT_SET}}'").text("title") == "7"); // the branch that is not taken
  CHECK(value("slices = '${S:-false}'").boolean("slices") == false);
  CHECK(value("time_out = '${N}s'").duration("time_out") == 7s);
  CHECK(value("task = '${TASK}'").text("task") == "factors");
  CHECK(value("inputs = '${LIST}'").get<std::vector<std::int64_t>>("inputs")
        == std::vector<std::int64_t>{1, 2});
  CHECK(value("inputs = ['${N}', 3]").get<std::vector<std::int64_t>>("inputs")
        == std::vector<std::int64_t>{7, 3});
  CHECK(load_text("scenario = '${S:-echo_server}'\n").result->scenario == "echo_server");
  // What the command line replaces need not be there.
  CHECK(pool_plan("[parameters]\nworkers = '${NOT_SET:?say how many}'\n", set({"workers=2"}))
            .values.integer("workers")
        == 2);
}

TEST_CASE("texts may hold what TOML allows: BOM, CRLF, no last line end", "[scenarios][file]") {
  CHECK(load_text("\xef\xbb\xbfscenario = \"echo_server\"\r\n[parameters]\r\ngreeting = \"\"\"\r\nhi\"\"\"")
            .result);
  CHECK(pool_plan("[parameters]\ntitle = \"\"\"\\\n  ü\"\"\"").values.text("title") == "ü");
  CHECK(load_text("# comment\n\n  scenario='echo_server'").result);
}
