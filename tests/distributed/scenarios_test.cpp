// The scenarios over real processes, where something goes wrong on purpose.
#include "base/open_files.hpp"
#include "base/random.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/memory.hpp"
#include "tests/support/program.hpp"
#include "tests/support/sanitized.hpp"
#include "tests/support/tcp_client.hpp"
#include "tests/support/temporary_directory.hpp"
#include "tests/support/text.hpp"

#include <nlohmann/json.hpp>

#include <map>
#include <random>
#include <set>

using namespace troupe;
using namespace troupe::testing;
namespace fs = std::filesystem;
using nlohmann::json;

namespace {

const fs::path config = CONFIG_DIR;

struct ended_run {
  int code = 0;
  json result; ///< what --json prints
  std::string errors;
};

ended_run run_file(const fs::path& file, const std::vector<std::string>& more) {
  const temporary_directory directory;
  std::vector<std::string> arguments{"run", file.string(), "--json"};
  arguments.insert(arguments.end(), more.begin(), more.end());
  program troupe(TROUPE_PROGRAM, arguments, directory.path());
  ended_run ended;
  ended.code = troupe.wait();
  ended.result = json::parse(troupe.output, nullptr, false);
  ended.errors = troupe.errors;
  INFO(troupe.errors << troupe.output);
  REQUIRE(ended.result.is_object());
  return ended;
}

json check_of(const json& run, const std::string& name) {
  for (const auto& check : run.at("checks"))
    if (check.at("name") == name) return check;
  return {{"passed", false}, {"detail", "there is no such check"}};
}

std::string fault(const std::string& action, std::int64_t at_ms, const std::string& more = {}) {
  return "faults=[{ action = '" + action + "', node = 'w2', at = '" + std::to_string(at_ms) + "ms'" + more
         + " }]";
}

} // namespace

TEST_CASE("results of very many tasks are in a file beside result.json, a line each", "[pool]") {
  const temporary_directory directory;
  program troupe(TROUPE_PROGRAM,
                 {"run", (config / "worker_pool_many.toml").string(), "--json", "--set", "count=5000",
                  "--set", "first=1", "--set",
                  "expect.result.primes={ equals = { count = 669, sum = 1548136 } }"},
                 directory.path());
  const auto code = troupe.wait();
  INFO(troupe.errors);
  REQUIRE(code == 0);
  const auto run = json::parse(troupe.output);
  const auto& result = run.at("result");
  CHECK(result.at("results").size() == 1000);
  CHECK(result.at("results_cut") == json{{"shown", 1000}, {"of", 5000}, {"all_in", "results.jsonl"}});
  std::ifstream file(directory.path() / run.at("run_dir").get<std::string>() / "results.jsonl");
  std::set<std::int64_t> inputs;
  std::string line;
  for (int rank = 1; std::getline(file, line); ++rank) {
    const auto row = json::parse(line);
    REQUIRE(row.at("rank") == rank);
    inputs.insert(row.at("input").get<std::int64_t>());
  }
  CHECK(inputs.size() == 5000);
}

TEST_CASE("a reduction whose node is killed says so, and counts what was not folded", "[reduction]") {
  const auto ended = run_file(config / "reduction_killed.toml", {"--set", "count=1000000000"});
  const auto& run = ended.result;
  INFO(run.dump(2));
  CHECK(ended.code == 4);
  CHECK(run.at("verdict") == "node_lost");
  CHECK(run.at("reason").get<std::string>().starts_with("node w2 lost: "));
  CHECK(check_of(run, "the books balance").at("passed") == true);
  const auto& result = run.at("result");
  CHECK(result.at("complete") == false);
  CHECK(result.at("value").is_null());
  CHECK(result.at("reducers_lost") == 4);
  CHECK(result.at("folded").get<std::int64_t>() > 0);
  CHECK(result.at("folded").get<std::int64_t>() + result.at("left_undone").get<std::int64_t>()
        == 1'000'000'000);
}

TEST_CASE("whenever a node is killed, a reduction gives its value or says which node was lost",
          "[reduction]") {
  const auto seed = std::random_device{}();
  INFO("seed " << seed);
  std::mt19937_64 random{seed};
  for (int i = 0; i < 6; ++i) {
    const auto at = draw_between(random, 0, 250);
    const auto ended =
        run_file(config / "reduction_killed.toml", {"--set", "count=300000", "--set", fault("kill", at)});
    const auto& run = ended.result;
    INFO("killed at " << at << " ms: " << run.dump(2));
    CHECK(check_of(run, "the books balance").at("passed") == true);
    if (ended.code == 0) {
      CHECK(run.at("result").at("value") == 45'000'150'000);
      continue;
    }
    CHECK(ended.code == 4);
    CHECK(run.at("reason").get<std::string>().starts_with("node w2 "));
    REQUIRE(run.at("result").is_object());
    CHECK(run.at("elapsed_s").get<double>() < 30);
  }
}

TEST_CASE("a file may be larger than the memory that each process may have", "[reduction]") {
  const std::string nodes = GENERATE("0", "2");
  CAPTURE(nodes);
  const temporary_directory directory;
  constexpr std::uint64_t lines = 1600, line_bytes = 60'000;
  {
    std::ofstream file{directory / "ngrams.tsv", std::ios::binary};
    for (std::uint64_t i = 0; i < lines; ++i) // few lines, but long ones: they are the chunks' size
      file << "word" << i % 3 << "\t2000\t" << std::string(line_bytes, '0') << i % 10 << "\t1\n";
    REQUIRE(file.flush());
  }
  std::ofstream{directory / "large.toml"} << "scenario = \"reduction\"\ndeadline = \"10m\"\n[parameters]\n"
                                             "operator = \"histogram\"\nfile = \"ngrams.tsv\"\nchunk = 4\n";
  const std::uint64_t limit_kib = 60 << 10;
  REQUIRE(fs::file_size(directory / "ngrams.tsv") > limit_kib * 1024 * 3 / 2);
  // Its nodes inherit the limits. Memory is what can be written to; a thread's stack counts whole.
  const auto limits = "ulimit -s 1024; ulimit -d " + std::to_string(limit_kib) + "; ";
  program troupe("/bin/sh",
                 {"-c", (sanitized ? "" : limits) + "exec \"$0\" run large.toml --json --nodes " + nodes,
                  TROUPE_PROGRAM},
                 directory.path());
  const int code = troupe.wait();
  INFO(troupe.errors << troupe.output);
  REQUIRE(code == 0);
  const auto run = json::parse(troupe.output);
  CHECK(run.at("result").at("elements") == lines);
  std::map<std::string, std::uint64_t> found, expected;
  for (std::uint64_t i = 0; i < lines; ++i)
    expected["word" + std::to_string(i % 3)] += i % 10;
  for (const auto& row : run.at("result").at("value"))
    found[row.at("word")] = row.at("count");
  CHECK(found == expected);
}

TEST_CASE("an expectation that does not hold fails the run", "[worker_pool]") {
  const auto ended = run_file(config / "worker_pool.toml", {"--set", "expect.result.failed=7"});
  INFO(ended.result.dump(2));
  CHECK(ended.code == 1);
  CHECK(ended.result.at("verdict") == "check_failed");
  CHECK(ended.result.at("reason") == "expect result.failed = 7: found 0, expected 7");
}

TEST_CASE("a pool that lost all its nodes ends with that verdict", "[worker_pool]") {
  // Whoever fails by a loss may be heard before the loss is: the order of the two must not matter.
  const auto both = "faults=[{ action = 'kill', node = 'w1', at = '" + std::to_string(GENERATE(0, 100))
                    + "ms' }, " + "{ action = 'kill', node = 'w2', at = '100ms' }]";
  const auto ended = run_file(config / "worker_pool_killed.toml", {"--set", "count=200", "--set", both});
  const auto& run = ended.result;
  INFO(run.dump(2));
  CHECK(ended.code == 4);
  CHECK(run.at("verdict") == "node_lost");
  const auto reason = run.at("reason").get<std::string>();
  CHECK((reason.starts_with("every worker is gone, with ") || reason.starts_with("node w")));
  CHECK(reason.find(" lost: ") != std::string::npos);
  CHECK(check_of(run, "the books balance").at("passed") == true);
}

TEST_CASE("a node that a fault halted goes on when the run ends, and leaves in order", "[worker_pool]") {
  const auto ended =
      run_file(config / "worker_pool.toml",
               {"--set", "topology.nodes=2", "--set", "topology.place.worker=w1", "--set", fault("stop", 0)});
  const auto& run = ended.result;
  INFO(run.dump(2) << ended.errors);
  CHECK(ended.code == 0);
  for (const auto& node : run.at("nodes"))
    CHECK(node.at("ended") == "left");
}

TEST_CASE(
    "a node that a fault halted goes on when the deadline passes, and is not lost while others wait for it",
    "[producer_consumer]") {
  const auto ended =
      run_file(config / "producer_consumer.toml",
               {"--nodes", "2", "--set", "unit=10s", "--deadline", "2s", "--set", fault("stop", 0)});
  const auto& run = ended.result;
  INFO(run.dump(2) << ended.errors);
  CHECK(ended.code == 3);
  CHECK(run.at("messages").at("lost") == 0);
  for (const auto& node : run.at("nodes"))
    CHECK(node.at("ended") == "left");
}

TEST_CASE("a node that is halted until it counts as lost is lost for good, and its late results do not count",
          "[worker_pool]") {
  const auto halted = [] {
    return run_file(config / "worker_pool_killed.toml",
                    {"--set", "count=110", "--set", fault("stop", 100, ", lasting = '6s'")});
  };
  auto ended = halted();
  // If this machine stood still meanwhile, that node was not silent for long enough.
  for (int again = 0; again < 4 && ended.result.at("result").at("redelivered") == 0; ++again)
    ended = halted();
  const auto& run = ended.result;
  INFO(run.dump(2));
  CHECK(ended.code == 0);
  CHECK(run.at("result").at("redelivered").get<int>() >= 1);
  CHECK(run.at("result").at("duplicates_dropped") == 0);
  std::set<std::size_t> ranks;
  for (const auto& row : run.at("result").at("results"))
    ranks.insert(row.at("rank").get<std::size_t>());
  CHECK(ranks.size() == 110);
  CHECK(check_of(run, "the books balance").at("passed") == true);
  for (const auto& node : run.at("nodes"))
    CHECK(node.at("ended") == (node.at("name") == "w2" ? "exit code 4" : "left"));
}

TEST_CASE("thousands of connections at once are echoed, with little memory for each", "[echo_server]") {
  const file_reservation files{2000};
  const auto crowd = files.granted(); // of 2,000 where the system allows it
  const temporary_directory directory;
  program troupe(TROUPE_PROGRAM,
                 {"run", (config / "echo_server.toml").string(), "--set", "connections_max=5000"},
                 directory.path());
  REQUIRE(troupe.says("serving until Ctrl-C"));
  const std::string before = "serving TCP on ";
  const auto at = troupe.errors.find(before) + before.size();
  const auto address = troupe.errors.substr(at, troupe.errors.find(' ', at) - at);
  const auto alone = resident_kib(troupe.pid());
  std::vector<tcp_client> clients;
  for (std::size_t i = 0; i < crowd; ++i) {
    clients.emplace_back(address);
    REQUIRE(clients.back().send("client " + std::to_string(i) + '\n'));
  }
  std::size_t echoed = 0;
  for (std::size_t i = 0; i < crowd; ++i)
    echoed += clients[i].line() == "Echoed back: client " + std::to_string(i);
  CHECK(echoed == crowd);
  const auto kib_each = static_cast<double>(resident_kib(troupe.pid()) - alone) / static_cast<double>(crowd);
  INFO(kib_each << " KiB for each connection");
  CHECK(kib_each < 64);
  troupe.signal(SIGINT);
  CHECK(troupe.wait() == 130);
  const auto run = json::parse(std::ifstream{directory / "runs" / "latest" / "result.json"});
  CHECK(run.at("result").at("sockets").at("connections_peak") == crowd);
  CHECK(run.at("result").at("sockets").at("lines").at("answered") == crowd);
}

TEST_CASE("a load for which the system has too few open files is refused with their number",
          "[echo_server]") {
  const std::string over = GENERATE("tcp", "zeromq");
  const std::string nodes = GENERATE("0", "2");
  CAPTURE(over, nodes);
  const temporary_directory directory;
  program troupe("/bin/sh",
                 {"-c",
                  "ulimit -n 600; exec \"$0\" run \"$1\" --nodes " + nodes
                      + " --set clients=5000 --set connections_max=5000",
                  TROUPE_PROGRAM, (config / ("echo_server_load_" + over + ".toml")).string()},
                 directory.path());
  CHECK(troupe.wait() == 1);
  INFO(troupe.errors << troupe.output);
  CHECK(troupe.errors.find("the system allows this process no more open files") != std::string::npos);
  CHECK(troupe.output.find("check_failed: echo_server in ") != std::string::npos);
  CHECK(troupe.output.find("the load cannot begin: ") != std::string::npos);
  CHECK(troupe.output.find(" more: see ulimit -Hn") != std::string::npos);
}
