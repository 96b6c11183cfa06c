#include "runner/api/scenario.hpp"

#include "base/cxx_text.hpp"
#include "base/text.hpp"
#include "base/words.hpp"
#include "trace/check/invariant.hpp"

#include <algorithm>
#include <set>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace troupe::scenarios {

scenario::scenario(std::string scenario_name, std::string one_line) {
  name = std::move(scenario_name);
  summary = std::move(one_line);
}
scenario::~scenario() = default;
scenario::scenario(const scenario&) = default;
scenario::scenario(scenario&&) noexcept = default;
scenario& scenario::operator=(const scenario&) = default;
scenario& scenario::operator=(scenario&&) noexcept = default;

scenario& scenario::start(std::function<void(run&)> wire) {
  wire_ = std::move(wire);
  return *this;
}

scenario& scenario::messages(std::function<void(message_catalog&)> add) {
  message_adders_.push_back(std::move(add));
  return *this;
}

scenario& scenario::add_message(const std::string& type_name,
                                void (*add)(message_catalog&, const std::string& name)) {
  message_adders_.push_back([type_name, add](message_catalog& catalog) { add(catalog, type_name); });
  return *this;
}

scenario& scenario::add_role(const std::string& role_name, role_factory factory, placement where,
                             std::string about) {
  roles.push_back({role_name, where, std::move(about)});
  factories_.emplace(role_name, std::move(factory));
  return *this;
}

scenario& scenario::check(std::string check_name, std::function<check_outcome(const finished_run&)> look) {
  checks_.push_back({std::move(check_name), std::move(look)});
  return *this;
}

scenario& scenario::promise(std::string invariant) {
  promises_.push_back(std::move(invariant));
  return *this;
}

scenario& scenario::validate(std::function<std::string(const scenarios::parameters&)> look) {
  objection = std::move(look);
  return *this;
}

void scenario::add_messages(message_catalog& catalog) const {
  for (auto& add : message_adders_)
    add(catalog);
}

void scenario::add_roles(role_map& all) const {
  for (auto& [role_name, factory] : factories_)
    all.emplace(name + '/' + role_name, factory);
}

std::string read_result(const finished_run& run, const value_functions& of, void* to) {
  if (run.result.is_null()) return "there is no result";
  if (const auto err = of.from_json(json_reader{run.result}, to))
    return "the result is of another kind: " + caf::to_string(err);
  return {};
}

void add_run_messages(message_catalog& catalog) {
  catalog.add<run_finished, run_lines, run_progress, run_failed, run_announcement, stop_early>();
}

namespace {

std::shared_ptr<message_catalog> catalog_of_the_runner() {
  auto catalog = std::make_shared<message_catalog>();
  add_agent_messages(*catalog);
  add_run_messages(*catalog);
  return catalog;
}

} // namespace

std::shared_ptr<message_catalog> make_catalog(const std::vector<const scenario*>& known) {
  auto catalog = catalog_of_the_runner();
  for (auto* each : known)
    each->add_messages(*catalog);
  return catalog;
}

namespace {

using sentences = std::vector<std::string>;

void add_messages_of(const scenario& one, message_catalog& catalog, sentences& wrong) {
  catalog.collect_refusals(&wrong);
  try {
    one.add_messages(catalog);
  } catch (...) { // a function of the program's own
    wrong.push_back("its message types cannot be told: " + exception_text());
  }
  catalog.collect_refusals(nullptr);
}

/// A message of several elements is called by all their names, joined by '+'.
bool is_known_type(const std::string& pattern, const sentences& names) {
  if (pattern == "(empty)") return true;
  std::string_view rest = pattern;
  while (true) {
    const auto plus = rest.find('+');
    const auto one = rest.substr(0, plus);
    if (std::none_of(names.begin(), names.end(),
                     [&](const std::string& name) { return glob_match(one, name); }))
      return false;
    if (plus == std::string_view::npos) return true;
    rest.remove_prefix(plus + 1);
  }
}

void check_promise(const std::string& promise, const sentences& types, sentences& wrong) {
  const auto shown = in_quotes(promise);
  try {
    for (const auto& type : trace::invariant{promise}.types()) {
      if (is_known_type(type, types)) continue;
      const auto meant = nearest(type, types);
      wrong.push_back(fmt::format("its promise {} names the message type {}, which is not registered{}",
                                  shown, in_quotes(type),
                                  meant.empty() ? "" : fmt::format("; did you mean {}?", meant)));
    }
  } catch (const trace::invariant_error& e) {
    wrong.push_back(fmt::format("its promise {} cannot be read: {}", shown, e.what()));
  }
}

void check_functions(const scenario& one, sentences& wrong) {
  if (!one.wire()) wrong.emplace_back("it has no start, the function that spawns its actors");
  std::set<std::string> names;
  for (const auto& check : one.checks()) {
    if (check.name.empty()) wrong.emplace_back("one of its checks has no name");
    if (!check.look) wrong.push_back(fmt::format("its check {} has no function", in_quotes(check.name)));
    if (!names.insert(check.name).second)
      wrong.push_back(fmt::format("there are two checks called {}", in_quotes(check.name)));
  }
}

/// What is wrong with one of them, whatever others there are.
sentences mistakes_in(const scenario& one) {
  auto wrong = mistakes_in(static_cast<const declaration&>(one));
  check_functions(one, wrong);
  const auto catalog = catalog_of_the_runner();
  add_messages_of(one, *catalog, wrong);
  const auto types = catalog->names();
  for (const auto& promise : one.promises())
    check_promise(promise, types, wrong);
  return wrong;
}

} // namespace

std::vector<std::string> mistakes_in(const std::vector<const scenario*>& all) {
  sentences told;
  std::set<std::string> names;
  const auto catalog = catalog_of_the_runner();
  for (const auto* each : all) {
    if (each == nullptr) {
      told.emplace_back("one of the scenarios is a null pointer");
      continue;
    }
    auto wrong = mistakes_in(*each);
    if (!names.insert(each->name).second) {
      wrong.emplace_back("the program has two scenarios of this name");
    } else { // with those before it, whose messages a worker node knows as well
      sentences clashes;
      add_messages_of(*each, *catalog, clashes);
      for (auto& clash : clashes)
        if (std::find(wrong.begin(), wrong.end(), clash) == wrong.end()) wrong.push_back(std::move(clash));
    }
    for (const auto& sentence : wrong)
      told.push_back(fmt::format("scenario {}: {}", in_quotes(each->name), sentence));
  }
  return told;
}

role_map make_roles(const std::vector<const scenario*>& known) {
  role_map all;
  for (auto* each : known)
    each->add_roles(all);
  return all;
}

} // namespace troupe::scenarios

TROUPE_SENT_TYPE(, troupe::scenarios::run_finished);
TROUPE_SENT_TYPE(, troupe::scenarios::run_lines);
TROUPE_SENT_TYPE(, troupe::scenarios::run_progress);
TROUPE_SENT_TYPE(, troupe::scenarios::run_failed);
TROUPE_SENT_TYPE(, troupe::scenarios::run_announcement);
