// Messages between two processes on one machine: troupe, CAF's own middleman and raw
// ZeroMQ side by side; --help lists the options.
#include "bench/remote_bench.hpp"
#include "bench/remote_systems.hpp"
#include "bench/support.hpp"

#include <fmt/format.h>

#include <unistd.h>

namespace bench {

namespace {

using clock = std::chrono::steady_clock;

/// The measuring side of an actor system: spawns sources here, sinks there.
class actor_rig {
 public:
  virtual ~actor_rig() = default;
  virtual caf::actor_system& system() = 0;
  virtual caf::actor source() = 0;
  virtual caf::actor pinger() = 0;
  virtual caf::actor remote_sink(std::uint64_t every) = 0;
};

class troupe_rig final : public actor_rig {
 public:
  explicit troupe_rig(const std::string& scheduler)
      : other_({"--child", "troupe", scheduler}),
        node_(troupe_options("main", "tcp://127.0.0.1:*", scheduler), troupe_catalog(), troupe_roles()) {
    const auto began = clock::now();
    auto name = node_.connect(other_.first_line(), std::chrono::seconds{10});
    if (!name) throw std::runtime_error("troupe: " + caf::to_string(name.error()));
    setup_ms = std::chrono::duration<double, std::milli>(clock::now() - began).count();
  }
  caf::actor_system& system() override { return node_.system(); }
  caf::actor source() override { return here("source"); }
  caf::actor pinger() override { return here("pinger"); }
  caf::actor remote_sink(std::uint64_t every) override {
    return caf::actor_cast<caf::actor>(*node_.spawn_on("other", "sink", caf::make_message(every)));
  }
  troupe::node& node() { return node_; }
  double setup_ms = 0;

 private:
  caf::actor here(const char* role) {
    return caf::actor_cast<caf::actor>(*node_.spawn_here(role, caf::message{}));
  }
  child other_;
  troupe::node node_;
};

class caf_rig final : public actor_rig {
 public:
  caf_rig() : other_({"--child", "caf", ""}), system_(config_) {
    const auto began = clock::now();
    auto found = system_.middleman().remote_actor("127.0.0.1",
                                                  static_cast<std::uint16_t>(std::stoi(other_.first_line())));
    if (!found) throw std::runtime_error("CAF: " + caf::to_string(found.error()));
    hatchery_ = *found;
    setup_ms = std::chrono::duration<double, std::milli>(clock::now() - began).count();
  }
  ~caf_rig() override {
    for (auto& actor : spawned_)
      caf::anon_send_exit(actor, caf::exit_reason::kill);
    hatchery_ = nullptr;
  }
  caf::actor_system& system() override { return system_; }
  caf::actor source() override { return kept(system_.spawn(bench::source<caf::event_based_actor>)); }
  caf::actor pinger() override { return kept(system_.spawn(bench::pinger<caf::event_based_actor>)); }
  caf::actor remote_sink(std::uint64_t every) override {
    caf::scoped_actor self{system_};
    caf::actor made;
    self->request(hatchery_, std::chrono::seconds{10}, every)
        .receive([&](const caf::actor& x) { made = x; },
                 [](const caf::error& err) { throw std::runtime_error(caf::to_string(err)); });
    return made;
  }
  double setup_ms = 0;

 private:
  caf::actor kept(caf::actor x) {
    spawned_.push_back(x);
    return x;
  }
  child other_;
  caf_config config_;
  caf::actor_system system_;
  caf::actor hatchery_;
  std::vector<caf::actor> spawned_;
};

double one_way(actor_rig& rig, const load& what) {
  caf::scoped_actor self{rig.system()};
  const auto every = std::max<std::uint64_t>(1, what.window / 4); // credit comes in such portions
  const auto messages = (what.messages + every - 1) / every * every;
  std::vector<std::pair<caf::actor, caf::actor>> pairs;
  for (int i = 0; i < what.pairs; ++i)
    pairs.emplace_back(rig.source(), rig.remote_sink(every));
  const auto began = clock::now();
  for (auto& [source, sink] : pairs)
    self->send(source, begin_sending{sink, messages, what.bytes, what.window});
  for (std::size_t done = 0; done < pairs.size(); ++done)
    self->receive([](std::uint64_t) {});
  return static_cast<double>(messages) * what.pairs
         / std::chrono::duration<double>(clock::now() - began).count();
}

std::vector<double> round_trips_us(actor_rig& rig, std::uint64_t rounds) {
  caf::scoped_actor self{rig.system()};
  std::vector<double> result;
  self->request(rig.pinger(), caf::infinite, begin_pinging{rig.remote_sink(1), rounds})
      .receive(
          [&](const round_trips& x) {
            for (auto each : x.nanoseconds)
              result.push_back(static_cast<double>(each) / 1000);
          },
          [](const caf::error& err) { throw std::runtime_error(caf::to_string(err)); });
  return result;
}

nlohmann::json memory(troupe_rig& rig, bool quick) {
  const auto proxies = quick ? 2'000 : 10'000;
  const auto before_proxies = resident_bytes(::getpid());
  std::vector<caf::actor> handles;
  for (int i = 0; i < proxies; ++i)
    handles.push_back(rig.remote_sink(1));
  const auto with_proxies = resident_bytes(::getpid());
  const int links = 50;
  const auto before_links = resident_bytes(::getpid());
  const child idle{{"--child", "links", std::to_string(links) + ' ' + rig.node().endpoint()}};
  const auto with_links = resident_bytes(::getpid());
  return {{"proxy_bytes", static_cast<double>(with_proxies - before_proxies) / proxies},
          {"idle_link_bytes", static_cast<double>(with_links - before_links) / links}};
}

struct plan {
  std::size_t bytes;
  int pairs;
  std::uint64_t messages, caf_messages, window;
};

constexpr plan plans[] = {
    {32, 1, 400'000, 100'000, 8'000}, {32, 4, 100'000, 40'000, 8'000}, {1024, 1, 200'000, 60'000, 4'000},
    {1024, 4, 60'000, 20'000, 4'000}, {65536, 1, 8'000, 4'000, 160},   {65536, 4, 2'000, 2'000, 80},
};

nlohmann::json measure_one_way(troupe_rig& troupe_side, caf_rig& caf_side, int rounds, bool quick) {
  auto one = nlohmann::json::array();
  for (auto& p : plans) {
    std::vector<double> troupe, caf_io, raw;
    const auto scale = quick ? 4U : 1U;
    for (int round = 0; round < rounds; ++round) {
      troupe.push_back(one_way(troupe_side, {p.bytes, p.pairs, p.messages / scale, p.window}));
      caf_io.push_back(one_way(caf_side, {p.bytes, p.pairs, p.caf_messages / scale, p.window}));
      raw.push_back(raw_one_way({p.bytes, p.pairs, p.messages / scale, p.window}));
    }
    one.push_back({{"bytes", p.bytes},
                   {"pairs", p.pairs},
                   {"troupe", percentile(troupe, 0.5)},
                   {"caf_io", percentile(caf_io, 0.5)},
                   {"raw_zmq", percentile(raw, 0.5)}});
  }
  return one;
}

nlohmann::json measure_round_trips(troupe_rig& troupe_side, caf_rig& caf_side, int rounds, bool quick) {
  const std::uint64_t trips = quick ? 1'000 : 5'000;
  std::map<std::string, std::vector<double>> p50, p99;
  std::vector<double> ratios;
  for (int round = 0; round < rounds; ++round) {
    const std::pair<const char*, std::vector<double>> samples[] = {
        {"troupe", round_trips_us(troupe_side, trips)},
        {"caf_io", round_trips_us(caf_side, trips)},
        {"raw_zmq", raw_round_trips_us(trips)}};
    for (auto& [name, sample] : samples) {
      p50[name].push_back(percentile(sample, 0.5));
      p99[name].push_back(percentile(sample, 0.99));
    }
    ratios.push_back(p50["troupe"].back() / p50["raw_zmq"].back());
  }
  nlohmann::json trips_us;
  for (auto& [name, values] : p50)
    trips_us[name] = {{"p50", percentile(values, 0.5)}, {"p99", percentile(p99[name], 0.5)}};
  trips_us["troupe_by_raw_zmq"] = percentile(ratios, 0.5); // of each round's p50
  return trips_us;
}

nlohmann::json measure(int rounds, bool quick, const std::string& only, const std::string& scheduler) {
  troupe_rig troupe_side{scheduler};
  caf_rig caf_side;
  nlohmann::json result{{"machine", machine()}, {"rounds", rounds}};
  result["connection_setup_ms"] = {{"troupe", troupe_side.setup_ms}, {"caf_io", caf_side.setup_ms}};
  const auto wanted = [&](const char* part) { return only.empty() || only == part; };
  if (wanted("memory")) result["memory"] = memory(troupe_side, quick);
  if (wanted("one_way")) result["one_way"] = measure_one_way(troupe_side, caf_side, rounds, quick);
  if (wanted("round_trip"))
    result["round_trip_us"] = measure_round_trips(troupe_side, caf_side, rounds, quick);
  return result;
}

void print_one_way(const nlohmann::json& rows) {
  fmt::print("one way, messages/s\n{:>8} {:>6} {:>12} {:>12} {:>12} {:>10} {:>10}\n", "bytes", "pairs",
             "troupe", "CAF io", "raw ZeroMQ", "x CAF io", "x raw");
  for (auto& row : rows) {
    const double troupe = row["troupe"], caf_io = row["caf_io"], raw = row["raw_zmq"];
    fmt::print("{:>8} {:>6} {:>12.0f} {:>12.0f} {:>12.0f} {:>10.2f} {:>10.2f}\n", row["bytes"].get<int>(),
               row["pairs"].get<int>(), troupe, caf_io, raw, troupe / caf_io, troupe / raw);
  }
}

void print_round_trips(const nlohmann::json& trips) {
  fmt::print("\nround trip, µs\n{:>12} {:>10} {:>10}\n", "", "p50", "p99");
  for (const auto* name : {"troupe", "caf_io", "raw_zmq"})
    fmt::print("{:>12} {:>10.1f} {:>10.1f}\n", name, trips[name]["p50"].get<double>(),
               trips[name]["p99"].get<double>());
  fmt::print("p50 of troupe by p50 of raw ZeroMQ: {:.2f}\n", trips["troupe_by_raw_zmq"].get<double>());
}

void print(const nlohmann::json& x) {
  fmt::print("{}\nmedians of {} rounds, two processes over TCP on loopback, trace off\n\n",
             x["machine"].get<std::string>(), x["rounds"].get<int>());
  if (x.contains("one_way")) print_one_way(x["one_way"]);
  if (x.contains("round_trip_us")) print_round_trips(x["round_trip_us"]);
  auto& setup = x["connection_setup_ms"];
  fmt::print("\nconnection set-up: troupe {:.1f} ms, CAF io {:.1f} ms\n", setup["troupe"].get<double>(),
             setup["caf_io"].get<double>());
  if (x.contains("memory"))
    fmt::print("memory: {:.0f} bytes a proxy, {:.0f} bytes an idle link\n",
               x["memory"]["proxy_bytes"].get<double>(), x["memory"]["idle_link_bytes"].get<double>());
}

} // namespace

} // namespace bench

int main(int argc, char** argv) {
  bool json = false, quick = false;
  int rounds = 5;
  std::string only, scheduler;
  for (int i = 1; i < argc; ++i) {
    const std::string argument = argv[i];
    if (argument == "--child" && i + 2 < argc) return bench::run_child(argv[i + 1], argv[i + 2]);
    if (argument == "--json")
      json = true;
    else if (argument == "--quick")
      quick = true;
    else if (argument == "--rounds" && i + 1 < argc)
      rounds = std::stoi(argv[++i]);
    else if (argument == "--only" && i + 1 < argc)
      only = argv[++i];
    else if (argument == "--scheduler" && i + 1 < argc)
      scheduler = argv[++i];
    else {
      fmt::print(stderr, "usage: bench_remote [--json] [--rounds N] [--quick] [--only "
                         "one_way|round_trip|memory] [--scheduler prompt|stealing|sharing]\n");
      return 2;
    }
  }
  const auto result = bench::measure(quick ? 1 : rounds, quick, only, scheduler);
  if (json)
    fmt::print("{}\n", result.dump(2));
  else
    bench::print(result);
}
