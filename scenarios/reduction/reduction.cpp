// Reduction over a tree: its parameters, its wiring and its checks. The tree is in
// actors/patterns/reducer.hpp, the operators are in reduction_operators.cpp.
#include "scenarios/reduction/reduction.hpp"

#include "scenarios/reduction/actors.hpp"

namespace troupe::scenarios {

using nlohmann::json;

namespace {

using shared_operators = std::shared_ptr<const operator_catalog>;

void declare(scenario& s, const operator_catalog& operators) {
  std::vector<std::string> names;
  std::string about = "what joins two values:";
  for (auto& [name, op] : operators) {
    names.push_back(name);
    about += (names.size() == 1 ? " " : "; ") + name + " (" + op.about + ")";
  }
  s.choice("operator", names, names.front()).help(about);
  s.numbers("inputs").help("the elements");
  s.booleans("flags").help("instead of inputs: true and false");
  s.integer("first", 0).range(-9e15, 9e15).help("instead of inputs: the first of a range of numbers");
  s.integer("count", 0).range(0, 1e9).in("elements").help("how many numbers of that range");
  s.text("file", "")
      .path()
      .help("instead of inputs: a file with one element a line; for histogram, "
            "word<TAB>year<TAB>count<TAB>volumes");
  s.integer("arity", 2)
      .range(tree_arity_min, tree_arity_max)
      .help("how many partial results are joined at once");
  s.integer("chunk", 1).range(1, 1'000'000).in("elements").help("how many elements make a leaf of the tree");
  s.integer("reducers", 4)
      .range(1, 1'000)
      .help("how many actors share the tree, spread over the worker nodes");
  s.boolean("verify", true)
      .help("whether the result is compared with that of joining one element after the other");
}

std::string why_wrong_source(const parameters& values) {
  const bool list = !values.get<std::vector<double>>("inputs").empty(),
             flags = !values.get<std::vector<bool>>("flags").empty();
  const bool range = values.integer("count") != 0, file = !values.text("file").empty();
  if (list + flags + range + file > 1) return "give the elements once: inputs, flags, count or file";
  return {};
}

source_settings source_of(const parameters& values) {
  return {values.text("file"), values.integer("first"), static_cast<std::uint64_t>(values.integer("count")),
          values.get<std::vector<bool>>("flags"), values.get<std::vector<double>>("inputs")};
}

std::string why_impossible(const parameters& values, const operator_catalog& operators) {
  if (auto why = why_wrong_source(values); !why.empty()) return why;
  const auto& name = values.text("operator");
  const auto& op = operators.at(name);
  try {
    if (auto why = counter_example(name, op, first_values(op, source_of(values))); !why.empty())
      return "operator " + name + " cannot be reduced in a tree, it is " + why;
    // A list is short enough to be looked at as a whole.
    for (const double input : values.get<std::vector<double>>("inputs"))
      value_of(op, input);
    for (const bool flag : values.get<std::vector<bool>>("flags"))
      value_of(op, flag);
    if (values.integer("count") != 0) value_of(op, values.integer("first"));
  } catch (const std::invalid_argument& e) {
    const auto* source = values.integer("count") != 0                     ? "count"
                         : values.get<std::vector<bool>>("flags").empty() ? "inputs"
                                                                          : "flags";
    return "the elements of " + std::string{source} + " are none for operator " + name + ": " + e.what();
  } catch (const std::runtime_error& e) {
    return "file: " + std::string{e.what()};
  }
  return {};
}

void add_reduction_checks(scenario& s, const shared_operators& operators) {
  s.check("each element went in exactly once", [](const finished_run& run) -> check_outcome {
    const auto dealt = run.result.at("dealt").get<std::uint64_t>(),
               elements = run.result.at("elements").get<std::uint64_t>();
    std::uint64_t marks = 0;
    for (std::uint64_t i = 0; i < dealt; ++i)
      marks += tree_mark(i);
    const bool same = marks == run.result.at("marks").get<std::uint64_t>();
    return {elements == dealt && same, std::to_string(elements) + " of " + std::to_string(dealt)
                                           + (same ? "" : ", but not each of them once")};
  });
  s.check("reading kept its bound", [](const finished_run& run) -> check_outcome {
    const auto ahead = run.result.at("chunks_ahead_max").get<std::uint64_t>();
    const auto bound = groups_ahead * static_cast<std::uint64_t>(run.values.integer("reducers"))
                       * static_cast<std::uint64_t>(run.values.integer("arity"));
    return {ahead <= bound, "at most " + std::to_string(ahead) + " chunks were read and not folded, "
                                + std::to_string(bound) + " may be"};
  });
  s.check("the tree has the shape of its arity", [](const finished_run& run) -> check_outcome {
    const tree_shape shape{run.result.at("chunks").get<std::uint64_t>(),
                           static_cast<std::uint64_t>(run.values.integer("arity"))};
    const auto& tree = run.result.at("tree");
    bool right = tree.size() == shape.levels();
    for (std::uint32_t level = 1; right && level <= shape.levels(); ++level)
      right = tree.at(level - 1).at("pairs") == shape.joins(level);
    return {right, std::to_string(tree.size()) + " levels over " + std::to_string(shape.leaves)
                       + " chunks, expected " + std::to_string(shape.levels())};
  });
  s.check("the result is that of a sequential fold", [operators](const finished_run& run) -> check_outcome {
    if (!run.values.boolean("verify")) return {true, "not looked at: verify = false"};
    const auto& op = operators->at(run.values.text("operator"));
    auto expected = fold_all(op, source_of(run.values));
    if (op.present) expected = op.present(expected);
    const bool same = same_value(expected, run.result.at("value"));
    return {same, (same ? "both are " : "expected ") + shown(expected)};
  });
}

void wire_reduction(run& r) {
  const auto& values = r.values();
  const root_settings settings{static_cast<std::uint64_t>(values.integer("arity")),
                               static_cast<std::uint64_t>(values.integer("chunk"))};
  const auto& op = values.text("operator");
  auto root = r.spawn("root", r.collector(), settings, source_of(values), op);
  r.on_stop(root);
  tree_crew crew;
  crew.reducers =
      r.spawn_each("reducer", static_cast<std::size_t>(values.integer("reducers")),
                   [&](std::size_t) { return message_with(root, settings.arity, values.text("file"), op); });
  troupe::anon_send(root, std::move(crew));
}

} // namespace

scenario reduction(const operator_catalog& operators) {
  scenario s{"reduction", "Elements are joined in a tree of actors, level by level"};
  auto shared = std::make_shared<const operator_catalog>(operators);
  declare(s, operators);
  s.validate([shared](const parameters& values) { return why_impossible(values, *shared); });
  s.messages(add_reduction_messages);
  s.role(
      "root",
      [shared](actor_of<root_state>* self, const caf::actor& collector, const root_settings& settings,
               const source_settings& source, const std::string& op) {
        return reduction_root(self, collector, settings, source, shared->at(op));
      },
      placement::main, "deals the elements in chunks and gets the result");
  s.role(
      "reducer",
      [shared](actor_of<folding_state>* self, const caf::actor& root, std::uint64_t arity,
               const std::string& file,
               const std::string& op) { return folding_reducer(self, root, arity, file, shared->at(op)); },
      placement::workers, "folds chunks, and joins what became of them");
  // Partial results died with the node, and no reducer knows all that went into them.
  s.tells_of_node_loss();
  s.start(wire_reduction);
  add_reduction_checks(s, shared);
  return s;
}

} // namespace troupe::scenarios
