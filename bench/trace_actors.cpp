// What the trace costs actors: the same programs on plain CAF, with the trace off, and with
// headers recorded; in one binary, in turn, by processor time.
#include "bench/programs.hpp"
#include "bench/support.hpp"
#include "bench/trace_bench.hpp"

#include "actors/node/node.hpp"

#include <ctime>
#include <filesystem>
#include <unistd.h>

namespace troupe::bench {

namespace {

using plain = caf::event_based_actor;
using ours = troupe::plain_actor;
using program = void (*)(caf::actor_system&, std::int64_t);

struct contender {
  const char* name;
  program in_plain_caf, in_troupe;
  std::int64_t size;          ///< the argument: rounds, messages
  std::int64_t messages_each; ///< what one of them takes
  int rounds;
};
constexpr contender contenders[] = {
    {"ping_pong", ::bench::ping_pong<plain>, ::bench::ping_pong<ours>, 5'000, 2, 1001},
    {"counting", ::bench::counting<plain>, ::bench::counting<ours>, 400'000, 1, 21},
};
/// Who shares a core's caches and units with a neighbour takes up to twice the processor time for the same
/// work, for milliseconds or hours. Of many short rounds a few are left alone; those tell what the work
/// costs.
constexpr double undisturbed = 0.01;

/// Of all threads of this process: that others take the processor away does not count.
double cpu_ns() {
  timespec t{};
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
  return static_cast<double>(t.tv_sec) * 1e9 + static_cast<double>(t.tv_nsec);
}

/// Nanoseconds a message.
double timed(caf::actor_system& system, program run, const contender& what) {
  const auto began = cpu_ns();
  run(system, what.size);
  system.await_all_actors_done();
  return (cpu_ns() - began) / static_cast<double>(what.size * what.messages_each);
}

double with_plain_caf(const contender& what) {
  caf::actor_system_config config;
  config.set("scheduler.max-threads", std::size_t{1});
  caf::actor_system system{config};
  return timed(system, what.in_plain_caf, what);
}

double with_troupe(const contender& what, trace::level level) {
  const auto place = std::filesystem::temp_directory_path() / ("troupe-bench-" + std::to_string(::getpid()));
  std::filesystem::create_directory(place);
  double result = 0;
  {
    auto catalog = std::make_shared<message_catalog>();
    add_agent_messages(*catalog);
    node_options options;
    options.threads = 1;
    options.trace = level;
    options.run_dir = place;
    node self{options, catalog, role_map{}};
    // Its own actors are hidden; only those of the program are waited for.
    result = timed(self.system(), what.in_troupe, what);
  }
  std::filesystem::remove_all(place);
  return result;
}

} // namespace

void measure_traced_actors(std::vector<trace_figure>& out) {
  for (auto& each : contenders) {
    std::vector<double> caf, off, headers;
    for (int round = 0; round < each.rounds; ++round) { // in turn, so that a drifting machine hits all
      caf.push_back(with_plain_caf(each));
      off.push_back(with_troupe(each, trace::level::off));
      headers.push_back(with_troupe(each, trace::level::headers));
    }
    const std::string name = each.name;
    const auto suffix = &each == contenders ? std::string{} : "_" + name;
    const auto tell = [&](double percentile, const std::string& end, const std::string& where) {
      const auto at = [percentile](const std::vector<double>& x) {
        return ::bench::percentile(x, percentile);
      };
      out.push_back({"caf_ns_" + name + end, at(caf), "ns a message of " + name + " on plain CAF" + where});
      out.push_back({"off_ns_" + name + end, at(off), "the same on troupe, trace off"});
      out.push_back({"headers_ns_" + name + end, at(headers), "the same, headers recorded"});
      out.push_back({"off_ratio" + suffix + end, at(off) / at(caf), "trace off against plain CAF"});
      out.push_back(
          {"headers_ns_per_message" + suffix + end, at(headers) - at(off), "what recording headers adds"});
    };
    tell(undisturbed, "", ", undisturbed: 1st percentile");
    tell(0.5, "_median", ", median");
  }
}

} // namespace troupe::bench
