#include "bench/scaling.hpp"

#include "actors/node/node.hpp"
#include "bench/remote_actors.hpp"
#include "bench/support.hpp"

#include <thread>

namespace bench {

namespace {

std::shared_ptr<troupe::message_catalog> catalog() {
  auto result = std::make_shared<troupe::message_catalog>();
  troupe::add_agent_messages(*result);
  result->add<blob, credit, begin_sending, ping>();
  return result;
}

troupe::node make_node(const std::string& name) {
  troupe::node_options options;
  options.name = name;
  options.listen = "tcp://127.0.0.1:*";
  return {std::move(options),
          catalog(),
          {{"sink", troupe::make_role(sink<troupe::plain_actor>)},
           {"source", troupe::make_role(source<troupe::plain_actor>)}}};
}

} // namespace

int run_scaling_child(const std::string& endpoint, const std::string& name) {
  auto self = make_node(name);
  if (!self.connect(endpoint, std::chrono::seconds{10})) return 1;
  ready_and_wait(name);
  return 0;
}

double messages_per_second(int nodes, std::uint64_t messages_each) {
  constexpr std::uint64_t window = 4'000;
  auto main = make_node("main");
  std::vector<std::unique_ptr<child>> children;
  for (int i = 0; i < nodes; ++i)
    children.push_back(std::make_unique<child>(
        std::vector<std::string>{"--child", main.endpoint(), "n" + std::to_string(i)}));
  // They are connected, but this side may not have read that yet.
  const auto until = std::chrono::steady_clock::now() + std::chrono::seconds{10};
  for (int i = 0; i < nodes; ++i)
    while (main.agent_of("n" + std::to_string(i)) == nullptr && std::chrono::steady_clock::now() < until)
      std::this_thread::sleep_for(std::chrono::milliseconds{1});
  auto spawn = [&](int node, const char* role, const caf::message& args) {
    auto made = main.spawn_on("n" + std::to_string(node), role, args);
    if (!made) throw std::runtime_error(caf::to_string(made.error()));
    return caf::actor_cast<caf::actor>(*made);
  };
  // Each node sends to the next one, so that every link of the ring carries the same.
  std::vector<std::pair<caf::actor, caf::actor>> pairs;
  for (int i = 0; i < nodes; ++i)
    pairs.emplace_back(spawn(i, "source", caf::message{}),
                       spawn((i + 1) % nodes, "sink", caf::make_message(window / 4)));
  caf::scoped_actor self{main.system()};
  for (int round = 0; round < 2; ++round) { // the first connects the nodes to each other
    const auto messages = round == 0 ? window : messages_each;
    const auto began = std::chrono::steady_clock::now();
    for (auto& [source, sink] : pairs)
      self->send(source, begin_sending{sink, messages, 32, window});
    for (std::size_t done = 0; done < pairs.size(); ++done)
      self->receive([](std::uint64_t) {});
    const auto seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - began).count();
    if (round == 1) return static_cast<double>(messages) * nodes / seconds;
  }
  return 0;
}

} // namespace bench
