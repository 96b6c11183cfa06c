// Every file in config/, run by the program in one process and in several, to the end that
// it promises.
#include "support/catch.hpp"
#include "support/program.hpp"
#include "support/tcp_client.hpp"
#include "support/temporary_directory.hpp"

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
};
const std::map<std::string, special> specials{
    {"dining_philosophers_naive.toml", {.code = 3}},
    {"dining_philosophers_naive_1000.toml", {.code = 3}},
    {"dining_philosophers_savina.toml",
     {.scaled = {"--set", "meals=400", "--set", "expect.result.meals=8000"}}},
    {"dining_philosophers_1000.toml", {.scaled = {"--set", "meals=3", "--set", "expect.result.meals=3000"}}},
    {"producer_consumer_bounded.toml",
     {.scaled = {"--set", "items=200", "--set", "expect.result.consumed=8000"}}},
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

/// Serves until it is told to stop: talks to it, then tells it.
void visit(program& troupe) {
  REQUIRE(troupe.says("serving until Ctrl-C"));
  const std::string before = "serving TCP on ";
  const auto at = troupe.errors.find(before) + before.size();
  tcp_client client{troupe.errors.substr(at, troupe.errors.find(' ', at) - at)};
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
  CHECK(code == (serving ? 130 : how.code));
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
