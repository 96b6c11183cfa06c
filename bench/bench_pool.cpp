// What a second process brings: the worker pool of config/worker_pool_many.toml with one
// worker in one process beside two in two, as the program itself runs it (so with the cores
// split among two, and all of them for one), with the trace off and with headers; then the
// same with numbers that take three times as long, where the messages weigh less. bench_pool [--json]
// [--rounds N]
#include "bench/support.hpp"

#include <fmt/format.h>

#include <chrono>
#include <cstdio>
#include <filesystem>
#include <stdexcept>
#include <stdlib.h>
#include <thread>

namespace bench {

namespace {

/// A directory for the runs, removed at the end.
class scratch {
 public:
  scratch() : path_((std::filesystem::temp_directory_path() / "troupe-bench-XXXXXX").string()) {
    if (::mkdtemp(path_.data()) == nullptr) throw std::runtime_error("cannot make " + path_);
  }
  ~scratch() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  scratch(const scratch&) = delete;
  scratch& operator=(const scratch&) = delete;
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

/// The file's own first number, and a larger one.
constexpr std::uint64_t first_numbers[] = {10'000'000'000'000, 100'000'000'000'000};

/// Runs the file and returns what result.json says of the time, in seconds.
double elapsed_s(int processes, const std::string& trace, std::uint64_t first, const std::string& out) {
  auto command =
      fmt::format("'{}' run '{}' --nodes {} --set workers={} --set first={} --trace {} --json --out '{}'",
                  TROUPE_PROGRAM, TROUPE_POOL_FILE, processes, processes, first, trace, out);
  FILE* pipe = ::popen(command.c_str(), "r");
  if (pipe == nullptr) throw std::runtime_error("cannot run " + command);
  std::string text;
  char part[4096];
  for (std::size_t got = 0; (got = std::fread(part, 1, sizeof part, pipe)) != 0;)
    text.append(part, got);
  ::pclose(pipe); // the sum of primes that the file expects holds for its own numbers only
  const auto result = nlohmann::json::parse(text, nullptr, false);
  if (result.is_discarded() || !result.contains("elapsed_s") || result["result"]["failed"] != 0
      || result["result"]["joined_at"] != 1000)
    throw std::runtime_error(command + " failed");
  return result["elapsed_s"].get<double>();
}

/// Divides as the tasks do, in so many threads at once; returns seconds.
double divide_s(int threads) {
  const auto begin = std::chrono::steady_clock::now();
  std::vector<std::jthread> all;
  for (int i = 0; i < threads; ++i)
    all.emplace_back([] {
      std::uint64_t divisors = 0;
      for (std::uint64_t d = 3; d < 60'000'000; d += 2)
        divisors += first_numbers[0] % d == 0;
      volatile auto kept = divisors;
      static_cast<void>(kept);
    });
  all.clear(); // joins
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
}

/// What a second core brings to two threads that share nothing: no pool can do better.
double machine_speed_up(int rounds) {
  std::vector<double> ratios;
  for (int round = 0; round < rounds; ++round) {
    const double one = divide_s(1);
    ratios.push_back(2 * one / divide_s(2));
  }
  return percentile(ratios, 0.5);
}

nlohmann::json measure(int rounds) {
  const scratch out;
  auto rows = nlohmann::json::array();
  for (const auto first : first_numbers)
    for (const std::string trace : {"off", "headers"}) {
      std::vector<double> one, two, ratios;
      for (int round = 0; round < rounds; ++round) { // in turn, so that a drifting machine hits both
        one.push_back(elapsed_s(1, trace, first, out.path()));
        two.push_back(elapsed_s(2, trace, first, out.path()));
        ratios.push_back(one.back() / two.back());
      }
      rows.push_back({{"first", first},
                      {"trace", trace},
                      {"one_s", percentile(one, 0.5)},
                      {"two_s", percentile(two, 0.5)},
                      {"speed_up", percentile(ratios, 0.5)}});
    }
  return {{"machine", machine()},
          {"rounds", rounds},
          {"machine_speed_up", machine_speed_up(rounds)},
          {"pool", rows}};
}

void print(const nlohmann::json& x) {
  fmt::print("{}\nmedians of {} rounds, 1,000 numbers\n\n{:>16} {:>10} {:>16} {:>18} {:>10}\n",
             x["machine"].get<std::string>(), x["rounds"].get<int>(), "first number", "trace",
             "one worker, s", "two processes, s", "speed-up");
  for (auto& row : x["pool"])
    fmt::print("{:>16} {:>10} {:>16.3f} {:>18.3f} {:>10.2f}\n", row["first"].get<std::uint64_t>(),
               row["trace"].get<std::string>(), row["one_s"].get<double>(), row["two_s"].get<double>(),
               row["speed_up"].get<double>());
  fmt::print("\nTwo threads that only divide, on this machine: {:.2f}\n",
             x["machine_speed_up"].get<double>());
}

} // namespace

} // namespace bench

int main(int argc, char** argv) {
  bool json = false;
  int rounds = 9;
  for (int i = 1; i < argc; ++i) {
    const std::string argument = argv[i];
    if (argument == "--json")
      json = true;
    else if (argument == "--rounds" && i + 1 < argc)
      rounds = std::stoi(argv[++i]);
    else {
      fmt::print(stderr, "usage: bench_pool [--json] [--rounds N]\n");
      return 2;
    }
  }
  const auto result = bench::measure(rounds);
  if (json)
    fmt::print("{}\n", result.dump(2));
  else
    bench::print(result);
}
