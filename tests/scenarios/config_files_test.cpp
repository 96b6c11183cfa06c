// Every file in config/, run by the program in one process and in several, to the end that
// it promises.
#include "tests/support/catch.hpp"
#include "tests/support/program.hpp"
#include "tests/support/tcp_client.hpp"
#include "tests/support/temporary_directory.hpp"

#include <csignal>
#include <fstream>
#include <map>
#include <sstream>

#include <nlohmann/json.hpp>

using namespace troupe::testing;
namespace fs = std::filesystem;
using nlohmann::json;

namespace {

const fs::path config = CONFIG_DIR;

/// How a file ends that does not simply pass, and what makes a long one short.
struct special {
  int code = 0;
  std::vector<std::string> scaled{};
  bool only_in_several = false; ///< in one process it passes
};
const std::map<std::string, special> specials{
    {"dining_philosophers_naive.toml", {.code = 3}},
    {"dining_philosophers_naive_1000.toml", {.code = 3}},
    {"dining_philosophers_savina.toml",
     {.scaled = {"--set", "meals=400", "--set", "expect.result.meals=8000"}}},
    {"dining_philosophers_1000.toml", {.scaled = {"--set", "meals=3", "--set", "expect.result.meals=3000"}}},
    {"producer_consumer_bounded.toml",
     {.scaled = {"--set", "items=200", "--set", "expect.result.consumed=8000"}}},
    {"reduction_killed.toml", {.code = 4, .only_in_several = true}},
    {"reduction_power.toml", {.code = 2}},
};

std::vector<fs::path> files() {
  std::vector<fs::path> result;
  for (auto& entry : fs::directory_iterator{config})
    if (entry.path().extension() == ".toml") result.push_back(entry.path());
  std::sort(result.begin(), result.end());
  return result;
}

std::string text_of(const fs::path& file) {
  std::ostringstream text;
  text << std::ifstream{file}.rdbuf();
  return text.str();
}

/// Where it serves, as soon as it does.
std::string address_of(program& troupe) {
  REQUIRE(troupe.says("serving until Ctrl-C"));
  const std::string before = "serving TCP on ";
  const auto at = troupe.errors.find(before) + before.size();
  return troupe.errors.substr(at, troupe.errors.find(' ', at) - at);
}

/// Serves until it is told to stop: talks to it, then tells it.
void visit(program& troupe) {
  tcp_client client{address_of(troupe)};
  REQUIRE(client.send("Hello, World!\n"));
  const auto line = client.line();
  CHECK((line == "Echoed back: Hello, World!" || line == "Welcome! 1 user(s) are online!"));
  client.close();
  troupe.signal(SIGINT);
}

bool serves(const fs::path& file) {
  const auto text = text_of(file);
  return text.find("scenario = \"echo_server\"") != std::string::npos
         && text.find("clients =") == std::string::npos;
}

void run_file(const fs::path& file, const std::string& nodes) {
  const auto name = file.filename().string();
  const auto found = specials.find(name);
  const auto how = found != specials.end() ? found->second : special{};
  const temporary_directory directory;
  std::vector<std::string> arguments{"run", file.string(), "--nodes", nodes};
  arguments.insert(arguments.end(), how.scaled.begin(), how.scaled.end());
  program troupe(TROUPE_PROGRAM, arguments, directory.path());
  const bool serving = serves(file);
  if (serving) visit(troupe);
  const int code = troupe.wait();
  INFO(name << " --nodes " << nodes << '\n' << troupe.errors << troupe.output);
  const int expected = how.only_in_several && nodes == "0" ? 0 : how.code;
  CHECK(code == (serving ? 130 : expected));
  if (code == 2) {
    CHECK(troupe.errors.find(name + ':') != std::string::npos);
    return;
  }
  json result;
  std::ifstream{directory / "runs" / "latest" / "result.json"} >> result;
  bool balanced = false;
  for (auto& check : result.at("checks")) {
    if (check.at("name") == "the books balance") balanced = check.at("passed").get<bool>();
    INFO(check.dump());
    CHECK(check.at("passed") == true);
  }
  CHECK(balanced);
  CHECK(result.at("nodes").size() == 1 + std::stoul(nodes));
}

} // namespace

TEST_CASE("every file in config/ ends as it promises in one process", "[config]") {
  for (auto& file : files())
    run_file(file, "0");
}

TEST_CASE("every file in config/ ends as it promises in several processes", "[config]") {
  // Some place their actors on w1 to w3.
  for (auto& file : files())
    run_file(file, file.filename() == "worker_pool_factors.toml" ? "3" : "2");
}

TEST_CASE("a server that gets SIGTERM with requests open answers for two seconds and counts the others",
          "[config]") {
  const temporary_directory directory;
  program troupe(TROUPE_PROGRAM, {"run", (config / "echo_server.toml").string(), "--set", "work=700ms"},
                 directory.path());
  tcp_client client{address_of(troupe)};
  REQUIRE(client.send("one\ntwo\nthree\nfour\nfive\nsix\n"));
  CHECK(client.line() == "Echoed back: one"); // so the others were accepted, they came in one piece
  troupe.signal(SIGTERM);
  std::uint64_t echoes = 1;
  for (auto line = client.line(); line.starts_with("Echoed back: "); line = client.line())
    ++echoes;
  CHECK(troupe.wait() == 130);
  INFO(troupe.errors << troupe.output);
  json run;
  std::ifstream{directory / "runs" / "latest" / "result.json"} >> run;
  const auto& lines = run.at("result").at("sockets").at("lines");
  CHECK(lines.at("accepted") == 6);
  CHECK(lines.at("answered") == echoes);
  CHECK(lines.at("unanswered").at("stopped") == 6 - echoes);
  CHECK(echoes < 6);
}

TEST_CASE("what cannot go together is told with its place in the file, and nothing is started", "[config]") {
  const auto [scenario, parameters, complaint] = GENERATE(table<std::string, std::string, std::string>({
      {"producer_consumer", "pull = true\norder = 'priority'", "order = \"priority\" needs items that wait"},
      {"worker_pool", "workers = 3\ninputs = [1]\ncount = 2",
       "give either inputs, or texts, or first and count"},
      {"reduction", "inputs = [2, 1, 2]\noperator = 'power'", "cannot be reduced in a tree"},
      {"dining_philosophers", "strategy = 'backoff'\nbackoff = '0s'", "is no wait"},
      {"echo_server", "tcp = ''\nzeromq = ''", "nobody could reach the server"},
  }));
  const temporary_directory directory;
  std::ofstream{directory / "bad.toml"} << "scenario = '" << scenario << "'\n[parameters]\n"
                                        << parameters << '\n';
  program troupe(TROUPE_PROGRAM, {"run", "bad.toml"}, directory.path());
  CHECK(troupe.wait() == 2);
  INFO(troupe.errors);
  // At one of the parameters that the sentence names.
  std::size_t line = 0, column = 0;
  REQUIRE(std::sscanf(troupe.errors.c_str(), "bad.toml:%zu:%zu: error: ", &line, &column) == 2);
  CHECK(line >= 3);
  CHECK(troupe.errors.find(complaint) != std::string::npos);
  CHECK(troupe.errors.find("nothing was started") != std::string::npos);
  CHECK_FALSE(fs::exists(directory / "runs"));
}

TEST_CASE("a deadline ends a run of every scenario in order, and what was left undone is counted",
          "[config]") {
  const auto [file, changes, count] = GENERATE(table<std::string, std::vector<std::string>, std::string>({
      {"producer_consumer.toml", {"--set", "unit=10s"}, "left_over"},
      {"worker_pool_sleep.toml", {"--set", "unit=1h"}, "cancelled"},
      {"reduction_large.toml", {"--set", "count=1000000000", "--set", "chunk=100"}, "left_undone"},
      {"dining_philosophers.toml", {"--set", "meals=1000000"}, "left_undone"},
      {"echo_server_load.toml", {"--set", "work=1h"}, "load"},
  }));
  const std::string nodes = GENERATE("0", "2");
  json run;
  std::string told;
  // The first of these within which a busy machine starts all of the run.
  for (const std::string deadline : {"3s", "12s", "48s"}) {
    const temporary_directory directory;
    std::vector<std::string> arguments{"run", (config / file).string(), "--nodes", nodes, "--json"};
    arguments.insert(arguments.end(), {"--deadline", deadline});
    arguments.insert(arguments.end(), changes.begin(), changes.end());
    program troupe(TROUPE_PROGRAM, arguments, directory.path());
    const int code = troupe.wait();
    told = file + " --nodes " + nodes + " --deadline " + deadline + '\n' + troupe.errors + troupe.output;
    INFO(told);
    CHECK(code == 3);
    run = json::parse(troupe.output, nullptr, false);
    REQUIRE(run.is_object());
    CHECK(run.at("verdict") == "deadline");
    if (run.at("reason").get<std::string>().find("passed before") == std::string::npos) break;
  }
  INFO(told);
  REQUIRE(run.at("result").is_object());
  const auto& found = run.at("result").at(count);
  CHECK((count == "load" ? found.at("unanswered") : found).get<std::int64_t>()
        >= (count == "left_over" ? 0 : 1));
  for (auto& node : run.at("nodes"))
    CHECK(node.at("ended") == "left");
}

TEST_CASE("every file in config/ is listed in its README, and every one that is listed exists", "[config]") {
  const auto readme = text_of(config / "README.md");
  for (auto& file : files()) {
    const auto name = file.filename().string();
    INFO(name);
    CHECK(readme.find('(' + name + ')') != std::string::npos);
    CHECK(text_of(file).starts_with("# "));
  }
  for (auto at = readme.find(".toml)"); at != std::string::npos; at = readme.find(".toml)", at + 1)) {
    const auto begin = readme.rfind('(', at) + 1;
    const auto name = readme.substr(begin, at + 5 - begin);
    INFO(name);
    CHECK(fs::exists(config / name));
  }
}
