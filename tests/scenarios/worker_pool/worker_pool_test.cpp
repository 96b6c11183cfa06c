#include "scenarios/worker_pool/worker_pool.hpp"

#include "scenarios/worker_pool/actors.hpp"
#include "tests/runner/run_text.hpp"
#include "tests/support/scripted_run.hpp"
#include "tests/support/test_system.hpp"

#include <numeric>
#include <set>
#include <sstream>

using namespace troupe;
using namespace troupe::scenarios;
using namespace std::chrono_literals;
using nlohmann::json;
using troupe::testing::failures;
using troupe::testing::refusal;
using troupe::testing::run_text;
using troupe::testing::run_text_until_progress;
using troupe::testing::scripted_run;

namespace {

const scenario& demo() {
  static const scenario s = worker_pool(standard_tasks());
  return s;
}

const std::string head = "scenario = \"worker_pool\"\ndeadline = \"10m\"\n[parameters]\n";

parameters work(const std::string& task, std::vector<std::int64_t> inputs, std::int64_t workers) {
  parameters values;
  values.set("task", task);
  values.set("inputs", std::move(inputs));
  values.set("workers", workers);
  return values;
}

/// In virtual time, in an order drawn from a seed; every check holds.
json compute(const parameters& values, std::uint64_t seed) {
  scripted_run run{demo(), values, seed};
  INFO("seed " << seed);
  const bool through = run.go();
  REQUIRE(run.failure().value_or("") == "");
  REQUIRE(through);
  CHECK(run.failed_checks() == "");
  CHECK(run.result()->at("workers_exited") == values.integer("workers"));
  CHECK(run.result()->at("tasks_after_pill") == 0);
  return *run.result();
}

json outputs(const json& result) {
  json list = json::array();
  for (auto& row : result.at("results"))
    list.push_back(row.at("output"));
  return list;
}

} // namespace

TEST_CASE("ten numbers are tested for being prime, each once, and everybody gets a pill", "[worker_pool]") {
  const auto dispatch = GENERATE("pull", "round_robin");
  const std::int64_t workers = GENERATE(1, 3, 16);
  auto values = work("is_prime", {2, 36, 101, 193, 323, 513, 1327, 100000, 9999999, 433785907}, workers);
  values.set("dispatch", std::string{dispatch});
  for (std::uint64_t seed = 0; seed < 10; ++seed) {
    const auto result = compute(values, seed);
    CHECK(outputs(result) == json{true, false, true, true, false, false, true, false, false, true});
    CHECK(result.at("primes").at("count") == 5);
    CHECK(result.at("joined_at") == 10);
  }
}

TEST_CASE("factors come in order", "[worker_pool]") {
  const auto result = compute(work("factors", {1, 10, 4, 3}, 3), 1);
  CHECK(outputs(result) == json{{1}, {1, 2, 5, 10}, {1, 2, 4}, {1, 3}});
  // Nobody is idle while somebody has a heap.
  for (auto& worker : result.at("per_worker"))
    CHECK(worker.at("tasks").get<int>() >= 1);
}

TEST_CASE("a thousand numbers from 10^13 on hold 34 primes", "[worker_pool]") {
  const int nodes = GENERATE(0, 2);
  const auto result = run_text(demo(), head + "first = 10_000_000_000_000\ncount = 1000\nworkers = 2", nodes);
  INFO(failures(result));
  CHECK(result.result_verdict == verdict::passed);
  CHECK(result.result.at("primes") == json{{"count", 34}, {"sum", 340'000'000'018'080}});
}

TEST_CASE("in slices short tasks overtake a long one; without, they wait", "[worker_pool]") {
  auto values = work("is_prime", {9'637'529'763'296'797, 427'920'331, 157}, 1);
  values.set("prefetch", std::int64_t{3});
  auto result = compute(values, 1);
  CHECK(outputs(result) == json{true, true, true});
  CHECK(result.at("order").at(2) == 9'637'529'763'296'797);
  values.set("prefetch", std::int64_t{1});
  result = compute(values, 1);
  CHECK(result.at("order").at(0) == 9'637'529'763'296'797);
  values.set("workers", std::int64_t{2});
  result = compute(values, 1);
  CHECK(result.at("order").at(2) == 9'637'529'763'296'797);
}

TEST_CASE("open requests wait at the same time, and one times out", "[worker_pool]") {
  const auto [workers, prefetch] = GENERATE(table<std::int64_t, std::int64_t>({{4, 1}, {1, 4}, {2, 2}}));
  auto values = work("sleep", {0, 4, 20, 0}, workers);
  values.set("prefetch", prefetch);
  values.set("limit", 5.0);
  values.set("unit", std::chrono::nanoseconds{1s});
  const auto result = compute(values, 7);
  CHECK(outputs(result) == json{"answered", "answered", "timed out", "answered"});
  const auto at = [&](std::size_t i) { return result.at("results").at(i).at("at_s").get<double>(); };
  CHECK(at(0) == Approx(0).margin(1e-6));
  CHECK(at(1) == Approx(4));
  CHECK(at(2) == Approx(5));
  CHECK(at(3) == Approx(0).margin(1e-6));
  CHECK(result.at("took_s").get<double>() == Approx(5));
}

TEST_CASE("one after the other, requests take as long as all of them", "[worker_pool]") {
  auto values = work("sleep", {0, 4, 20, 0}, 1);
  values.set("prefetch", std::int64_t{1});
  values.set("limit", 5.0);
  values.set("unit", std::chrono::nanoseconds{1s});
  CHECK(compute(values, 7).at("took_s").get<double>() == Approx(9));
}

TEST_CASE("a chain of values is not helped by workers, and the result says so", "[worker_pool]") {
  auto values = work("iterate", {3}, 4);
  values.set("modulo", std::int64_t{100'000});
  auto result = compute(values, 1);
  CHECK(outputs(result) == json{35443});
  CHECK_THAT(result.at("note").get<std::string>(), Catch::Matchers::Contains("more workers do not help"));
  values.set("modulo", std::int64_t{0});
  result = compute(values, 1);
  const auto text = outputs(result).at(0).get<std::string>();
  CHECK_THAT(text, Catch::Matchers::Contains("35443 (") && Catch::Matchers::EndsWith(" digits)"));
}

TEST_CASE("passwords are hashed as others hash them", "[worker_pool]") {
  parameters values;
  values.set("task", std::string{"scrypt"});
  values.set("texts", std::vector<std::string>{"password"});
  values.set("scrypt_n", std::int64_t{1024});
  // hashlib.scrypt(b"password", salt=b"NaCl", n=1024, r=8, p=1)
  values.set("workers", std::int64_t{1});
  CHECK(outputs(compute(values, 1)).at(0)
        == "27b418c674c769d12501fbb1f53bac32df6514c0f28d043872b148b348961a79057a6861cc3553246aa0ddb63bc0"
           "74450b924022547a799538d603396835dd62");
}

TEST_CASE("tasks that are no input for their kind fail one by one, and the run says so", "[worker_pool]") {
  const auto result = run_text(demo(), head + "task = \"factors\"\ninputs = [6, 0, -3]", 0);
  CHECK(result.result_verdict == verdict::check_failed);
  CHECK(result.result.at("failed") == 2);
  CHECK(result.result.at("results").at(0).at("output") == json{1, 2, 3, 6});
  CHECK_THAT(result.reason, Catch::Matchers::Contains("a whole number of at least 1, not 0"));
}

TEST_CASE("a worker that dies hands its tasks back", "[worker_pool]") {
  const auto dispatch = GENERATE("pull", "round_robin");
  for (std::uint64_t seed = 0; seed < 20; ++seed) {
    INFO(dispatch << ", seed " << seed);
    auto values = work("sleep", {1, 2, 3, 4, 5, 6, 7, 8, 9, 10}, 3);
    values.set("dispatch", std::string{dispatch});
    values.set("prefetch", std::int64_t{2});
    scripted_run run{demo(), values, seed};
    run.go(40 + seed);
    REQUIRE_FALSE(run.result());
    run.kill("worker", seed % 3);
    REQUIRE(run.go());
    CHECK(run.failed_checks() == "");
    CHECK(run.result()->at("workers_exited") == 2);
    CHECK(run.result()->at("cancelled") == 0);
  }
}

TEST_CASE("without any worker left the run fails with a reason", "[worker_pool]") {
  auto values = work("iterate", {1, 2, 3}, 2);
  values.set("times", std::int64_t{1} << 39);
  values.set("modulo", std::int64_t{1'000});
  scripted_run run{demo(), values, 3};
  run.go(30);
  run.kill("worker", 0);
  run.kill("worker", 1);
  CHECK_FALSE(run.go());
  REQUIRE(run.failure());
  CHECK_THAT(*run.failure(), Catch::Matchers::Contains("every worker is gone, with 3 tasks left"));
}

TEST_CASE("a pool that is stopped counts what was not done", "[worker_pool]") {
  const int nodes = GENERATE(0, 2);
  const auto result = run_text_until_progress( // of the one task that takes no time
      demo(),
      "scenario = \"worker_pool\"\n[parameters]\ntask = \"sleep\"\n"
      "inputs = [0, 1, 1, 1, 1, 1]\nunit = \"1h\"\nworkers = 2\nprefetch = 1\n",
      nodes);
  CHECK(result.result_verdict == verdict::interrupted);
  REQUIRE(result.result.is_object());
  CHECK(result.result.at("cancelled") == 5);
  CHECK(result.result.at("results").at(1).at("cancelled") == true);
  CHECK(result.result.at("results").at(0).at("output") == "answered");
}

TEST_CASE("impossible combinations are refused with a sentence", "[worker_pool]") {
  const auto [parameters, sentence] = GENERATE(table<std::string, std::string>({
      {"workers = 2", "there is nothing to do"},
      {"inputs = [1]\ncount = 2", "give either inputs, or texts, or first and count"},
      {"task = \"scrypt\"\ninputs = [1]", "takes texts"},
      {"task = \"factors\"\ntexts = [\"a\"]", "takes numbers"},
      {"task = \"scrypt\"\ntexts = [\"a\"]\nscrypt_n = 1000", "power of two"},
      {"task = \"iterate\"\ninputs = [3]\ntimes = 25", "at most 24 without modulo"},
  }));
  CHECK_THAT(refusal(demo(), head + parameters), Catch::Matchers::Contains(sentence));
}

TEST_CASE("a task of one's own is one more entry in the catalog", "[worker_pool]") {
  class collatz final : public running_task {
   public:
    explicit collatz(std::uint64_t n) : n_(n) {
      if (n == 0) throw std::invalid_argument("the input must be at least 1");
    }
    bool step(std::uint64_t steps) override {
      for (; steps > 0 && n_ != 1; --steps, ++length_)
        n_ = n_ % 2 == 0 ? n_ / 2 : 3 * n_ + 1;
      return n_ == 1;
    }
    json output() const override { return length_; }

   private:
    std::uint64_t n_, length_ = 0;
  };
  auto tasks = standard_tasks();
  tasks["collatz"] = [](const json& input) { return std::make_unique<collatz>(input.get<std::uint64_t>()); };
  const auto mine = worker_pool(tasks);
  for (int nodes : {0, 2}) {
    const auto result = run_text(mine, head + "task = \"collatz\"\ninputs = [1, 7, 27]", nodes);
    INFO(failures(result));
    CHECK(result.result_verdict == verdict::passed);
    CHECK(outputs(result.result) == json{0, 16, 111});
  }
}

TEST_CASE("of very many tasks the result shows the first, and all are told as they come", "[worker_pool]") {
  auto values = work("is_prime", {}, 3);
  values.set("inputs", std::vector<std::int64_t>{});
  values.set("count", std::int64_t{2'500});
  values.set("prefetch", std::int64_t{16});
  scripted_run run{demo(), values, 3};
  REQUIRE(run.go(10'000'000));
  CHECK(run.failed_checks() == "");
  const auto& result = *run.result();
  CHECK(result.at("tasks") == 2'500);
  CHECK(result.at("primes") == json{{"count", 367}, {"sum", 420812}});
  REQUIRE(result.at("results").size() == 1'000);
  CHECK(result.at("results").at(999).at("input") == 999);
  const json cut{{"shown", 1'000}, {"of", 2'500}, {"all_in", "results.jsonl"}};
  CHECK(result.at("results_cut") == cut);
  CHECK(result.at("order").size() == 1'000);
  CHECK(result.at("order_cut") == cut);
  std::istringstream in{run.lines("results")};
  std::set<std::int64_t> inputs;
  std::int64_t rank = 0;
  for (std::string line; std::getline(in, line);) {
    const auto row = json::parse(line);
    inputs.insert(row.at("input").get<std::int64_t>());
    REQUIRE(row.at("rank") == ++rank);
    if (rank <= 1'000) REQUIRE(result.at("order").at(static_cast<std::size_t>(rank) - 1) == row.at("input"));
  }
  CHECK(inputs.size() == 2'500);
}

TEST_CASE("results that cannot be written down are told at once, and fail the run with the reason",
          "[worker_pool]") {
  const auto loaded = parse(head + "count = 1_500\nworkers = 2", "test.toml", {&demo()}, {}, {});
  REQUIRE(loaded.result);
  const testing::temporary_directory directory;
  std::filesystem::create_directory(directory / "results.jsonl");
  testing::kept_warnings warnings;
  run_options options;
  options.what = *loaded.result;
  options.run_dir = directory.path();
  options.observer.on_warning = warnings.keep();
  const auto run = execute(demo(), options);
  const auto why = "cannot create " + (directory / "results.jsonl").string() + ": File exists";
  CHECK(warnings.all() == std::vector{why});
  CHECK(run.result_verdict == verdict::check_failed);
  CHECK(run.reason == "what the result does not show is in its file: " + why);
  CHECK(run.result.at("primes").at("count") == 239);
  CHECK(run.result.at("results").size() == 1'000);
}

TEST_CASE("results of short tasks wait for one another, but not for long", "[worker_pool]") {
  struct patient final : running_task {
    bool step(std::uint64_t) override { return --slices_left == 0; }
    json output() const override { return {}; }
    int slices_left = 1000;
  };
  auto tasks = standard_tasks();
  tasks["patient"] = [](const json&) { return std::make_unique<patient>(); };
  testing::test_system sys{trace::level::off, add_worker_pool_messages};
  std::size_t results = 0;
  auto coordinator = sys.system().spawn([&](caf::event_based_actor*) -> caf::behavior {
    return {[&](const worker_ready&) {}, [&](const task_done&) { ++results; }};
  });
  auto worker = sys.system().spawn(pool_worker, coordinator, std::make_shared<const task_catalog>(tasks));
  std::uint64_t tasks_sent = 0;
  const auto assign = [&](const std::string& kind, std::size_t count) {
    for (std::size_t i = 0; i < count; ++i)
      caf::anon_send(worker, assign_task{tasks_sent++, kind, "7"});
  };
  // Many slices of each, all at the same moment; then what was told.
  const auto work = [&] {
    sys.run(1000);
    sys.scheduler().prioritize(coordinator);
    sys.run(1000);
  };
  assign("patient", 80);
  assign("is_prime", 63);
  work();
  CHECK(results == 0);
  assign("is_prime", 1);
  work();
  CHECK(results == 64);
  assign("is_prime", 1);
  work();
  CHECK(results == 64);
  sys.scheduler().advance_time(10ms);
  work();
  CHECK(results == 65);
}

TEST_CASE("what a foreign worker answers is a result only if it is JSON", "[worker_pool]") {
  testing::test_system sys{trace::level::off, [](message_catalog& catalog) {
                             add_worker_pool_messages(catalog);
                             add_run_messages(catalog);
                           }};
  json result;
  auto collector = sys.system().spawn([&](caf::event_based_actor*) -> caf::behavior {
    return {[&](const run_progress&) {}, [&](const run_finished& x) { result = json::parse(x.result); }};
  });
  pool_settings settings{.task = "is_prime",
                         .labels = {"1", "2", "3", "4", "5", "6"},
                         .inputs = {},
                         .dispatch = "pull",
                         .prefetch = 8,
                         .workers = 1};
  const std::vector<std::string> outputs{
      "true", "maybe", "", "true}, {", "\"\xff\"", std::string(400'000, '[') + std::string(400'000, ']')};
  auto coordinator = sys.system().spawn(pool_coordinator, collector, settings);
  sys.system().spawn([&](caf::event_based_actor* self) -> caf::behavior {
    self->send(coordinator, worker_ready{"py1"});
    return {[=, &outputs](const assign_task& x) {
              self->send(coordinator, task_done{x.task, outputs.at(x.task), {}, {}});
            },
            [=](const poison_pill&) {
              self->send(coordinator, worker_exiting{6, 0});
              self->quit();
            }};
  });
  sys.system().spawn(pool_customer, coordinator);
  sys.run();
  REQUIRE(result.is_object());
  CHECK(result.at("failed") == 5);
  CHECK(result.at("results").at(0).at("output") == true);
  for (std::size_t i = 1; i < outputs.size(); ++i)
    CHECK_THAT(result.at("results").at(i).at("error").get<std::string>(),
               Catch::Matchers::StartsWith(i == 5 ? "its worker's answer has more than 500 levels: \"[["
                                                  : "its worker's answer is not JSON: \""));
  CHECK(result.at("primes") == json{{"count", 1}, {"sum", 1}});
}
