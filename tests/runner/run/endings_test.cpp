// How runs end that do not go as they should: actors that stay are named, wherever they are.
#include "tests/runner/run_text.hpp"
#include "tests/support/text.hpp"

#include <caf/all.hpp>

#include <mutex>

using namespace troupe;
using namespace troupe::scenarios;

namespace {

/// An actor that outlives its system must not be destroyed any more.
void keep(const caf::actor& actor) {
  static auto& mutex = *new std::mutex;
  static auto& kept = *new std::vector<caf::actor>;
  const std::lock_guard lock{mutex};
  kept.push_back(actor);
}

/// Hears what it is told and stays; nobody needs its thread.
template <class Self>
caf::behavior squatter(Self* self, const caf::actor& collector) {
  keep(self);
  self->set_exit_handler([](caf::exit_msg&) {});
  finish(self, collector, nlohmann::json::object());
  return {[](int) {}};
}

struct subtenant_state {
  static inline const char* name = "subtenant";
};

/// Brings somebody who stays, and ends.
caf::behavior landlord(plain_actor* self, const caf::actor& collector) {
  self->spawn(squatter<actor_of<subtenant_state>>, collector);
  return {[](int) {}};
}

scenario house(placement where) {
  scenario made{"house", "Actors that stay"};
  made.role("squatter", squatter<plain_actor>, where);
  made.role("landlord", landlord, where);
  made.start([](run& r) {
    for (const auto* role : {"squatter", "squatter", "landlord"})
      r.spawn(role, r.collector());
  });
  return made;
}

} // namespace

TEST_CASE("a run whose result is not JSON fails, and says so", "[runtime]") {
  const auto text = GENERATE(as<std::string>{}, "{", std::string(300'000, '['));
  scenario made{"babbler", "An actor of which nobody knows who wrote it"};
  made.role(
      "babbler",
      [text](plain_actor* self, const caf::actor& collector) -> caf::behavior {
        self->send(collector, run_finished{text});
        return {};
      },
      placement::main);
  made.start([](run& r) { r.spawn("babbler", r.collector()); });
  const auto result = testing::run_text(made, "scenario = \"babbler\"\ndeadline = \"10m\"\n");
  CHECK(result.result_verdict == verdict::check_failed);
  CHECK_THAT(result.reason,
             Catch::Matchers::StartsWith(
                 (text.size() == 1 ? "the result is not JSON: \"" : "the result has more than 500 levels: \"")
                 + text.substr(0, 20)));
}

TEST_CASE("a result that cannot be kept is told with the reason, and changes no verdict",
          "[runtime][files]") {
  const testing::temporary_directory directory;
  const auto run_dir = directory / "run";
  std::filesystem::create_directory(run_dir);
  scenario made{"short", "Ends at once"};
  made.start([](run& r) { caf::anon_send(r.collector(), run_finished{"{}"}); });
  const auto loaded = parse("scenario = \"short\"\ndeadline = \"10m\"\n", "test.toml", {&made}, {}, {});
  REQUIRE(loaded.result);
  testing::kept_warnings warnings;
  run_options options;
  options.what = *loaded.result;
  options.run_dir = run_dir;
  options.observer.on_warning = warnings.keep();
  const bool taken_away = GENERATE(false, true);
  options.observer.on_phase = [&](const std::string& what) {
    if (what == "running" && taken_away) std::filesystem::remove_all(run_dir);
  };
  const auto result = execute(made, options);
  CHECK(result.result_verdict == verdict::passed);
  CHECK(std::filesystem::exists(run_dir) != taken_away);
  if (taken_away) {
    CHECK(result.not_kept
          == "cannot write " + (run_dir / "result.json").string() + ": No such file or directory");
    CHECK(warnings.all() == std::vector{result.not_kept});
    return;
  }
  CHECK(result.not_kept.empty());
  CHECK(nlohmann::json::parse(testing::content_of(run_dir / "result.json"))["verdict"] == "passed");
  CHECK(nlohmann::json::parse(testing::content_of(run_dir / "plan.json"))["seed"] == result.seed);
  for (const auto& entry : std::filesystem::directory_iterator(run_dir))
    CHECK_FALSE(entry.path().filename().string().starts_with('.'));
}

TEST_CASE("a run that has no room for its result does not start", "[runtime][files]") {
  scenario made{"short", "Ends at once"};
  made.start([](run& r) { caf::anon_send(r.collector(), run_finished{"{}"}); });
  const auto loaded = parse("scenario = \"short\"\n", "test.toml", {&made}, {}, {});
  REQUIRE(loaded.result);
  run_options options;
  options.what = *loaded.result;
  options.run_dir = "/no/such/place";
  CHECK_THROWS_WITH(execute(made, options),
                    "cannot write /no/such/place/plan.json: No such file or directory");
}

TEST_CASE("actors that are still alive at the end are named", "[runtime]") {
  // A node knows an actor that is no role's once another node has heard from it.
  const auto [where, nodes, who] = GENERATE(table<placement, int, std::string>({
      {placement::main, 0, "still alive at the end: 1 (known to actors only), 2 squatter"},
      {placement::workers, 1, "w1: still alive at the end: 2 squatter, 1 subtenant"},
  }));
  testing::kept_warnings warnings;
  run_observer observer;
  observer.on_warning = warnings.keep();
  const auto result =
      testing::run_text(house(where), "scenario = \"house\"\ndeadline = \"10m\"\n", nodes, nullptr, observer);
  CHECK(result.result_verdict == verdict::passed);
  CHECK(warnings.all() == std::vector{who});
}
