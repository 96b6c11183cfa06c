// A scenario's wiring in a test_system: all its actors on one thread in virtual time, in
// an order drawn from a seed or in order of arrival.
#pragma once

#include "base/random.hpp"
#include "runner/api/scenario.hpp"
#include "tests/support/test_system.hpp"

#include <stdexcept>

namespace troupe::testing {

class scripted_run final : public scenarios::run {
 public:
  /// Of the declared parameters, `given` replace the defaults.
  scripted_run(const scenarios::scenario& what, const scenarios::parameters& given, std::uint64_t seed,
               trace::level level = trace::level::off)
      : scenario_(what), seed_(seed), random_(seed), system_(level, [&](message_catalog& catalog) {
          scenarios::add_run_messages(catalog);
          what.add_messages(catalog);
        }) {
    what.add_roles(roles_);
    for (const auto& each : what.parameters)
      if (each.fallback) values_.set(each.name, *each.fallback);
    for (const auto& [name, value] : given.all())
      values_.set(name, value);
    collector_ = system_.system().spawn([this](plain_actor*) -> caf::behavior {
      return {[this](const scenarios::run_finished& x) { result_ = nlohmann::json::parse(x.result); },
              [this](const scenarios::run_failed& x) { failure_ = x.why; },
              [this](const scenarios::run_lines& x) { lines_[x.name] += x.lines; },
              [](const scenarios::run_progress&) {}};
    });
    what.wire()(*this);
  }
  ~scripted_run() override {
    stopper_ = collector_ = nullptr;
    actors_.clear();
  }

  /// From now on everything takes place in order of arrival: what is alike stays in step.
  void in_step() { in_step_ = true; }
  /// Runs jobs in the order of the seed until the result is there, nothing can happen any more,
  /// or the steps are used up. Timers fire when nothing else can run. True: there is a result.
  bool go(std::size_t steps_max = 1'000'000) {
    auto& scheduler = system_.scheduler();
    for (std::size_t step = 0; step < steps_max; ++step) {
      if (result_ || failure_) return result_.has_value();
      if (scheduler.jobs.empty()) {
        if (!scheduler.trigger_timeout()) return false;
        scheduler.advance_time(caf::timespan{0}); // all that are due at the same time
        continue;
      }
      const auto pick = in_step_ ? 0 : draw_below(random_, scheduler.jobs.size());
      std::swap(scheduler.jobs.front(), scheduler.jobs[pick]);
      scheduler.run_once();
    }
    return result_.has_value();
  }
  /// Asks for an early end, as Ctrl-C does.
  void stop_early() { caf::anon_send(stopper_, scenarios::stop_early{}); }

  /// Ends the actor that was the `index`-th of its role, as a crash would.
  void kill(const std::string& role, std::size_t index) {
    caf::anon_send_exit(actors_.at(role).at(index), caf::exit_reason::kill);
  }

  bool has_timers() { return system_.scheduler().has_pending_timeout(); }
  const std::optional<nlohmann::json>& result() const { return result_; }
  const std::optional<std::string>& failure() const { return failure_; }
  /// What was told of a long list.
  const std::string& lines(const std::string& name) { return lines_[name]; }
  test_system& system() { return system_; }
  /// Names of the checks that the result does not pass, with their details.
  std::string failed_checks() const {
    auto read = *result_; // reading what is not in it adds to it
    std::string failed;
    for (const auto& check : scenario_.checks()) {
      auto [passed, detail] = check.look({values_, read});
      if (!passed) failed += check.name + ": " + detail + '\n';
    }
    return failed;
  }

  // -- run -------------------------------------------------------------------------
  const scenarios::parameters& values() const override { return values_; }
  std::uint64_t seed() const override { return seed_; }
  const std::vector<std::string>& nodes_of(const std::string&) const override { return nodes_; }
  caf::actor collector() const override { return collector_; }
  void on_stop(const caf::actor& who) override { stopper_ = who; }
  node& main_node() override { throw std::logic_error("a scripted run has no nodes"); }

 protected:
  std::vector<caf::actor> spawn_messages(const std::string& role,
                                         const std::vector<caf::message>& args) override {
    std::vector<caf::actor> actors;
    for (auto& of_one : args) {
      auto made = roles_.at(scenario_.name + '/' + role)(system_.system(), of_one);
      if (!made) throw std::runtime_error("role " + role + ": " + system_.system().render(made.error()));
      actors.push_back(caf::actor_cast<caf::actor>(*made));
      actors_[role].push_back(actors.back());
    }
    return actors;
  }

 private:
  const scenarios::scenario& scenario_;
  const std::uint64_t seed_;
  std::mt19937_64 random_;
  bool in_step_ = false;
  scenarios::parameters values_;
  role_map roles_;
  const std::vector<std::string> nodes_{"test"};
  std::optional<nlohmann::json> result_;
  std::optional<std::string> failure_;
  std::map<std::string, std::string> lines_; ///< by list
  test_system system_;                       ///< its actors refer to what stands above
  caf::actor collector_, stopper_;
  std::map<std::string, std::vector<caf::actor>> actors_; ///< by role
};

} // namespace troupe::testing
