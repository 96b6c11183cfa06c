// Mistakes between keys: places, faults, security, overrides, variables.
#include "tests/runner/fixture.hpp"

#include "base/text.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/text.hpp"

using namespace scenario_tests;

TEST_CASE("roles and nodes that do not exist are told with those that do", "[scenarios][mistakes]") {
  const std::string two = "topology.nodes = 2\n[topology.place]\n";
  CHECK(mistakes(two + "wroker = 'main'")
        == "4:1+6 unknown role `wroker` of worker_pool | did you mean `worker`?");
  CHECK(mistakes(two + "x = 'main'")
        == "4:1+1 unknown role `x` of worker_pool | worker_pool has: coordinator, worker, logger");
  CHECK(mistakes(two + "worker = 'w3'")
        == "4:10+4 there is no node \"w3\" to place `worker` on | nodes = 2, so there are w1 to w2");
  CHECK(mistakes("topology.nodes = 1\n[topology.place]\nworker = ['w1', 'w2']")
        == "4:17+4 there is no node \"w2\" to place `worker` on | nodes = 1, so there are w1 only");
  CHECK(mistakes("[topology.place]\nworker = 'w1'")
        == "3:10+4 there is no node \"w1\" to place `worker` on | nodes = 0, so the run starts no worker "
           "nodes");
  CHECK(mistakes(two + "worker = 'mian'")
        == "4:10+6 there is no node \"mian\" to place `worker` on | did you mean `main`?");
  CHECK(mistakes(two + "worker = 'elsewhere'")
        == "4:10+11 there is no node \"elsewhere\" to place `worker` on | there are: main, w1, w2");
  CHECK(mistakes("topology.external = ['gpu-1']\n[topology.place]\nworker = 'gpu1'")
        == "4:10+6 there is no node \"gpu1\" to place `worker` on | did you mean `gpu-1`?");
  CHECK(mistakes(two + "worker = []")
        == "4:10+2 `worker` is placed nowhere | expected a node name, a list of them, or \"main\", "
           "\"workers\" or \"all\"");
  CHECK(mistakes(two + "worker = ['w1', 'workers']")
        == "4:17+9 \"workers\" cannot stand in a list | write worker = \"workers\"");
  CHECK(mistakes(two + "worker = ['w1', 'w1']")
        == "4:17+4 the node \"w1\" is listed twice | each node takes its turn once");
  CHECK(mistakes(two + "worker = 1").starts_with("4:10+1 `worker` cannot be 1 | expected a node name"));
  SECTION("not after the number of nodes was told to be wrong") {
    CHECK(mistakes("topology.nodes = 2000\n[topology.place]\nworker = 'w3'")
          == "2:18+4 `nodes` = 2000 is out of range | expected an integer from 0 to 1000");
  }
  SECTION("with fewer nodes from the command line") {
    CHECK(mistakes(two + "worker = 'w2'", nodes("1"))
          == "4:10+4 there is no node \"w2\" to place `worker` on | nodes = 1, so there are w1 only");
    CHECK(mistakes(two + "worker = 'w2'", nodes("0")).empty());
    CHECK(mistakes(two + "worker = 'w2'", nodes("0"), {}).empty());
    CHECK(mistakes(two + "worker = 'w2'", {}, {{"TROUPE_NODES", "0"}}).empty());
  }
}

TEST_CASE("names of external nodes are names, and nobody else's", "[scenarios][mistakes]") {
  const auto external = [](const std::string& list) {
    return mistakes("topology.external = [" + list + "]");
  };
  const std::string help = " | for example external = [\"gpu-1\"]";
  CHECK(external("''") == "2:22+2 the node name \"\" is empty" + help);
  CHECK(external("'a/b'")
        == "2:22+5 the node name \"a/b\" is not made of letters, digits, _, - and ." + help);
  CHECK(external("'main'") == "2:22+6 the node name \"main\" is a word of the scenario file" + help);
  CHECK(external("'w1'")
        == "2:22+4 the node name \"w1\" is the name of a node that the run starts itself" + help);
  CHECK(external("'" + std::string(65, 'a') + "'").find("is longer than 64 characters") != std::string::npos);
  CHECK(external("'a', 'a'") == "2:27+3 the node name \"a\" is given twice");
  CHECK(external("'worker', 'w', 'w1a'").empty());
}

TEST_CASE("faults happen to nodes that there are, before the deadline", "[scenarios][mistakes]") {
  const auto fault = [](const std::string& lines, const std::string& before = "") {
    return mistakes(before + "topology.nodes = 1\ntopology.external = ['py']\n[[faults]]\n" + lines);
  };
  CHECK(fault("action = 'kill'\nnode = 'w1'\nat = '1s'").empty());
  CHECK(fault("node = 'w1'")
        == "4:1+10 this fault has no `action` | for example action = \"kill\"\n4:1+10 this fault has no `at` "
           "| for example at = \"500ms\"");
  CHECK(
      fault("action = 'explode'\nnode = 'w1'\nat = '1s'")
      == "5:10+9 `action` cannot be \"explode\" | expected one of \"kill\", \"stop\", \"resume\" or \"cut\"");
  CHECK(fault("action = 'kill'\nnode = 'w2'\nat = '1s'")
        == "6:8+4 there is no node \"w2\" for this fault | nodes = 1, so there are w1 only");
  CHECK(fault("action = 'kill'\nnode = 'main'\nat = '1s'")
        == "6:8+6 nothing can happen to main: it is the process that makes the faults | name one of the "
           "nodes that it starts, w1 to wN");
  CHECK(fault("action = 'stop'\nnode = 'py'\nat = '1s'")
        == "6:8+4 the node \"py\" is not started by the run, so it cannot be killed or stopped | an external "
           "node can only be cut off: action = \"cut\"");
  CHECK(fault("action = 'cut'\nnode = 'py'\nat = '1s'").empty());
  CHECK(fault("action = 'kill'\nnode = 'w1'\nat = '-1s'")
        == "7:6+5 `at` = \"-1s\" is out of range | expected a duration from \"0s\" on, after the start");
  CHECK(fault("action = 'kill'\nnode = 'w1'\nat = '1s'\nlasting = '1s'")
        == "8:1+7 `lasting` goes with action = \"stop\" only | it says when the stopped node goes on");
  CHECK(fault("action = 'stop'\nnode = 'w1'\nat = '1s'\nlasting = '0s'")
            .starts_with("8:11+4 `lasting` = \"0s\" is out of range"));
  CHECK(fault("action = 'kill'\nnode = 'w1'\nat = '2s'", "deadline = '2s'\n")
        == "8:6+4 this fault comes after the deadline, so it never happens | an earlier `at`, or a later "
           "`deadline`");
  SECTION("in one process there is nobody, so nothing happens") {
    const std::string one =
        "scenario = 'worker_pool'\ntopology.nodes = 1\n[[faults]]\naction='kill'\nat='1s'\n";
    const auto alone = load_text(one + "node='w1'\n", nodes("0"));
    CHECK(brief(alone).empty());
    CHECK(alone.result.value().faults.empty());
    CHECK(load_text(one + "node='w1'\n").result.value().faults.size() == 1);
    CHECK_FALSE(brief(load_text(one, nodes("0"))).empty()); // what it says is read all the same
  }
}

TEST_CASE("impossible combinations are refused where the stronger of the two was given",
          "[scenarios][mistakes]") {
  SECTION("the seeded scheduler in several processes") {
    CHECK(mistakes("[topology]\nscheduler = 'seeded'\nnodes = 2")
          == "4:1+5 the seeded scheduler runs in one process, but nodes = 2 | set nodes = 0, or take the "
             "scheduler \"prompt\", \"stealing\" or \"sharing\"");
    CHECK(mistakes("[topology]\nscheduler = 'seeded'", nodes("2"))
          == "--nodes 0:1+7 the seeded scheduler runs in one process, but nodes = 2 | set nodes = 0, or take "
             "the scheduler \"prompt\", \"stealing\" or \"sharing\"");
    CHECK(mistakes("[topology]\nscheduler = 'seeded'\nexternal = ['py']")
              .starts_with("4:1+8 the seeded scheduler runs in one process, but external nodes are named"));
    CHECK(mistakes("[topology]\nscheduler = 'seeded'\nnodes = 2", nodes("0")).empty());
    CHECK(mistakes("[topology]\nscheduler = 'seeded'\nseed = 1")
              .starts_with("4:1+4 unknown key `seed` in [topology]"));
  }
  SECTION("inproc between processes") {
    CHECK(mistakes("[topology]\nendpoint = 'inproc'\nnodes = 2")
          == "4:1+5 inproc reaches no other process, but there are to be several | set nodes = 0, or take "
             "the endpoint \"ipc\" or \"tcp\"");
    CHECK(mistakes("[topology]\nendpoint = 'inproc'").empty());
  }
  SECTION("a host that nothing listens on") {
    CHECK(mistakes("[topology]\nhost = '10.0.0.1'")
          == "3:1+4 `host` is used by tcp only, but the endpoint is ipc | write endpoint = \"tcp\", or "
             "remove `host`");
    CHECK(mistakes("[topology]\nendpoint = 'tcp'\nhost = '10.0.0.1'\nsecurity.plaintext = true",
                   set({"topology.endpoint=ipc"}))
              .empty());
  }
}

TEST_CASE("tcp beyond loopback needs a key, or has to say that it has none", "[scenarios][mistakes]") {
  const std::string tcp = "[topology]\nendpoint = 'tcp'\n";
  for (const char* local : {"127.0.0.1", "127.8.0.1", "::1", "localhost"})
    CHECK(mistakes(tcp + "host = '" + local + "'").empty());
  for (const char* far : {"0.0.0.0", "*", "10.0.0.1", "eth0", "example.org", "::", "127.example.org"}) {
    INFO(far);
    CHECK(mistakes(tcp + "host = '" + far + "'")
              .find("can be reached from other hosts, but there is no key | name a `secret_key` under "
                    "[topology.security], or write `plaintext = true` there")
          != std::string::npos);
  }
  CHECK(
      mistakes(tcp + "host = 'tcp://x'")
      == "4:8+9 \"tcp://x\" is not a host | expected an address, an interface or *, without tcp:// and port");
  CHECK(mistakes(tcp + "host = ''").starts_with("4:8+2 \"\" is not a host"));
  const std::string far = tcp + "host = '10.0.0.1'\n";
  const std::string key = "security.secret_key = 'keys/main'\n";
  const std::string client(40, 'a');
  CHECK(mistakes(far + "security.plaintext = true").empty());
  CHECK(mistakes(far + key).empty());
  CHECK(mistakes(far + "security.plaintext = false").starts_with("4:1+4 tcp on \"10.0.0.1\" can be reached"));
  CHECK(mistakes(far + key + "external = ['py']")
            .starts_with("6:1+8 no external node could join: there are no `allowed_clients`"));
  CHECK(mistakes(far + key + "external = ['py']\nsecurity.allowed_clients = ['" + client + "']").empty());
  CHECK(mistakes(far + key + "security.plaintext = true")
        == "6:10+9 `plaintext = true` contradicts `secret_key` | remove one of them");
  CHECK(mistakes(far + "security.plaintext = true\nsecurity.allowed_clients = ['" + client + "']")
            .starts_with("6:10+15 `allowed_clients` needs `secret_key`"));
  CHECK(mistakes(far + key + "security.allowed_clients = ['short']")
        == "6:29+7 \"short\" is not a public key | expected the 40 characters (Z85) that `"
               + troupe::own_command("keygen") + "` prints");
  CHECK(mistakes(far + "security.secret_key = ''").starts_with("5:23+2 `secret_key` is empty"));
  const auto l = parse("scenario = 'worker_pool'\n" + far + key, "some/where/pool.toml", {&pool()}, {}, {});
  REQUIRE(l.result);
  CHECK(l.result->topology.security.secret_key == "some/where/keys/main");
}

TEST_CASE("mistakes with variables are pointed at inside the text", "[scenarios][mistakes]") {
  const auto title = [](const std::string& text, const variables& env = {}) {
    return mistakes("[parameters]\ntitle = " + text, {}, env);
  };
  const std::string forms = " | write ${NAME}, ${NAME:-default} or ${NAME:?message}; $${ stands for ${";
  CHECK(title("'a ${NOPE} b'")
        == "3:12+7 the environment variable `NOPE` is not set | set it, or give a default: ${NOPE:-…}; $${ "
           "stands for ${");
  CHECK(title("'ü ${NOPE}'").starts_with("3:12+7 "));
  CHECK(title("\"$${A} \\t ${NOPE}\"").starts_with("3:19+7 the environment variable `NOPE` is not set"));
  CHECK(title("'''\nx\n  ${NOPE}'''").starts_with("5:3+7 the environment variable `NOPE` is not set"));
  CHECK(title("'${NOPE:?say who}'") == "3:10+16 the environment variable `NOPE` is not set: say who");
  CHECK(title("'${E:?say who}'", {{"E", ""}}) == "3:10+13 the environment variable `E` is empty: say who");
  CHECK(title("'${NOPE:?}'") == "3:10+9 the environment variable `NOPE` is not set: it is required");
  CHECK(title("'${NOPE'") == "3:10+6 this `${` is never closed" + forms);
  CHECK(title("'${NOPE:-x'") == "3:10+9 this `${` is never closed" + forms);
  CHECK(title("'${}'") == "3:10+3 there is no variable's name after `${`" + forms);
  CHECK(title("'${1}'") == "3:10+4 there is no variable's name after `${`" + forms);
  CHECK(title("'${A-x}'") == "3:10+6 `-` cannot follow the name `A`" + forms);
  CHECK(title("'${A:+x}'") == "3:10+7 `:` cannot follow the name `A`" + forms);
  CHECK(title("'${A b}'") == "3:10+6 ` ` cannot follow the name `A`" + forms);
  CHECK(title("'${B}'", {{"B", "\xff"}}) == "3:10+4 the environment variable `B` is not UTF-8");
  CHECK(title("'${L}'", {{"L", std::string(2'000'000, 'x')}})
        == "3:9+6 this text is too long after substitution | at most 1048576 bytes are allowed");
  CHECK(mistakes("[parameters]\nworkers = '${W}'", {}, {{"W", "many"}})
        == "3:11+6 `workers` cannot be the text \"many\" (after substitution) | expected an integer from 1 "
           "to 10000");
  CHECK(mistakes("[parameters]\nworkers = '${W}'", {}, {{"W", "0"}})
            .starts_with("3:11+6 `workers` = 0 is out of range"));
  CHECK(mistakes("[parameters]\nworkers = '${W}'", {}, {{"W", "1\nslices = false"}})
            .starts_with("3:11+6 `workers` cannot be the text"));
  std::string nested = "x";
  for (int i = 0; i < 1'000; ++i)
    nested = "${A:-" + nested + "}";
  CHECK(title("'" + nested + "'").find("defaults are nested more than 8 deep") != std::string::npos);
}

TEST_CASE("mistakes on the command line and in the environment get the same checks",
          "[scenarios][mistakes]") {
  const auto given = [](const std::string& text) { return mistakes("", set({text})); };
  CHECK(mistakes_of("", set({"workers=none"}))
        == "--set: error: `workers` cannot be the text \"none\"\n"
           "      | workers=none\n"
           "      |         ^~~~\n"
           "      = help: expected an integer from 1 to 10000\n");
  CHECK(given("workers=1000000000").starts_with("--set 0:9+10 `workers` = 1000000000 is out of range"));
  CHECK(given("workrs=1")
        == "--set 0:1+6 `workrs` is neither a parameter of worker_pool nor a key of the file | did you mean "
           "`workers`?");
  CHECK(given("nodes=1")
        == "--set 0:1+5 `nodes` is neither a parameter of worker_pool nor a key of the file | did you mean "
           "`topology.nodes`?");
  CHECK(given("topology.nods=1") == "--set 0:1+13 unknown key `nods` in [topology] | did you mean `nodes`?");
  CHECK(given("topology.place.wroker=main").starts_with("--set 0:1+21 unknown role `wroker`"));
  CHECK(given("parameters.x=1").starts_with("--set 0:1+12 unknown parameter `x` of worker_pool"));
  CHECK(given("workers").starts_with("--set 0:1+7 there is no `=`"));
  CHECK(given("=1").starts_with("--set 0:1+1 there is no key before `=`"));
  CHECK(given("").starts_with("--set 0:1+1 there is no `=`"));
  CHECK(given("topology..nodes=1").starts_with("--set 0:1+15 `topology..nodes` is not a key"));
  CHECK(given("inputs=1,x,3") == "--set 0:10+1 `inputs[1]` cannot be the text \"x\" | expected an integer");
  CHECK(given("inputs=[1, x]") == "--set 0:12+1 `inputs[1]` cannot be the text \"x\" | expected an integer");
  CHECK(given("time_out=5")
        == "--set 0:10+1 `time_out`: \"5\" has no unit | write a unit: \"5s\" or \"5ms\"");
  CHECK(given("task=facors")
            .starts_with("--set 0:6+6 `task` cannot be \"facors\" | did you mean \"factors\"?"));
  CHECK(given("title=\xff").starts_with("--set 0:7+1 this is not UTF-8 text"));
  CHECK(given("topology=3").starts_with("--set 0:10+1 `topology` cannot be 3 | expected a table"));
  CHECK(given("workers.x=1").starts_with("--set 0:1+9 `workers.x` is neither"));
  overrides over;
  over.nodes = "two";
  over.trace = "of";
  over.seed = "-3";
  over.deadline = "0s";
  CHECK(mistakes("", over, {{"TROUPE_SET_WORKERS", "x"}})
        == "environment 0:20+1 `workers` cannot be the text \"x\" | expected an integer from 1 to 10000"
           "\n"
           "--seed 0:8+2 `seed` cannot be the text \"-3\" | expected an integer from 0 to "
           "18446744073709551615\n"
           "--deadline 0:12+2 `deadline` = \"0s\" is out of range | expected a duration of more than \"0s\", "
           "at most 10 years\n"
           "--nodes 0:9+3 `nodes` cannot be the text \"two\" | expected an integer from 0 to 1000\n"
           "--trace 0:9+2 `level` cannot be \"of\" | did you mean \"off\"? expected one of \"off\", "
           "\"headers\" or \"payloads\"");
  CHECK(mistakes_of("", {}, {{"TROUPE_NODES", "two"}})
        == "environment: error: `nodes` cannot be the text \"two\"\n"
           "      | TROUPE_NODES=two\n"
           "      |              ^~~\n"
           "      = help: expected an integer from 0 to 1000\n");
  CHECK(mistakes("", {}, {{"TROUPE_NODES", "\xff"}})
            .starts_with("environment 0:14+1 the environment variable TROUPE_NODES is not UTF-8"));
}

TEST_CASE("what a scenario objects to is pointed at where its parameters were given",
          "[scenarios][mistakes]") {
  const auto echo_with = [](const std::string& lines, const overrides& over = {}) {
    return brief(load_text("scenario = 'echo_server'\n" + lines, over));
  };
  const std::string sentence = "times needs a greeting that can be repeated";
  CHECK(echo_with("[parameters]\ntimes = 2").empty());
  CHECK(echo_with("[parameters]\ngreeting = ''\ntimes = 2") == "4:1+5 " + sentence);
  CHECK(echo_with("[parameters]\ntimes = 2\ngreeting = ''") == "4:1+8 " + sentence);
  CHECK(echo_with("[parameters]\ngreeting = ''", set({"times=2"})) == "--set 0:1+5 " + sentence);
  CHECK(echo_with("[parameters]\ntimes = 13") == "2:1+12 this is a bad omen");
  // Values that are wrong by themselves are told first.
  CHECK(echo_with("[parameters]\ntimes = 2\ngreeting = 1").find(sentence) == std::string::npos);
}

TEST_CASE("what two sides give is a mistake, where nobody can tell which was meant",
          "[scenarios][mistakes]") {
  auto over = set({"topology.nodes=3", "workers=2"});
  over.nodes = "2";
  CHECK(mistakes("", over)
        == "--set 0:1+14 `topology.nodes` is given by --set and by --nodes | leave one of them away");
  over = set({"seed=1", "deadline=1s", "trace.level=off", "trace.sample=1"});
  over.seed = "2";
  over.deadline = "2s";
  over.trace = "off";
  over.sample = "0.5";
  CHECK(troupe::testing::times_in(mistakes("", over), "is given by --set and by --") == 4);
  CHECK(mistakes("", set({"workers=2", "parameters.workers=3"})).empty()); // the last one wins
  over = {};
  over.nodes = "2";
  CHECK(mistakes("[topology]\nnodes = 1", over, {{"TROUPE_NODES", "3"}}).empty());
}

TEST_CASE("what varies is given by nothing else, and once", "[scenarios][mistakes]") {
  const auto vary = [](std::vector<std::string> given, overrides over = {}) {
    over.vary = std::move(given);
    return mistakes("", over);
  };
  CHECK(vary({"workers=4"}).empty());
  CHECK(vary({"topology.nodes=2"}, nodes("1"))
        == "--vary 0:1+14 `topology.nodes` is varied and given by --nodes | leave one of them away");
  CHECK(vary({"parameters.workers=4"}, set({"workers=3"}))
        == "--vary 0:1+18 `parameters.workers` is varied and given by --set | leave one of them away");
  CHECK(vary({"workers=4", "workers=6"})
        == "--vary 0:1+7 `workers` is varied twice | give all its values to one --vary");
  CHECK(vary({"wrk=1"}).starts_with("--vary 0:1+3 `wrk` is neither a parameter of worker_pool"));
  CHECK(vary({"workers=0"}).starts_with("--vary 0:9+1 `workers` = 0 is out of range"));
}

TEST_CASE("a variable that names no parameter is a mistake as --set is", "[scenarios][mistakes]") {
  overrides over;
  over.variables = {"TROUPE_SET_WORKERS", "TROUPE_SET_WORKRS", "TROUPE_SET_EMPTY"};
  const variables env{{"TROUPE_SET_WORKERS", "3"}, {"TROUPE_SET_WORKRS", "9"}, {"TROUPE_SET_EMPTY", ""}};
  CHECK(mistakes("", over, env)
        == "environment 0:1+17 `TROUPE_SET_WORKRS` names no parameter of worker_pool | did you mean "
           "`TROUPE_SET_WORKERS`?");
}

TEST_CASE("the smallest duration is more than none", "[scenarios][mistakes]") {
  overrides over;
  over.deadline = "1ns";
  CHECK(mistakes("", over).empty());
  over.deadline = "0ns";
  CHECK(mistakes("", over).find("is out of range") != std::string::npos);
}

TEST_CASE("no mistake shows a file's characters as they are", "[scenarios][mistakes]") {
  for (const std::string bad : {"\x1b[2J", "\u009b31m", "\u202e", "\u200b", "\u2028", "\ufeff"}) {
    const auto quoted = "'" + bad + "'";
    for (const auto& text :
         {"scenario = " + quoted, quoted + " = 1", "scenario = 'worker_pool'\n" + bad + " = 1",
          "scenario = 'worker_pool'\n[parameters]\ntask = " + quoted,
          "scenario = 'worker_pool' # " + bad + "\nx = 1",
          "scenario = 'worker_pool'\n[topology]\nexternal = [" + quoted + "]\nhost = " + quoted,
          "scenario = 'worker_pool'\n[expect." + quoted + "]\na = { x = " + quoted + " }"}) {
      CAPTURE(text);
      const auto shown = told(parse(text, "file" + bad + ".toml", {&pool(), &echo()}, set({bad + "=1"}), {}));
      CHECK(!shown.empty());
      CHECK(troupe::printable(shown, "\n") == shown);
    }
  }
}
