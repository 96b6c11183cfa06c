// What the trace costs actors: the same programs on plain CAF, with the trace off, and with
// headers recorded; in one binary, in turn, by processor time.
#include "bench/programs.hpp"
#include "bench/support.hpp"
#include "bench/trace_bench.hpp"

#include "actors/node.hpp"

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
};
constexpr contender contenders[] = {
    {"ping_pong", ::bench::ping_pong<plain>, ::bench::ping_pong<ours>, 200'000, 2},
    {"counting", ::bench::counting<plain>, ::bench::counting<ours>, 400'000, 1},
};
constexpr int rounds = 11;

/// Of all threads of this process: what others want of the machine does not count.
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
    std::vector<double> caf, off, headers, ratio, added;
    for (int round = 0; round < rounds; ++round) { // in turn, so that a drifting machine hits all
      caf.push_back(with_plain_caf(each));
      off.push_back(with_troupe(each, trace::level::off));
      headers.push_back(with_troupe(each, trace::level::headers));
      ratio.push_back(off.back() / caf.back());
      added.push_back(headers.back() - off.back());
    }
    const auto median = [](const std::vector<double>& x) { return ::bench::percentile(x, 0.5); };
    const std::string name = each.name;
    const bool first = &each == contenders;
    const auto suffix = first ? std::string{} : "_" + name;
    out.push_back({"caf_ns_" + name, median(caf), "ns a message of " + name + " on plain CAF, one thread"});
    out.push_back({"off_ns_" + name, median(off), "the same on troupe, trace off"});
    out.push_back({"headers_ns_" + name, median(headers), "the same, headers recorded"});
    out.push_back({"off_ratio" + suffix, median(ratio), "trace off against plain CAF"});
    out.push_back({"headers_ns_per_message" + suffix, median(added), "what recording headers adds"});
  }
}

} // namespace troupe::bench
