// What troupe's actors cost beside plain CAF's, trace off, and how the message rate goes
// with the number of processes. bench_scenarios [--json] [--rounds N] [--quick] [--only PROGRAM|scaling]
#include "bench/programs.hpp"
#include "bench/scaling.hpp"
#include "bench/support.hpp"

#include "actors/node/node.hpp"

#include <fmt/format.h>

namespace bench {

namespace {

using plain = caf::event_based_actor;
using ours = troupe::plain_actor;

template <class Run>
double timed_ms(const Run& run) {
  const auto began = std::chrono::steady_clock::now();
  run();
  return std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - began).count();
}

double in_plain_caf(void (*program)(caf::actor_system&, std::int64_t), std::int64_t size) {
  caf::actor_system_config config;
  caf::actor_system system{config};
  return timed_ms([&] {
    program(system, size);
    system.await_all_actors_done();
  });
}

double in_troupe(void (*program)(caf::actor_system&, std::int64_t), std::int64_t size) {
  auto catalog = std::make_shared<troupe::message_catalog>();
  troupe::add_agent_messages(*catalog);
  const troupe::node_options options; // g++ 12 warns of a temporary one
  troupe::node node{options, catalog, troupe::role_map{}};
  return timed_ms([&] {
    program(node.system(), size);
    node.system().await_all_actors_done();
  });
}

struct program {
  const char* name;
  void (*plain_caf)(caf::actor_system&, std::int64_t);
  void (*troupe)(caf::actor_system&, std::int64_t);
  std::int64_t size;
};

constexpr program programs[] = {
    {"ping_pong", ping_pong<plain>, ping_pong<ours>, 40'000},
    {"counting", counting<plain>, counting<ours>, 1'000'000},
    {"bounded_buffer", bounded_buffer<plain>, bounded_buffer<ours>, 1'000},
    {"philosophers", philosophers<plain>, philosophers<ours>, 10'000},
    {"reduction", reduction<plain>, reduction<ours>, 1 << 20},
    {"creation", creation<plain>, creation<ours>, 1'000'000},
};

nlohmann::json measure(int rounds, bool quick, const std::string& only) {
  using nlohmann::json;
  json list = json::array();
  for (auto& each : programs) {
    if (!only.empty() && only != each.name) continue;
    const auto size = quick ? std::max<std::int64_t>(1, each.size / 10) : each.size;
    std::vector<double> caf_ms, troupe_ms, ratios;
    for (int round = 0; round < rounds; ++round) { // in turn, so that a drifting machine hits both
      caf_ms.push_back(in_plain_caf(each.plain_caf, size));
      troupe_ms.push_back(in_troupe(each.troupe, size));
      ratios.push_back(troupe_ms.back() / caf_ms.back());
    }
    list.push_back({{"name", each.name},
                    {"size", size},
                    {"plain_caf_ms", percentile(caf_ms, 0.5)},
                    {"troupe_ms", percentile(troupe_ms, 0.5)},
                    {"ratio", percentile(ratios, 0.5)}});
  }
  json scaling = json::array();
  for (int nodes : {2, 4, 8}) {
    if (!only.empty() && only != "scaling") continue;
    scaling.push_back(
        {{"nodes", nodes}, {"messages_per_s", messages_per_second(nodes, quick ? 20'000 : 200'000)}});
  }
  return {{"machine", machine()}, {"rounds", rounds}, {"programs", list}, {"scaling", scaling}};
}

void print(const nlohmann::json& x) {
  fmt::print("{}\nmedians of {} rounds, trace off\n\n{:>16} {:>10} {:>14} {:>12} {:>8}\n",
             x["machine"].get<std::string>(), x["rounds"].get<int>(), "program", "size", "plain CAF ms",
             "troupe ms", "ratio");
  for (auto& row : x["programs"])
    fmt::print("{:>16} {:>10} {:>14.1f} {:>12.1f} {:>8.2f}\n", row["name"].get<std::string>(),
               row["size"].get<std::int64_t>(), row["plain_caf_ms"].get<double>(),
               row["troupe_ms"].get<double>(), row["ratio"].get<double>());
  fmt::print("\n{:>16} {:>14} {:>18}\n", "processes", "messages/s", "ns a message");
  for (auto& row : x["scaling"])
    fmt::print("{:>16} {:>14.0f} {:>18.0f}\n", row["nodes"].get<int>(), row["messages_per_s"].get<double>(),
               1e9 / row["messages_per_s"].get<double>());
}

} // namespace

} // namespace bench

int main(int argc, char** argv) {
  bool json = false, quick = false;
  int rounds = 5;
  std::string only;
  for (int i = 1; i < argc; ++i) {
    const std::string argument = argv[i];
    if (argument == "--child" && i + 2 < argc) return bench::run_scaling_child(argv[i + 1], argv[i + 2]);
    if (argument == "--json")
      json = true;
    else if (argument == "--quick")
      quick = true;
    else if (argument == "--rounds" && i + 1 < argc)
      rounds = std::stoi(argv[++i]);
    else if (argument == "--only" && i + 1 < argc)
      only = argv[++i];
    else {
      fmt::print(stderr, "usage: bench_scenarios [--json] [--rounds N] [--quick] [--only PROGRAM|scaling]\n");
      return 2;
    }
  }
  const auto result = bench::measure(quick ? 1 : rounds, quick, only);
  if (json)
    fmt::print("{}\n", result.dump(2));
  else
    bench::print(result);
}
