// Two processes, hub to hub, without actors, beside raw ZeroMQ with the same bytes: what
// the transport room itself costs. bench_hub [--json] [--rounds N] [--quick]
#include "bench/remote_bench.hpp"
#include "bench/support.hpp"
#include "transport/hub/hub.hpp"

#include <fmt/core.h>

#include <chrono>
#include <condition_variable>
#include <cstring>
#include <mutex>
#include <thread>

namespace bench {
int serve_raw(const std::string& argument);
} // namespace bench

namespace {

using namespace troupe;
using clock_type = std::chrono::steady_clock;
using transport::envelope_header;
using transport::peer_ptr;
using transport::send_result;

// What the other side does with a message, in the header's `type`.
enum task : std::uint32_t { count_it = 1, answer_it = 2, answered = 3 };

transport::hub_options options_for(const std::string& name, const std::string& listen) {
  transport::hub_options options;
  options.identity = {name, static_cast<std::uint64_t>(clock_type::now().time_since_epoch().count()) | 1};
  options.listen = listen;
  return options;
}

bool send(const peer_ptr& p, task what, const std::string& bytes) {
  envelope_header header;
  header.sender = 12;
  header.receiver = 34;
  header.type = what;
  for (;;) {
    const auto result = p->send(header, [&](transport::byte_buffer& out) {
      out.insert(out.end(), bytes.begin(), bytes.end());
      return true;
    });
    if (result == send_result::ok) return true;
    if (result != send_result::queue_full) return false;
    std::this_thread::sleep_for(std::chrono::microseconds{50});
  }
}

struct other_side final : transport::hub_listener {
  void on_peer_up(const peer_ptr&) override {}
  void on_frame(const peer_ptr& p, transport::inbound_frame frame) override {
    transport::envelope_view view;
    while (frame.next(view))
      if (view.header.type == answer_it)
        send(p, answered, std::string(view.payload.begin(), view.payload.end()));
  }
  void on_peer_down(const peer_ptr&, transport::down_reason, std::string_view, std::uint64_t) override {}
};

struct this_side final : transport::hub_listener {
  std::mutex mutex;
  std::condition_variable changed;
  std::uint64_t answers = 0;
  std::function<void(const peer_ptr&)> on_answer; ///< on the I/O thread
  void on_peer_up(const peer_ptr&) override {}
  void on_frame(const peer_ptr& p, transport::inbound_frame frame) override {
    transport::envelope_view view;
    while (frame.next(view)) {
      if (view.header.type != answered) continue;
      if (on_answer) {
        on_answer(p);
        continue;
      }
      const std::lock_guard guard(mutex);
      ++answers;
      changed.notify_one();
    }
  }
  void on_peer_down(const peer_ptr&, transport::down_reason, std::string_view, std::uint64_t) override {}
  void wait_for_answer() {
    std::unique_lock guard(mutex);
    changed.wait(guard, [this] { return answers > 0; });
    --answers;
  }
};

struct station {
  bench::child other;
  this_side listener;
  trace::recorder recorder{{{}, "near", 1, trace::level::off}};
  trace::ledger books;
  transport::hub hub;
  peer_ptr peer;

  explicit station(const std::string& listen)
      : other({"--child", "hub", listen}), hub(options_for("near", ""), listener, recorder, books) {
    std::mutex mutex;
    std::condition_variable changed;
    bool done = false;
    hub.connect(other.first_line(), std::chrono::seconds{10}, [&](peer_ptr p, std::string_view) {
      const std::lock_guard guard(mutex);
      peer = std::move(p);
      done = true;
      changed.notify_one();
    });
    std::unique_lock guard(mutex);
    changed.wait(guard, [&] { return done; });
    if (!peer) throw std::runtime_error("the hubs cannot connect");
  }

  double one_way(std::size_t bytes, std::uint64_t messages) {
    const std::string payload(bytes, 'x');
    const auto began = clock_type::now();
    for (std::uint64_t i = 0; i + 1 < messages; ++i)
      send(peer, count_it, payload);
    send(peer, answer_it, "done");
    listener.wait_for_answer();
    return static_cast<double>(messages) / std::chrono::duration<double>(clock_type::now() - began).count();
  }

  // From a thread that waits, as raw ZeroMQ's client does, or from handler to handler.
  std::vector<double> round_trips_us(std::uint64_t rounds, bool on_io_thread) {
    std::vector<double> result;
    const std::string payload(32, 'x');
    if (!on_io_thread) {
      for (std::uint64_t i = 0; i < rounds; ++i) {
        const auto began = clock_type::now();
        send(peer, answer_it, payload);
        listener.wait_for_answer();
        result.push_back(std::chrono::duration<double, std::micro>(clock_type::now() - began).count());
      }
      return result;
    }
    std::mutex mutex;
    std::condition_variable changed;
    bool done = false;
    auto began = clock_type::now();
    listener.on_answer = [&](const peer_ptr& p) {
      const auto now = clock_type::now();
      result.push_back(std::chrono::duration<double, std::micro>(now - began).count());
      if (result.size() >= rounds) {
        const std::lock_guard guard(mutex);
        done = true;
        changed.notify_one();
        return;
      }
      began = now;
      send(p, answer_it, payload);
    };
    send(peer, answer_it, payload);
    {
      std::unique_lock guard(mutex);
      changed.wait(guard, [&] { return done; });
    }
    listener.on_answer = nullptr;
    return result;
  }
};

int serve_hub(const std::string& listen) {
  other_side listener;
  trace::recorder recorder({{}, "far", 1, trace::level::off});
  trace::ledger books;
  transport::hub hub(options_for("far", listen), listener, recorder, books);
  bench::ready_and_wait(hub.endpoint());
  return 0;
}

void print(const nlohmann::json& report, bool as_json) {
  if (as_json) {
    fmt::print("{}\n", report.dump(2));
    return;
  }
  fmt::print("{}\n\n{:>8} {:>14} {:>14} {:>7}\n", report["machine"].get<std::string>(), "bytes", "hub msg/s",
             "raw msg/s", "ratio");
  for (const auto& row : report["one_way"])
    fmt::print("{:>8} {:>14.0f} {:>14.0f} {:>7.2f}\n", row["bytes"].get<int>(), row["hub"].get<double>(),
               row["raw_zmq"].get<double>(), row["hub"].get<double>() / row["raw_zmq"].get<double>());
  fmt::print("\n{:>24} {:>9} {:>9}\n", "round trip (us)", "p50", "p99");
  for (const auto& [name, row] : report["round_trip_us"].items())
    fmt::print("{:>24} {:>9.1f} {:>9.1f}\n", name, row["p50"].get<double>(), row["p99"].get<double>());
}

} // namespace

int main(int argc, char** argv) {
  const std::vector<std::string> arguments(argv + 1, argv + argc);
  if (arguments.size() == 3 && arguments[0] == "--child")
    return arguments[1] == "hub" ? serve_hub(arguments[2]) : bench::serve_raw(arguments[2]);
  bool as_json = false;
  bool quick = false;
  std::uint64_t rounds = 5;
  for (std::size_t i = 0; i < arguments.size(); ++i) {
    if (arguments[i] == "--json")
      as_json = true;
    else if (arguments[i] == "--quick")
      quick = true;
    else if (arguments[i] == "--rounds" && i + 1 < arguments.size())
      rounds = std::stoull(arguments[++i]);
    else {
      fmt::print(stderr, "usage: bench_hub [--json] [--rounds N] [--quick]\n");
      return 2;
    }
  }
  const std::uint64_t part = quick ? 10 : 1;
  nlohmann::json report{{"machine", bench::machine()}, {"rounds", rounds}};
  for (const auto& [bytes, messages] :
       {std::pair<std::size_t, std::uint64_t>{32, 2'000'000}, {1024, 500'000}, {65536, 20'000}}) {
    std::vector<double> hub;
    std::vector<double> raw;
    for (std::uint64_t i = 0; i < rounds; ++i) { // in turn, so that both meet the same weather
      hub.push_back(station("tcp://127.0.0.1:*").one_way(bytes, messages / part));
      raw.push_back(bench::raw_one_way({bytes, 1, messages / part, 0}));
    }
    report["one_way"].push_back(
        {{"bytes", bytes}, {"hub", bench::percentile(hub, 0.5)}, {"raw_zmq", bench::percentile(raw, 0.5)}});
  }
  std::vector<double> waiting;
  std::vector<double> handlers;
  std::vector<double> raw;
  for (std::uint64_t i = 0; i < rounds; ++i) {
    const auto add = [](std::vector<double>& to, const std::vector<double>& more) {
      to.insert(to.end(), more.begin(), more.end());
    };
    station s("tcp://127.0.0.1:*");
    add(waiting, s.round_trips_us(5000 / part, false));
    add(handlers, s.round_trips_us(5000 / part, true));
    add(raw, bench::raw_round_trips_us(5000 / part));
  }
  for (const auto& [name, sample] :
       {std::pair{"hub", &handlers}, {"hub, waiting thread", &waiting}, {"raw_zmq", &raw}})
    report["round_trip_us"][name] = {{"p50", bench::percentile(*sample, 0.5)},
                                     {"p99", bench::percentile(*sample, 0.99)}};
  print(report, as_json);
  return 0;
}
