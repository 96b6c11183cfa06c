// [topology.place] and [[faults]]: everything that names nodes.
#include "base/words.hpp"
#include "runner/file/checks.hpp"

#include <array>

#include <fmt/format.h>

namespace troupe::scenarios::file {
namespace {

const std::array<std::string, 4> fault_key_names{"action", "node", "at", "lasting"};

bool is_started_name(std::string_view name) {
  return name.size() > 1 && name[0] == 'w' && name[1] != '0'
         && name.find_first_not_of("0123456789", 1) == std::string_view::npos;
}

std::vector<std::string> nodes_of(placement where, const topology_plan& topology) {
  auto workers = worker_names(topology);
  if (where == placement::main || workers.empty()) return {"main"};
  if (where == placement::all) workers.insert(workers.begin(), "main");
  return workers;
}

/// Why there is no such node.
std::string missing_node(const std::string& name, const topology_plan& topology) {
  if (is_started_name(name))
    return topology.nodes == 0
               ? "nodes = 0, so the run starts no worker nodes"
               : fmt::format("nodes = {}, so there are w1{}", topology.nodes,
                             topology.nodes == 1 ? " only" : fmt::format(" to w{}", topology.nodes));
  auto known = worker_names(topology);
  if (known.size() > 6) known.erase(known.begin() + 3, known.begin() + std::int64_t(topology.nodes));
  known.insert(known.begin(), "main");
  return suggest(name, known, "there are");
}

class place_check {
 public:
  place_check(check_context& c, bool all_on_main)
      : c_(c), to_(c.result.topology), all_on_main_(all_on_main) {}

  void read(const entry& e) {
    const subject what{e.key, "a node name, a list of them, or \"main\", \"workers\" or \"all\""};
    const auto names = c_.read.one_or_more_texts(e.value, what, std::size_t(nodes_max) + 1);
    if (!names) return;
    const bool list = e.value.kind == node_kind::list;
    if (names->empty()) {
      c_.wrong.add(e.value.at, fmt::format("{} is placed nowhere", tick(e.key)), "expected " + what.expected);
      return;
    }
    if (names->size() == 1 && !list)
      for (auto word : {placement::main, placement::workers, placement::all})
        if (names->front() == to_string(word)) {
          to_.place[e.key] = nodes_of(all_on_main_ ? placement::main : word, to_);
          return;
        }
    auto nodes = check_names(e, *names);
    to_.place[e.key] = all_on_main_ ? std::vector<std::string>{"main"} : std::move(nodes);
  }

 private:
  std::vector<std::string> check_names(const entry& e, const std::vector<std::string>& names) {
    const auto known = worker_names(to_);
    std::vector<std::string> nodes;
    for (std::size_t i = 0; i < names.size(); ++i) {
      const auto& name = names[i];
      const bool list = e.value.kind == node_kind::list;
      const place& at = list ? e.value.items[i].at : e.value.at;
      // With everything in one process any node the file might have is main.
      const bool there = name == "main" || contains(known, name) || all_on_main_ || !c_.nodes_known;
      if (list && (name == "workers" || name == "all"))
        c_.wrong.add(at, fmt::format("{} cannot stand in a list", in_quotes(name)),
                     fmt::format("write {} = \"{}\"", e.key, name));
      else if (!there)
        c_.wrong.add(at, fmt::format("there is no node {} to place {} on", in_quotes(name), tick(e.key)),
                     missing_node(name, to_));
      else if (contains(nodes, name))
        c_.wrong.add(at, fmt::format("the node {} is listed twice", in_quotes(name)),
                     "each node takes its turn once");
      else
        nodes.push_back(name);
    }
    return nodes;
  }

  check_context& c_;
  topology_plan& to_;
  bool all_on_main_;
};

class fault_check {
 public:
  explicit fault_check(check_context& c) : c_(c) {}

  void read(const node& table) {
    refuse_unknown(table, "[[faults]]", fault_key_names, c_);
    fault_plan fault;
    bool ok = read_action(table, fault);
    ok = read_node(table, fault) && ok;
    ok = read_times(table, fault) && ok;
    // In one process there is nobody to whom it could happen.
    if (ok && !c_.all_on_main) c_.result.faults.push_back(std::move(fault));
  }

 private:
  const entry* required(const node& table, const char* key, std::string_view example) {
    const entry* e = table.find(key);
    if (!e && !c_.partial)
      c_.wrong.add(table.at, fmt::format("this fault has no `{}`", key),
                   fmt::format("for example {}", example));
    return e;
  }

  bool read_action(const node& table, fault_plan& fault) {
    const entry* e = required(table, "action", "action = \"kill\"");
    if (!e) return false;
    const auto i = c_.read.choice(e->value, {"action", "an action"}, fault_words);
    if (i) fault.action = static_cast<fault_plan::action_kind>(*i);
    return i.has_value();
  }

  bool read_node(const node& table, fault_plan& fault) {
    const entry* e = required(table, "node", "node = \"w1\"");
    if (!e) return false;
    const auto name = c_.read.text(e->value, {"node", "a node's name"}, 1'000);
    if (!name) return false;
    const auto& topology = c_.result.topology;
    fault.node = *name;
    if (!c_.nodes_known || c_.all_on_main) return true;
    if (*name == "main")
      c_.wrong.add(e->value.at, "nothing can happen to main: it is the process that makes the faults",
                   "name one of the nodes that it starts, w1 to wN");
    else if (!contains(worker_names(topology), *name))
      c_.wrong.add(e->value.at, fmt::format("there is no node {} for this fault", in_quotes(*name)),
                   missing_node(*name, topology));
    else if (contains(topology.external, *name) && fault.action != fault_plan::action_kind::cut)
      c_.wrong.add(e->value.at,
                   fmt::format("the node {} is not started by the run, so it cannot be killed or stopped",
                               in_quotes(*name)),
                   "an external node can only be cut off: action = \"cut\"");
    else
      return true;
    return false;
  }

  bool read_times(const node& table, fault_plan& fault) {
    bool ok = true;
    if (const entry* e = required(table, "at", "at = \"500ms\"")) {
      const auto at = c_.read.duration(e->value, {"at", "a duration from \"0s\" on, after the start"},
                                       {0.0, seconds_max, {}});
      ok = at.has_value();
      if (at) fault.at = *at;
      if (at && c_.deadline_in_file && *at >= *c_.result.deadline) {
        c_.wrong.add(e->value.at, "this fault comes after the deadline, so it never happens",
                     "an earlier `at`, or a later `deadline`");
        ok = false;
      }
    } else
      ok = false;
    const entry* e = table.find("lasting");
    if (!e) return ok;
    const auto lasting =
        c_.read.duration(e->value, {"lasting", "a duration of more than \"0s\""}, {1e-9, seconds_max, {}});
    if (!lasting) return false;
    fault.lasting = *lasting;
    if (fault.action == fault_plan::action_kind::stop) return ok;
    c_.wrong.add(e->at, "`lasting` goes with action = \"stop\" only",
                 "it says when the stopped node goes on");
    return false;
  }

  check_context& c_;
};

} // namespace

std::span<const std::string> fault_keys() { return fault_key_names; }

void check_place(const node* given, check_context& c) {
  auto& place = c.result.topology.place;
  if (c.known)
    for (const auto& role : c.known->roles)
      place[role.name] = nodes_of(role.where, c.result.topology);
  const node* table = given ? c.read.table(*given, {"topology.place", "a table: [topology.place]"}) : nullptr;
  if (!table || !c.known) return;
  std::vector<std::string> roles;
  for (const auto& role : c.known->roles)
    roles.push_back(role.name);
  place_check check(c, c.all_on_main);
  for (const auto& e : table->entries) {
    if (contains(roles, e.key))
      check.read(e);
    else
      c.wrong.add(e.at, fmt::format("unknown role {} of {}", tick(e.key), c.known->name),
                  roles.empty() ? fmt::format("{} has no roles to place", c.known->name)
                                : suggest(e.key, roles, fmt::format("{} has", c.known->name)));
  }
}

void check_faults(const node& given, check_context& c) {
  const node* list = c.read.tables(given, {"faults", "tables: [[faults]], one for each"}, faults_max);
  if (!list) return;
  fault_check check(c);
  for (const auto& item : list->items) {
    if (c.wrong.full()) return;
    if (item.kind == node_kind::table)
      check.read(item);
    else
      c.wrong.add(item.at, fmt::format("a fault cannot be {}", kind_name(item)),
                  "for example { action = \"kill\", node = \"w1\", at = \"500ms\" }");
  }
}

} // namespace troupe::scenarios::file
