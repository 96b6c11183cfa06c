// Which fault is due when: by a clock that is handed in.
#include "runner/run/fault_injector.hpp"

#include "tests/support/catch.hpp"

using namespace troupe::scenarios;
using namespace std::chrono_literals;
using action = fault_plan::action_kind;

namespace {

/// Writes down what it is asked for: "kill w1".
struct recording_target final : fault_target {
  void inject(action what, const std::string& node) override {
    done.push_back(std::string{to_string(what)} + ' ' + node);
  }
  std::vector<std::string> take() { return std::exchange(done, {}); }
  std::vector<std::string> done;
};

using faults = std::vector<std::string>;
constexpr fault_injector::time_point begun{1h};

} // namespace

TEST_CASE("each fault is injected once, at its time", "[run][faults]") {
  recording_target target;
  fault_injector injector{target};
  injector.schedule({{action::kill, "w1", 2s, 0s}, {action::cut, "w2", 1s, 0s}}, begun);
  injector.inject_due(begun);
  CHECK(target.take() == faults{});
  injector.inject_due(begun + 1s);
  CHECK(target.take() == faults{"cut w2"});
  injector.inject_due(begun + 1999ms);
  CHECK(target.take() == faults{});
  injector.inject_due(begun + 5s);
  CHECK(target.take() == faults{"kill w1"});
  injector.inject_due(begun + 9s);
  CHECK(target.take() == faults{});
}

TEST_CASE("faults that are due together come in the order of the file", "[run][faults]") {
  recording_target target;
  fault_injector injector{target};
  injector.schedule({{action::kill, "w3", 2s, 0s}, {action::kill, "w1", 1s, 0s}, {action::cut, "w2", 1s, 0s}},
                    begun);
  injector.inject_due(begun + 2s);
  CHECK(target.take() == faults{"kill w3", "kill w1", "cut w2"});
}

TEST_CASE("a stop that lasts is followed by a resume, counted from when it was carried out",
          "[run][faults]") {
  recording_target target;
  fault_injector injector{target};
  injector.schedule({{action::stop, "w1", 1s, 3s}}, begun);
  injector.inject_due(begun + 2s); // the launcher looked late
  CHECK(target.take() == faults{"stop w1"});
  injector.inject_due(begun + 4s);
  CHECK(target.take() == faults{});
  injector.inject_due(begun + 5s);
  CHECK(target.take() == faults{"resume w1"});
  injector.resume_stopped();
  CHECK(target.take() == faults{});
}

TEST_CASE("whoever is stopped at the end is resumed, once", "[run][faults]") {
  recording_target target;
  fault_injector injector{target};
  injector.schedule({{action::stop, "w2", 1s, 0s},
                     {action::stop, "w1", 1s, 1h},
                     {action::stop, "w3", 1s, 0s},
                     {action::resume, "w3", 2s, 0s},
                     {action::kill, "w4", 1s, 0s}},
                    begun);
  injector.inject_due(begun + 1s);
  injector.inject_due(begun + 2s);
  target.take();
  injector.resume_stopped();
  CHECK(target.take() == faults{"resume w1", "resume w2"});
  injector.resume_stopped();
  CHECK(target.take() == faults{});
}
