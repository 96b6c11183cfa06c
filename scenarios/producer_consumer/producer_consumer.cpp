// Producer and consumer: its parameters, its wiring and its checks. The actors are in
// producer_consumer_actors.hpp, the buffer between them in actors/patterns/channel.hpp.
#include "scenarios/producer_consumer/producer_consumer.hpp"

#include "scenarios/producer_consumer/actors.hpp"

#include <cmath>

namespace troupe::scenarios {

namespace {

/// 1 + 4 + 9 + … + n²; exact, for all n that the parameters allow.
__int128 sum_of_squares(std::int64_t n) { return static_cast<__int128>(n) * (n + 1) * (2 * n + 1) / 6; }

constexpr std::int64_t items_of_all_max = 10'000'000;
/// The 92nd is the last Fibonacci number below 2^63, the sum of 90 the last such sum.
constexpr std::int64_t fibonacci_max = 90;

void declare(scenario& s) {
  s.integer("producers", 1).range(1, 10'000).help("how many produce, spread over the worker nodes");
  s.integer("consumers", 1).range(1, 10'000).help("how many consume, spread over the worker nodes");
  s.integer("items", 20).range(1, 10'000'000).in("items").help("what each producer makes, at most");
  s.integer("capacity", 10)
      .range(1, 10'000'000)
      .in("items")
      .help("what the buffer between them holds, at most");
  s.integer("batch", 1).range(1, 100'000).in("items").help("what is moved with one message, at most");
  s.numbers("produce_cost", {0})
      .range(0, 1e6)
      .length(2)
      .in("units")
      .help("time to make an item: fixed, or [low, high]");
  s.numbers("consume_cost", {0})
      .range(0, 1e6)
      .length(2)
      .in("units")
      .help("time to use an item: fixed, or [low, high]");
  s.duration("unit", std::chrono::milliseconds{100}).range(1e-6, 3600).help("how long a unit of time lasts");
  s.choice("order", {"fifo", "priority"}, "fifo").help("who leaves the buffer first");
  s.integers("priorities", {1, 2, 3})
      .help("with order priority: of a producer's items in turn; higher goes first");
  s.choice("mode", {"concurrent", "sequential"}, "concurrent")
      .help("all at once, or everything made before anything is used");
  s.boolean("pull", false).help("nothing is made before a consumer asks for it");
  s.choice("generator", {"squares", "fibonacci"}, "squares")
      .help("the values: 1, 4, 9, … or 1, 1, 2, 3, 5, …");
  s.integer("until", 0)
      .range(0, 9e18)
      .help("with pull: a consumer asks for no more after a value above this; 0: never");
}

stock_cost cost_of(const parameters& values, std::string_view name) {
  const auto& bounds = values.get<std::vector<double>>(name);
  const auto unit = static_cast<double>(values.duration("unit").count());
  if (bounds.empty()) return {};
  auto time = [&](double units) { return caf::timespan{std::llround(units * unit)}; };
  return {time(bounds.front()), time(bounds.back())};
}

std::string why_wrong_cost(const parameters& values, const std::string& name) {
  const auto& bounds = values.get<std::vector<double>>(name);
  if (bounds.size() == 2 && bounds[0] > bounds[1])
    return name + " is [low, high]: its first number must not be above its second";
  return {};
}

std::string why_impossible(const parameters& values) {
  for (auto* name : {"produce_cost", "consume_cost"})
    if (auto why = why_wrong_cost(values, name); !why.empty()) return why;
  const bool pull = values.boolean("pull"), sequential = values.text("mode") == "sequential";
  const auto producers = values.integer("producers"), consumers = values.integer("consumers"),
             items = values.integer("items");
  const auto total = producers * items;
  if (total > items_of_all_max)
    return "producers x items is " + std::to_string(total) + "; at most " + std::to_string(items_of_all_max)
           + " items can be kept count of";
  if (pull && values.text("order") == "priority")
    return "order = \"priority\" needs items that wait in the buffer, and with pull = true none is made "
           "before it is asked for: choose one of the two";
  if (pull && sequential)
    return "pull = true makes nothing before it is asked for, and mode = \"sequential\" makes everything "
           "before: choose one of the two";
  if (values.integer("until") != 0 && !(pull && producers == 1 && consumers == 1))
    return "until needs pull = true, one producer and one consumer: otherwise more is made than is asked for";
  if (sequential && consumers != 1) return "mode = \"sequential\" is one program: consumers must be 1";
  if (sequential && values.integer("capacity") < total)
    return "mode = \"sequential\" makes all " + std::to_string(total)
           + " items before the first is used: capacity must be at least that";
  if (values.text("order") == "priority" && values.get<std::vector<std::int64_t>>("priorities").empty())
    return "order = \"priority\" needs priorities, such as [1, 2, 3]";
  if (values.text("generator") == "fibonacci" && total > fibonacci_max)
    return "the sum of more than " + std::to_string(fibonacci_max)
           + " Fibonacci numbers does not fit into 64 bits: lower items";
  if (values.text("generator") == "squares"
      && sum_of_squares(items) * producers > std::numeric_limits<std::int64_t>::max())
    return "the sum of all squares does not fit into 64 bits: lower producers or items";
  return {};
}

void wire_producing(run& r) {
  const auto& values = r.values();
  stock_settings settings;
  settings.items = static_cast<std::uint64_t>(values.integer("items"));
  settings.batch = static_cast<std::uint64_t>(values.integer("batch"));
  settings.generator =
      values.text("generator") == "squares" ? stock_generator::squares : stock_generator::fibonacci;
  settings.until = values.integer("until");
  settings.pull = values.boolean("pull");
  settings.sequential = values.text("mode") == "sequential";
  settings.produce = cost_of(values, "produce_cost");
  settings.consume = cost_of(values, "consume_cost");
  settings.seed = r.seed();
  channel_options options;
  options.capacity = static_cast<std::uint64_t>(values.integer("capacity"));
  options.producers = static_cast<std::uint64_t>(values.integer("producers"));
  options.pull = settings.pull;
  if (values.text("order") == "priority") {
    options.order = channel_order::priority;
    settings.priorities = values.get<std::vector<std::int64_t>>("priorities");
  }
  auto between = r.spawn("channel", options);
  auto manager = r.spawn("manager", r.collector(), between, settings, caf::timespan{values.duration("unit")});
  r.on_stop(manager);
  stock_crew crew;
  const auto numbered = [&](std::size_t i) {
    return message_with(manager, between, static_cast<std::uint32_t>(i), settings);
  };
  crew.producers = r.spawn_each("producer", static_cast<std::size_t>(values.integer("producers")), numbered);
  crew.consumers = r.spawn_each("consumer", static_cast<std::size_t>(values.integer("consumers")), numbered);
  troupe::anon_send(manager, std::move(crew));
}

void add_producing_checks(scenario& s) {
  s.check("every item was consumed once", [](const finished_run& run) -> check_outcome {
    const auto consumed = run.result.at("consumed").get<std::int64_t>();
    const auto doubles = run.result.at("doubles").get<std::int64_t>();
    // Where a consumer decides when it is enough, what was made is what must arrive.
    const auto expected = run.values.integer("until") != 0
                              ? run.result.at("produced").get<std::int64_t>()
                              : run.values.integer("producers") * run.values.integer("items");
    return {consumed == expected && doubles == 0, std::to_string(consumed) + " of " + std::to_string(expected)
                                                      + ", " + std::to_string(doubles) + " twice"};
  });
  s.check("the buffer kept its bound", [](const finished_run& run) -> check_outcome {
    const auto& buffer = run.result.at("buffer");
    const auto most = buffer.at("fill_max").get<std::int64_t>(),
               refused = buffer.at("refused").get<std::int64_t>();
    const auto capacity = run.values.integer("capacity");
    return {most <= capacity && refused == 0, "at most " + std::to_string(most) + " of "
                                                  + std::to_string(capacity) + ", " + std::to_string(refused)
                                                  + " put without credit"};
  });
  s.check("the sums agree", [](const finished_run& run) -> check_outcome {
    std::int64_t expected = 0;
    for (auto& row : run.result.at("per_producer")) {
      const auto items = row.at("items").get<std::int64_t>();
      if (run.values.text("generator") == "squares")
        expected += static_cast<std::int64_t>(sum_of_squares(items));
      else
        for (std::int64_t i = 1; i <= items; ++i)
          expected += stock_value(stock_generator::fibonacci, static_cast<std::uint64_t>(i));
    }
    const auto sum = run.result.at("sum").get<std::int64_t>();
    return {sum == expected, std::to_string(sum) + ", expected " + std::to_string(expected)};
  });
  s.check("nobody overtook in the buffer", [](const finished_run& run) -> check_outcome {
    const auto overtakers = run.result.at("overtakers").get<std::int64_t>();
    return {overtakers == 0, std::to_string(overtakers) + " of " + dumped(run.result.at("order_looked_at"))
                                 + " left too early, in order " + run.values.text("order")};
  });
}

} // namespace

scenario producer_consumer() {
  scenario s{"producer_consumer", "Producers and consumers with a bounded buffer between them"};
  declare(s);
  s.validate(why_impossible);
  s.messages(add_stock_messages);
  s.role("channel", channel<stock_item>, placement::main, "the bounded buffer");
  s.role("manager", manager, placement::main, "begins, counts, and draws up the result");
  s.role("producer", producer, placement::workers,
         "makes items and puts them into the buffer as credit allows");
  s.role("consumer", consumer, placement::workers, "takes items and uses them");
  s.start(wire_producing);
  add_producing_checks(s);
  return s;
}

} // namespace troupe::scenarios
