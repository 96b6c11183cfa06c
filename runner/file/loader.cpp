// From text to a plan: reads, lays the overrides over it, substitutes, checks.
#include "base/units.hpp"
#include "base/words.hpp"
#include "runner/file/checks.hpp"
#include "runner/file/scenario_file.hpp"
#include "runner/file/settings.hpp"
#include "runner/file/substitution.hpp"
#include "runner/toml/read_file.hpp"

#include <algorithm>

#include <fmt/format.h>

namespace troupe::scenarios {
namespace {

using namespace file;

class loader {
 public:
  loader(const std::filesystem::path& path, const source_text& source,
         const std::vector<const declaration*>& known, const environment& env, mistakes& wrong)
      : source_(source), known_(known), env_(env), wrong_(wrong), read_(wrong) {
    plan_.file = path;
  }

  plan run(const overrides& given) {
    auto document = parse_document(source_, wrong_);
    node& root = document.root;
    settings over(given, env_, wrong_);
    const declaration* scenario = find_scenario(root, over, document.partial);
    over.lay_over(root, scenario);
    // The scenario's name was substituted, and its mistakes told, when it was looked up.
    for (auto& e : root.entries)
      if (e.key != "scenario") substitute(e.value, env_, wrong_);
    check(root, scenario, document.partial);
    return std::move(plan_);
  }

 private:
  const declaration* find_scenario(node& root, const settings& over, bool partial) {
    std::vector<std::string> names;
    for (const auto* d : known_)
      names.push_back(d->name);
    entry* e = root.find("scenario");
    const node* value = over.scenario();
    if (!value && e) {
      substitute(e->value, env_, wrong_);
      value = &e->value;
    }
    if (!value) {
      if (partial) return nullptr;
      place start{&source_, 1, 1, 1};
      const auto meant = misspelt(root);
      wrong_.add(meant ? meant->at : start, "there is no `scenario`",
                 meant ? fmt::format("did you mean `scenario` instead of {}?", tick(meant->key))
                       : fmt::format("begin the file with scenario = {}", join_quoted(names)));
      if (meant) told_ = meant->key;
      return nullptr;
    }
    const auto name = read_.text(*value, {"scenario", "a scenario's name"}, 1'000);
    if (!name) return nullptr;
    if (const auto* found = find_declaration(*name)) return found;
    const auto best = nearest(*name, names);
    wrong_.add(value->at, fmt::format("there is no scenario {}", in_quotes(*name)),
               best.empty() ? fmt::format("known are {}", join_quoted(names))
                            : fmt::format("did you mean \"{}\"?", best));
    // What it was probably meant to be tells more of the mistakes in one pass.
    return find_declaration(best);
  }

  const declaration* find_declaration(std::string_view name) const {
    for (const auto* d : known_)
      if (d->name == name) return d;
    return nullptr;
  }

  static const entry* misspelt(const node& root) {
    const std::vector<std::string> wanted{"scenario"};
    for (const auto& e : root.entries)
      if (e.value.kind == node_kind::text && !nearest(e.key, wanted).empty()) return &e;
    return nullptr;
  }

  void check(const node& root, const declaration* scenario, bool partial) {
    const entry* named = root.find("scenario");
    check_context c{read_, wrong_,  scenario,
                    plan_, partial, named ? named->value.at : place{&source_, 1, 1, 1}};
    if (scenario) {
      plan_.scenario = scenario->name;
      for (const auto& p : scenario->parameters)
        if (p.fallback) plan_.values.set(p.name, *p.fallback);
    }
    std::vector<std::string> keys(top_keys().begin(), top_keys().end());
    if (!told_.empty()) keys.push_back(told_);
    refuse_unknown(root, "", keys, c);
    if (const entry* e = root.find("seed"))
      if (const auto seed =
              read_.unsigned_number(e->value, {"seed", "an integer from 0 to 18446744073709551615"})) {
        plan_.seed = *seed;
        plan_.seed_given = true;
      }
    if (const entry* e = root.find("deadline")) {
      plan_.deadline =
          read_.duration(e->value, {"deadline", "a duration of more than \"0s\", at most 10 years"},
                         {1e-9, seconds_max, {}});
      c.deadline_in_file = plan_.deadline && e->at.in_file();
    }
    const entry* parameters = root.find("parameters");
    check_parameters(parameters ? &parameters->value : nullptr, c);
    const entry* topology = root.find("topology");
    check_topology(topology ? &topology->value : nullptr, c);
    if (const entry* e = root.find("trace")) check_trace(e->value, c);
    if (const entry* e = root.find("faults")) check_faults(e->value, c);
    if (const entry* e = root.find("expect")) check_expect(e->value, c);
  }

  const source_text& source_;
  const std::vector<const declaration*>& known_;
  const environment& env_;
  mistakes& wrong_;
  value_reader read_;
  plan plan_;
  std::string told_; ///< a key that was told already
};

loaded load_text(const std::filesystem::path& path, const std::string& name, std::string text,
                 const std::vector<const declaration*>& known, const overrides& given,
                 const environment& env) {
  mistakes wrong;
  loaded result;
  const environment none = [](const std::string&) { return std::nullopt; };
  if (check_text(name, text, wrong)) {
    const source_text source(name, std::move(text), origin::file);
    auto made = loader(path, source, known, env ? env : none, wrong).run(given);
    if (wrong.empty()) result.result = std::move(made);
  }
  if (!wrong.empty()) result.mistakes = wrong.take();
  return result;
}

} // namespace

loaded load(const std::filesystem::path& path, const std::vector<const declaration*>& known,
            const overrides& given, const environment& env) {
  mistakes wrong;
  auto text = file::read_file(path, wrong);
  if (!text) {
    loaded result;
    result.mistakes = wrong.take();
    return result;
  }
  return load_text(path, excerpt(path.string(), 200), std::move(*text), known, given, env);
}

loaded parse(std::string_view text, const std::string& name, const std::vector<const declaration*>& known,
             const overrides& given, const environment& env) {
  return load_text(name, name, std::string(text), known, given, env);
}

} // namespace troupe::scenarios
