// Deadlocks are found and named, over several processes too; what could go on is left alone.
#include "scenarios/dining_philosophers/dining_philosophers.hpp"
#include "tests/runner/run_text.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/program.hpp"
#include "tests/support/temporary_directory.hpp"

#include <nlohmann/json.hpp>

#include <set>
#include <thread>

using namespace troupe;
using namespace troupe::scenarios;
using namespace troupe::testing;
using namespace std::chrono_literals;
using nlohmann::json;

namespace {

const std::filesystem::path config = CONFIG_DIR;

json run_file(const std::string& file, std::vector<std::string> more, int& code) {
  const temporary_directory directory;
  more.insert(more.begin(), {"run", (config / file).string(), "--json"});
  program troupe(TROUPE_PROGRAM, more, directory.path());
  code = troupe.wait();
  INFO(troupe.errors << troupe.output);
  auto result = json::parse(troupe.output, nullptr, false);
  REQUIRE(result.is_object());
  return result;
}

/// Each waits for the fork of the next, once around the table.
void check_circle(const json& steps, std::size_t philosophers) {
  REQUIRE(steps.size() == philosophers);
  std::set<std::size_t> seen;
  for (auto& step : steps) {
    std::size_t who = 0, fork = 0, holder = 0;
    const auto text = step.get<std::string>();
    INFO(text);
    REQUIRE(std::sscanf(text.c_str(), "philosopher %zu waits for fork %zu held by philosopher %zu", &who,
                        &fork, &holder)
            == 3);
    CHECK(fork == (who + 1) % philosophers);
    CHECK(holder == fork);
    seen.insert(who);
  }
  CHECK(seen.size() == philosophers);
}

// -- a run that always could go on: slow timers, long handlers, messages on their way --------

struct ball {
  int left = 0;
};
TROUPE_MESSAGE(ball, left)
struct wake_up {};
TROUPE_MESSAGE(wake_up)

struct dawdler_state {
  static inline const char* name = "dawdler";
  caf::response_promise promise;
  int left = 0;
};

/// Answers late: by a timer, by a handler that takes long, or by a receive time-out.
caf::behavior dawdler(actor_of<dawdler_state>* self, int kind, const caf::actor& next) {
  return {[self, kind, next](const ball& what) -> caf::result<int> {
            if (what.left == 0) return 0;
            self->state.left = what.left;
            self->state.promise = self->make_response_promise();
            if (kind == 0)
              self->delayed_send(self, 400ms, wake_up{});
            else {
              std::this_thread::sleep_for(400ms); // a handler at work, not a synchronisation
              self->send(self, wake_up{});
            }
            return caf::delegated<int>{};
          },
          [self, next](const wake_up&) {
            self->request(next, caf::infinite, ball{self->state.left - 1}).then([self](int hops) {
              self->state.promise.deliver(hops + 1);
            });
          }};
}

struct asker_state {
  static inline const char* name = "asker";
};
caf::behavior asker(actor_of<asker_state>* self, const caf::actor& collector, const caf::actor& first,
                    int balls) {
  self->request(first, caf::infinite, ball{balls}).then([=](int hops) {
    finish(self, collector, {{"hops", hops}});
    self->quit();
  });
  return {[](int) {}};
}

caf::behavior end_of_line(plain_actor*) {
  return {[](const ball&) { return 0; }};
}

scenario slow_but_alive() {
  scenario s{"slow", "a chain of requests whose answers take their time"};
  s.message<ball>().message<wake_up>();
  s.role("last", end_of_line, placement::workers);
  s.role("dawdler", dawdler, placement::workers);
  s.role("asker", asker, placement::main);
  s.start([](run& r) {
    auto next = r.spawn("last");
    for (int i = 0; i < 4; ++i)
      next = r.spawn("dawdler", i % 2, next);
    r.spawn("asker", r.collector(), next, 4);
  });
  return s;
}

} // namespace

TEST_CASE("naive philosophers are found stuck, and the circle is named", "[deadlock]") {
  const int philosophers = GENERATE(2, 5, 1000);
  const int nodes = GENERATE(0, 2, 3);
  CAPTURE(philosophers, nodes);
  int code = 0;
  // All have their left fork before the first asks for the right one.
  const auto result =
      run_file("dining_philosophers_naive.toml",
               {"--nodes", std::to_string(nodes), "--set", "philosophers=" + std::to_string(philosophers),
                "--set", philosophers == 1000 ? "pause=500ms" : "pause=50ms"},
               code);
  CHECK(code == 3);
  CHECK(result.at("verdict") == "deadlock");
  check_circle(result.at("deadlock"), static_cast<std::size_t>(philosophers));
  const auto& told = result.at("result");
  CHECK(told.at("meals").get<int>() + told.at("left_undone").get<int>() == philosophers * 100);
}

TEST_CASE("a run that takes its time is not called stuck", "[deadlock]") {
  const int nodes = GENERATE(0, 2);
  const auto what = slow_but_alive();
  const auto result = run_text(what, "scenario = \"slow\"\ndeadline = \"10m\"\n", nodes);
  INFO(failures(result));
  CHECK(result.result_verdict == verdict::passed);
  CHECK(result.result.at("hops") == 4);
}

TEST_CASE("while a node is halted, or its connections are cut, nothing is called stuck", "[deadlock]") {
  const std::string fault = GENERATE("{ action = 'stop', node = 'w1', at = '100ms', lasting = '900ms' }",
                                     "{ action = 'cut', node = 'w1', at = '100ms' }");
  CAPTURE(fault);
  int code = 0;
  const auto result = run_file("dining_philosophers_ordered.toml",
                               {"--nodes", "2", "--set", "faults=[" + fault + "]", "--set", "meals=30",
                                "--set", "expect.result.meals=150"},
                               code);
  INFO(result.dump(2));
  CHECK(code == 0);
  CHECK(result.at("result").at("meals") == 150);
}
