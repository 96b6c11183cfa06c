// What somebody else's program does wrong is told: in one pass before anything starts where it stands in a
// declaration, else as the end of a run that has a verdict, a result and books that balance.
#include "tests/support/catch.hpp"
#include "tests/support/program.hpp"
#include "tests/support/temporary_directory.hpp"
#include "tests/support/text.hpp"

#include <algorithm>

#include <nlohmann/json.hpp>

using namespace troupe::testing;
namespace fs = std::filesystem;
using nlohmann::json;

namespace {

struct careless {
  explicit careless(std::vector<std::string> arguments, const std::string& declared = {}) {
    std::ofstream{directory / "careless.toml"} << "scenario = \"careless\"\n";
    std::ofstream{directory / "external.toml"} << "scenario = \"careless\"\ntopology.external = [\"late\"]\n";
    ::setenv("DECLARED", declared.c_str(), 1);
    program one(CARELESS_PROGRAM, std::move(arguments), directory.path());
    code = one.wait();
    ::unsetenv("DECLARED");
    output = std::move(one.output);
    errors = std::move(one.errors);
  }
  temporary_directory directory;
  int code = 0;
  std::string output, errors;
};

/// A run that ends by itself; its deadline is far away unless `more` says otherwise.
struct careless_run : careless {
  careless_run(const std::string& how, const std::string& nodes, const std::vector<std::string>& more = {})
      : careless(arguments_for(how, nodes, more)) {
    CAPTURE(errors, output);
    REQUIRE_FALSE(output.empty());
    result = json::parse(output);
    CHECK(content_of(directory / "runs/latest/result.json") == output);
    CHECK(fs::exists(directory / "runs/latest/main.books"));
    const auto& checks = result["checks"];
    CHECK(std::any_of(checks.begin(), checks.end(), [](const json& check) {
      return check["name"] == "the books balance" && check["passed"] == true;
    }));
    for (const auto& node : result["nodes"])
      CHECK((node["ended"] == "left" || node["ended"] == "never joined"));
  }
  bool ended(const std::string& verdict, int expected_code) const {
    return result["verdict"] == verdict && code == expected_code;
  }
  std::string reason() const { return result["reason"]; }
  std::uint64_t dropped(const char* why) const {
    const auto& dropped = result["messages"]["dropped"];
    return dropped.contains(why) ? dropped[why].get<std::uint64_t>() : 0;
  }
  /// `nodes`: how many, or a file.
  static std::vector<std::string> arguments_for(const std::string& how, const std::string& nodes,
                                                const std::vector<std::string>& more) {
    const bool is_file = nodes.ends_with(".toml");
    std::vector<std::string> all{"run", is_file ? nodes : "careless.toml", "--json", "--set", "how=" + how};
    if (!is_file) all.insert(all.end(), {"--nodes", nodes});
    all.insert(all.end(), more.begin(), more.end());
    if (std::find(all.begin(), all.end(), "--deadline") == all.end())
      all.insert(all.end(), {"--deadline", "60s"});
    return all;
  }
  json result;
};

std::string some_nodes() { return GENERATE(as<std::string>{}, "0", "2"); }

} // namespace

TEST_CASE("all mistakes of a declaration are told at once, whatever the command", "[careless]") {
  struct mistakes {
    std::string declared;
    std::vector<std::string> sentences;
  };
  const auto rule = "a name has 1 to 64 letters, digits, _ and -, and begins with a letter, a digit or _";
  const auto types =
      "a name has 1 to 255 letters, digits, _, -, . and :, and begins with a letter, a digit or _";
  const auto one = GENERATE_COPY(values<mistakes>({
      {"parameters",
       {"scenario \"careless\": a parameter cannot be called \"two words\"; " + std::string(rule),
        "the default of parameter low, 5, is out of its range, 10 to 20",
        "the range of parameter none is empty, 20 to 10",
        "the default of parameter colour, \"blue\", is none of its choices, \"red\" or \"green\"",
        "the default of parameter long is longer than it may be, 3", "parameter bytes is declared twice"}},
      {"messages",
       {"two message types are called \"answer\", answer and stray; names must be unique in a program",
        "message type answer is registered as \"answer\" and as \"reply\"; give it one name",
        "message type stray cannot be called \"a+b c\"; " + std::string(types)}},
      {"promises",
       {"its promise \"exclusive fork fork_taken until put_fork\" cannot be read: it should read: exclusive "
        "ROLE: GRANTED until RELEASED",
        "its promise \"never type=qestion\" names the message type \"qestion\", which is not registered; did "
        "you "
        "mean question?",
        "its promise \"each question: one anser\" names the message type \"anser\""}},
      {"roles",
       {"role clerk is declared twice", "a role cannot be called \"new\\nline\"; " + std::string(rule),
        "a role cannot be called \"\"; "}},
      {"checks",
       {"there are two checks called \"right\"", "one of its checks has no name",
        "its check \"empty\" has no function"}},
      {"no_start", {"it has no start"}},
      {"path",
       {"scenario \"../elsewhere/x\": a scenario cannot be called \"../elsewhere/x\"; " + std::string(rule)}},
      {"nameless", {"scenario \"\": a scenario cannot be called \"\""}},
      {"clash", {"scenario \"other\": two message types are called \"bulk\", bulk and answer"}},
      {"twice", {"scenario \"careless\": the program has two scenarios of this name"}},
      {"null", {"one of the scenarios is a null pointer"}},
      {"throws", {"its message types cannot be told: no words"}},
  }));
  for (const auto& command :
       {std::vector<std::string>{"list"}, {"check", "careless.toml"}, {"run", "careless.toml"}}) {
    const careless done(command, one.declared);
    CAPTURE(one.declared, command.front(), done.errors);
    CHECK(done.code == 2);
    CHECK(done.output.empty());
    for (const auto& sentence : one.sentences)
      CHECK(contains(done.errors, sentence));
    CHECK(times_in(done.errors, "\n") == one.sentences.size() + 1);
    CHECK(contains(done.errors, "of the program itself; nothing was started\n"));
    CHECK_FALSE(fs::exists(done.directory / "runs"));
    CHECK_FALSE(fs::exists(done.directory / "elsewhere"));
  }
}

TEST_CASE("a check that throws is a check that failed", "[careless]") {
  const auto [how, text] = GENERATE(table<std::string, std::string>({
      {"check_throws", "it threw: the scales are broken"},
      {"check_throws_int", "it threw: an exception of type int"},
      {"check_misreads", "it threw: "},
  }));
  const careless_run run(how, "0");
  CAPTURE(run.reason());
  CHECK(run.ended("check_failed", 1));
  CHECK(run.reason().starts_with("right: " + text));
  CHECK(run.result["result"]["n"] == 1);
}

TEST_CASE("a function that cannot tell whether parameters go together is a mistake of its scenario",
          "[careless]") {
  const careless done({"run", "careless.toml", "--set", "how=validate_throws"});
  CAPTURE(done.errors);
  CHECK(done.code == 2);
  CHECK(contains(done.errors, "scenario careless could not look at its parameters: no way to tell"));
  CHECK(contains(done.errors, "1 mistake; nothing was started"));
}

TEST_CASE("a start that fails ends its run in order", "[careless]") {
  const auto nodes = some_nodes();
  const auto [how, why] = GENERATE(table<std::string, std::string>({
      {"start_throws", "no chairs"},
      {"start_throws_int", "an exception of type int"},
      {"throws_at_last", "no chairs"},
      {"unknown_role", "scenario careless has no role \"nobody\""},
      {"wrong_arguments",
       "role asker of scenario careless takes (actor, actor, string, u64), got (actor, actor, string, i64)"},
      {"missing_arguments", "role asker of scenario careless takes (actor, actor, string, u64), got ()"},
  }));
  const careless_run run(how, nodes);
  CAPTURE(nodes, how, run.reason());
  CHECK(run.ended("check_failed", 1));
  CHECK(run.reason() == "start of scenario careless failed: " + why);
  CHECK(run.result["checks"][0] == json{{"name", "start"}, {"passed", false}, {"detail", why}});
}

TEST_CASE("arguments of the wrong types are told with their types, for roles on other nodes too",
          "[careless]") {
  const auto nodes = some_nodes();
  const careless_run run("stray_argument", nodes);
  CAPTURE(run.reason());
  CHECK(run.ended("check_failed", 1));
  CHECK(contains(run.reason(), nodes == "0" ? "role clerk of scenario careless takes (), got (stray)"
                                            : "message type stray is not registered"));
}

TEST_CASE("a deadline counts while nodes join and while actors are spawned", "[careless]") {
  SECTION("nodes that do not join") {
    const careless_run run("", "external.toml", {"--deadline", "300ms"});
    CHECK(run.ended("deadline", 3));
    CHECK(run.reason() == "the deadline passed before these nodes had joined: late");
  }
  SECTION("a start that spawns for ever") {
    const auto nodes = some_nodes();
    const careless_run run("spawns_for_ever", nodes, {"--deadline", "1s", "--trace", "off"});
    CAPTURE(run.reason());
    CHECK(run.ended("deadline", 3));
    // On a busy machine the nodes themselves may take longer.
    const bool joined = !contains(run.reason(), "before these nodes had joined: ");
    if (joined || nodes == "0") CHECK(run.reason() == "the deadline passed before all actors were spawned");
  }
  SECTION("a start that takes too long before it spawns") {
    const careless_run run("slow_start", some_nodes(), {"--deadline", "1s", "--set", "pause=1.5s"});
    CHECK(run.ended("deadline", 3));
    CHECK(run.result["result"].is_null());
  }
  SECTION("a result in time is a result, however long start goes on") {
    const careless_run run("late_start", some_nodes(), {"--deadline", "20s", "--set", "pause=100ms"});
    CHECK(run.ended("passed", 0));
    CHECK(run.result["elapsed_s"] < 20);
  }
}

TEST_CASE("a message of a type that nobody registered fails the run and names the type", "[careless]") {
  const auto nodes = some_nodes();
  const auto trace = GENERATE(as<std::string>{}, "off", "headers");
  const auto how = GENERATE(as<std::string>{}, "stray", "stray_request", "stray_answer");
  const careless_run run(how, nodes, {"--trace", trace});
  CAPTURE(nodes, how, trace, run.reason());
  CHECK(run.ended("check_failed", 1));
  CHECK(run.reason() == "message type stray is not registered; add scenario.message<stray>(\"stray\")");
  CHECK(run.dropped("not_serializable") == 1);
  if (how != "stray" && !run.result["result"].is_null()) // who asked may have heard of it before the end
    CHECK(
        contains(run.result["result"]["refused"].get<std::string>(), "message type stray is not registered"));
  if (trace != "off") {
    program shown(CARELESS_PROGRAM, {"trace", "show", "--type", "stray", "--json"}, run.directory.path());
    CHECK(shown.wait() == 0);
    CHECK(contains(shown.output, R"("kind":"dropped")"));
    CHECK(contains(shown.output, R"("reason":"not_serializable")"));
  }
}

TEST_CASE("what an actor sends to an actor that it made itself needs no name", "[careless]") {
  const careless_run run("stray_to_helper", some_nodes());
  CHECK(run.ended("passed", 0));
  CHECK(run.result["result"]["n"] == 1);
}

TEST_CASE("a message that is too large is told to who sent it, with its size and the limit's key",
          "[careless]") {
  const auto how = GENERATE(as<std::string>{}, "bulk", "fetch");
  const careless_run run(how, "1", {"--set", "bytes=17000000"});
  CAPTURE(how, run.output);
  CHECK(run.ended("passed", 0)); // the scenario counts a refusal as a result
  const auto said = run.result["result"]["refused"].get<std::string>();
  CHECK(contains(said, "message bulk of 17,000,00"));
  CHECK(contains(said, "; message_max under [topology]"));
  CHECK(run.dropped("too_large") == 1);
}

TEST_CASE("larger messages pass where the file allows them, and in one process", "[careless]") {
  const auto how = GENERATE(as<std::string>{}, "bulk", "fetch");
  const auto [nodes, largest] = GENERATE(table<std::string, std::string>({{"1", "24MiB"}, {"0", "64KiB"}}));
  const careless_run run(how, nodes, {"--set", "bytes=20000000", "--set", "topology.message_max=" + largest});
  CAPTURE(how, nodes, run.reason());
  CHECK(run.ended("passed", 0));
  CHECK(run.result["result"]["n"] == 20'000'000);
}

TEST_CASE("what the process of a node writes is in its log in the run directory, shown or not",
          "[careless]") {
  const std::string quiet = GENERATE("", "--quiet");
  CAPTURE(quiet);
  const careless_run run("prints", "2",
                         quiet.empty() ? std::vector<std::string>{} : std::vector<std::string>{quiet});
  CHECK(run.ended("passed", 0));
  const auto text = content_of(run.directory / "runs/latest/w1.log");
  CAPTURE(text, run.errors);
  // Two streams, which may overtake each other.
  CHECK((text == "on \\x1b[31mstdout\non stderr\n" || text == "on stderr\non \\x1b[31mstdout\n"));
  CHECK(contains(run.errors, "on stderr") == quiet.empty());
  CHECK_FALSE(fs::exists(run.directory / "runs/latest/w2.log")); // it said nothing
  CHECK_FALSE(fs::exists(run.directory / "runs/latest/main.log"));
}
