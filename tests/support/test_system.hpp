// An actor system under CAF's test coordinator, with books and (optionally) a trace:
// one thread, virtual time, nothing happens unless the test says so.
#pragma once

#include "actors/codec/message_catalog.hpp"
#include "actors/runtime/scheduler.hpp"
#include "actors/runtime/traced_actor.hpp"
#include "tests/support/temporary_directory.hpp"

#include <caf/all.hpp>
#include <caf/scheduler/test_coordinator.hpp>

#include <memory>

namespace troupe::testing {

class test_system {
 public:
  explicit test_system(trace::level level = trace::level::off,
                       const std::function<void(message_catalog&)>& add_messages = {},
                       std::uint32_t sample_one_in = 1)
      : recorder({directory_.path(), "test", 1, level, 1ULL << 28, 1ULL << 28, sample_one_in}),
        context{recorder, books, catalog, "test", 1, {}} {
    if (add_messages) add_messages(catalog);
    catalog.attach(recorder);
    config_.module_factories.push_back(
        [](caf::actor_system& system) { return make_scheduler("testing", system); });
    catalog.apply(config_);
    install_context(config_, context, 1);
    system_ = std::make_unique<caf::actor_system>(config_);
  }
  ~test_system() {
    system_->await_actors_before_shutdown(false);
    system_.reset();
  }

  caf::actor_system& system() { return *system_; }
  caf::scheduler::test_coordinator& scheduler() {
    return dynamic_cast<caf::scheduler::test_coordinator&>(system_->scheduler());
  }
  /// Runs until nothing is left to do now; timers stay. Returns the number of steps.
  std::size_t run(std::size_t steps_max = 1'000'000) { return scheduler().run(steps_max); }
  /// Moves the clock and fires what is due.
  void advance(std::chrono::nanoseconds by) {
    scheduler().advance_time(std::chrono::duration_cast<caf::actor_clock::duration_type>(by));
    run();
  }
  const std::filesystem::path& directory() const { return directory_.path(); }

 private:
  temporary_directory directory_;

 public:
  trace::recorder recorder;
  trace::ledger books;
  message_catalog catalog;
  node_context context;

 private:
  caf::actor_system_config config_;
  std::unique_ptr<caf::actor_system> system_;
};

} // namespace troupe::testing
