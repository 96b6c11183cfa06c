// What an actor has to say to the person who started the run.
#include "tests/runner/run_text.hpp"

#include <caf/all.hpp>

#include <mutex>

using namespace troupe;
using namespace troupe::scenarios;

namespace {

/// Announces two lines, and is done.
caf::behavior crier(plain_actor* self, const caf::actor& collector) {
  self->send(collector, run_announcement{"serving on port 7"});
  self->send(collector, run_announcement{"serving on port 8\n\x1b[31m"});
  self->send(collector, run_finished{"{}"});
  return {[](int) {}};
}

scenario market() {
  scenario made{"market", "Somebody cries out"};
  made.role("crier", crier, placement::workers);
  made.start([](run& r) { r.spawn("crier", r.collector()); });
  return made;
}

const std::string market_file = "scenario = \"market\"\ndeadline = \"10m\"\n";

} // namespace

TEST_CASE("what an actor announces is told to the person, also where progress is not", "[runtime]") {
  const int nodes = GENERATE(0, 1); // in this process, and over a link
  CAPTURE(nodes);
  testing::kept_warnings told;
  run_observer observer; // no on_progress, and no on_phase
  observer.on_warning = told.keep();
  const auto result = testing::run_text(market(), market_file, nodes, nullptr, observer);
  INFO(testing::failures(result));
  CHECK(result.result_verdict == verdict::passed); // an announcement is no warning of the run
  // As they were said and in that order; who shows them makes them harmless.
  CHECK(told.all() == std::vector<std::string>{"serving on port 7", "serving on port 8\n\x1b[31m"});
}

TEST_CASE("where nobody listens an announcement does no harm", "[runtime]") {
  CHECK(testing::run_text(market(), market_file).result_verdict == verdict::passed);
}
