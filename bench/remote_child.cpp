// The other process of bench_remote: hosts the sinks.
#include "actors/node/node.hpp"
#include "bench/remote_actors.hpp"
#include "bench/remote_bench.hpp"
#include "bench/remote_systems.hpp"
#include "bench/support.hpp"

#include <caf/io/all.hpp>

namespace bench {

int serve_raw(const std::string& argument);

namespace {

int serve_troupe(const std::string& scheduler) {
  troupe::node node{troupe_options("other", "tcp://127.0.0.1:*", scheduler), troupe_catalog(),
                    troupe_roles()};
  ready_and_wait(node.endpoint());
  return 0;
}

int serve_caf() {
  caf_config config;
  caf::actor_system system{config};
  auto hatchery = system.spawn([&system](caf::event_based_actor*) {
    return caf::behavior{
        [&system](std::uint64_t every) { return system.spawn(sink<caf::event_based_actor>, every); }};
  });
  const auto port = system.middleman().publish(hatchery, 0, "127.0.0.1");
  ready_and_wait(std::to_string(port ? *port : 0));
  return 0;
}

/// That many hubs which connect to `endpoint` and stay idle.
int serve_links(const std::string& argument) {
  struct : troupe::transport::hub_listener {
    void on_peer_up(const troupe::transport::peer_ptr&) override {}
    void on_frame(const troupe::transport::peer_ptr&, troupe::transport::inbound_frame) override {}
    void on_peer_down(const troupe::transport::peer_ptr&, troupe::transport::down_reason, std::string_view,
                      std::uint64_t) override {}
  } listener;
  const auto blank = argument.find(' ');
  const auto count = std::stoi(argument.substr(0, blank));
  const auto endpoint = argument.substr(blank + 1);
  troupe::trace::recorder recorder{{.directory = {}, .node = "links", .what = troupe::trace::level::off}};
  troupe::trace::ledger books;
  std::vector<std::unique_ptr<troupe::transport::hub>> hubs;
  std::atomic<int> up{0};
  for (int i = 0; i < count; ++i) {
    troupe::transport::hub_options options;
    options.identity = {"link" + std::to_string(i), troupe::transport::draw_incarnation()};
    options.greeting = troupe::encode({.agent = 1, .pid = 1, .types = {}, .codecs = {0}, .run = {}});
    hubs.push_back(std::make_unique<troupe::transport::hub>(std::move(options), listener, recorder, books));
    hubs.back()->connect(endpoint, std::chrono::seconds{10},
                         [&](const troupe::transport::peer_ptr&, std::string_view) {
                           ++up;
                           up.notify_all();
                         });
  }
  for (int now = up; now < count; now = up)
    up.wait(now);
  ready_and_wait("up");
  return 0;
}

} // namespace

int run_child(const std::string& kind, const std::string& argument) {
  if (kind == "troupe") return serve_troupe(argument);
  if (kind == "caf") return serve_caf();
  if (kind == "raw") return serve_raw(argument);
  if (kind == "links") return serve_links(argument);
  return 2;
}

} // namespace bench
