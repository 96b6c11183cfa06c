#include "scenarios/scenario.hpp"

#include "trace/invariant.hpp"

namespace troupe::scenarios {

scenario& scenario::promise(const std::string& invariant) {
  const trace::invariant checked{invariant};
  promises_.push_back(invariant);
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

void add_run_messages(message_catalog& catalog) {
  catalog.add<run_finished>("troupe.run_finished");
  catalog.add<run_lines>("troupe.run_lines");
  catalog.add<run_progress>("troupe.run_progress");
  catalog.add<run_failed>("troupe.run_failed");
  catalog.add<run_announcement>("troupe.run_announcement");
  catalog.add<stop_early>("troupe.stop_early");
}

std::shared_ptr<message_catalog> make_catalog(const std::vector<const scenario*>& known) {
  auto catalog = std::make_shared<message_catalog>();
  add_agent_messages(*catalog);
  add_run_messages(*catalog);
  for (auto* each : known)
    each->add_messages(*catalog);
  return catalog;
}

role_map make_roles(const std::vector<const scenario*>& known) {
  role_map all;
  for (auto* each : known)
    each->add_roles(all);
  return all;
}

} // namespace troupe::scenarios
