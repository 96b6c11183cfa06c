// [topology] and [topology.security].
#include "base/text.hpp"
#include "base/units.hpp"
#include "base/words.hpp"
#include "runner/file/checks.hpp"
#include "transport/frames/node_name.hpp"
#include "transport/hub/endpoints.hpp"
#include "transport/hub/hub.hpp"

#include <algorithm>
#include <array>
#include <tuple>

#include <fmt/format.h>

namespace troupe::scenarios::file {
namespace {

const std::array<std::string, 12> topology_key_names{"nodes",     "endpoint",    "host",     "threads",
                                                     "scheduler", "cores",       "external", "join_timeout",
                                                     "stall",     "message_max", "place",    "security"};
const std::array<std::string, 3> security_key_names{"plaintext", "secret_key", "allowed_clients"};

/// Without an entry, or where it was not written in the file itself.
bool overridden(const entry* e) { return e && !e->at.in_file(); }

bool is_loopback(std::string_view host) {
  if (host == "localhost" || host == "::1" || host == "[::1]") return true;
  return host.starts_with("127.") && host.find_first_not_of("0123456789.") == std::string_view::npos;
}

/// Letters of Z85, the text form of keys.
bool is_z85_key(std::string_view key) {
  constexpr std::string_view letters =
      "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ.-:+=^!/*?&<>()[]{}@%$#";
  return key.size() == 40 && key.find_first_not_of(letters) == std::string_view::npos;
}

/// Why a name cannot be a node's; empty if it can.
std::string name_problem(std::string_view name) {
  if (const auto* wrong = transport::wrong_with_node_name(name)) return wrong;
  if (name.starts_with(transport::visitor_prefix))
    return "begins with visitor-, as only the names of those do who bring files";
  if (name == "main" || name == "workers" || name == "all") return "is a word of the scenario file";
  if (name[0] == 'w' && name.size() > 1 && name.find_first_not_of("0123456789", 1) == std::string_view::npos)
    return "is the name of a node that the run starts itself";
  return {};
}

class topology_check {
 public:
  topology_check(const node& table, check_context& c) : table_(table), c_(c), to_(c.result.topology) {}

  void run() {
    refuse_unknown(table_, "[topology]", topology_key_names, c_);
    read_nodes();
    read_options();
    if (const entry* e = table_.find("security")) read_security(e->value);
    // --nodes 0 asks for one process, whatever the file says of others.
    all_on_main_ = to_.nodes == 0 && overridden(table_.find("nodes")) && c_.nodes_known;
    if (all_on_main_ && !overridden(table_.find("external"))) to_.external.clear();
    check_scheduler();
    check_endpoint();
  }

  bool all_on_main() const { return all_on_main_; }

 private:
  void read_nodes() {
    if (const entry* e = table_.find("nodes")) {
      const auto nodes =
          c_.read.integer(e->value, {"nodes", fmt::format("an integer from 0 to {}", nodes_max)},
                          {0.0, double(nodes_max), {}});
      if (nodes)
        to_.nodes = *nodes;
      else
        c_.nodes_known = false;
    }
    const entry* e = table_.find("external");
    if (!e) return;
    const auto names =
        c_.read.texts(e->value, {"external", "a list of node names"}, std::size_t(nodes_max), 1'000);
    if (!names) {
      c_.nodes_known = false;
      return;
    }
    for (std::size_t i = 0; i < names->size(); ++i) {
      const auto& name = (*names)[i];
      const place& at = e->value.kind == node_kind::list ? e->value.items[i].at : e->value.at;
      if (const auto problem = name_problem(name); !problem.empty())
        c_.wrong.add(at, fmt::format("the node name {} {}", in_quotes(name), problem),
                     "for example external = [\"gpu-1\"]");
      else if (contains(to_.external, name))
        c_.wrong.add(at, fmt::format("the node name {} is given twice", in_quotes(name)));
      else
        to_.external.push_back(name);
    }
  }

  void read_options() {
    if (const entry* e = table_.find("endpoint")) {
      if (const auto i = c_.read.choice(e->value, {"endpoint", "an endpoint"}, endpoint_words))
        to_.endpoint = static_cast<endpoint_kind>(*i);
      else
        endpoint_known_ = false;
    }
    if (const entry* e = table_.find("host")) {
      if (const auto host = c_.read.text(e->value, {"host", "an address such as \"127.0.0.1\""}, 253)) {
        if (transport::is_host(*host))
          to_.host = *host;
        else
          c_.wrong.add(e->value.at, fmt::format("{} is not a host", in_quotes(*host)),
                       "expected an address, an interface or *, without tcp:// and port");
      }
    }
    if (const entry* e = table_.find("threads"))
      if (const auto n = c_.read.integer(
              e->value, {"threads", fmt::format("an integer from 0 (one a core) to {}", threads_max)},
              {0.0, double(threads_max), {}}))
        to_.threads = *n;
    if (const entry* e = table_.find("scheduler")) {
      if (const auto i = c_.read.choice(e->value, {"scheduler", "a scheduler"}, scheduler_words))
        to_.scheduler = static_cast<scheduler_kind>(*i);
    }
    if (const entry* e = table_.find("cores")) {
      if (const auto i = c_.read.choice(e->value, {"cores", "who may use which cores"}, cores_words))
        to_.cores = static_cast<cores_kind>(*i);
    }
    if (const entry* e = table_.find("join_timeout"))
      if (const auto t = c_.read.duration(e->value, {"join_timeout", "a duration from \"1ms\" to 10 years"},
                                          {0.001, seconds_max, {}}))
        to_.join_timeout = *t;
    if (const entry* e = table_.find("stall")) {
      const node& given = c_.read.literal(e->value);
      if (given.kind == node_kind::text && given.text == "never")
        to_.stall.reset();
      else if (const auto t =
                   c_.read.duration(e->value, {"stall", "a duration from \"1ms\" to 10 years, or \"never\""},
                                    {0.001, seconds_max, {}}))
        to_.stall = *t;
    }
    if (const entry* e = table_.find("message_max"))
      if (const auto bytes = c_.read.size(
              e->value,
              {"message_max", fmt::format("a size from {} to {}, such as \"64MiB\"",
                                          format_size(message_bytes_low), format_size(message_bytes_high))},
              message_bytes_low, message_bytes_high))
        to_.message_bytes_max = *bytes;
  }

  void read_security(const node& given) {
    const node* table = c_.read.table(given, {"topology.security", "a table: [topology.security]"});
    if (!table) {
      endpoint_known_ = false;
      return;
    }
    refuse_unknown(*table, "[topology.security]", security_key_names, c_);
    const entry* plaintext = table->find("plaintext");
    if (plaintext)
      if (const auto value = c_.read.boolean(plaintext->value, {"plaintext", "true or false"}))
        to_.security.plaintext = *value;
    const entry* key = table->find("secret_key");
    key_given_ = key != nullptr;
    if (key)
      if (const auto value = c_.read.text(key->value, {"secret_key", "the path of a file"}, 4'096)) {
        if (value->empty())
          c_.wrong.add(key->value.at, "`secret_key` is empty",
                       fmt::format("expected the path of a file that `{}` made", own_command("keygen")));
        else
          to_.security.secret_key = (c_.result.file.parent_path() / *value).lexically_normal();
      }
    if (const entry* clients = table->find("allowed_clients")) {
      read_clients(clients->value);
      if (!key && !c_.partial)
        c_.wrong.add(clients->at, "`allowed_clients` needs `secret_key`",
                     "without a key of its own a node cannot check others'");
    }
    if (plaintext && key && to_.security.plaintext)
      c_.wrong.add(plaintext->at, "`plaintext = true` contradicts `secret_key`", "remove one of them");
  }

  void read_clients(const node& given) {
    const auto keys = c_.read.texts(given, {"allowed_clients", "a list of public keys"}, clients_max, 4'096);
    if (!keys) return;
    std::size_t failed = 0;
    for (std::size_t i = 0; i < keys->size() && failed < wrong_elements_max; ++i) {
      if (is_z85_key((*keys)[i])) continue;
      ++failed;
      c_.wrong.add(given.kind == node_kind::list ? given.items[i].at : given.at,
                   fmt::format("{} is not a public key", in_quotes((*keys)[i])),
                   fmt::format("expected the 40 characters (Z85) that `{}` prints", own_command("keygen")));
    }
    to_.security.allowed_clients = *keys;
  }

  /// Where a mistake about several keys is pointed at: at the strongest and last of them.
  place at_of(std::initializer_list<const char*> keys) const {
    const auto strength = [](const entry& e) { return std::tuple(e.at.in->from(), e.at.line, e.at.column); };
    const entry* best = nullptr;
    for (const char* key : keys) {
      const entry* e = table_.find(key);
      if (e && (!best || strength(*e) > strength(*best))) best = e;
    }
    return best ? best->at : table_.at;
  }

  void check_scheduler() {
    if (to_.scheduler != scheduler_kind::seeded || !c_.nodes_known) return;
    if (to_.nodes > 0)
      c_.wrong.add(at_of({"nodes", "scheduler"}),
                   fmt::format("the seeded scheduler runs in one process, but nodes = {}", to_.nodes),
                   "set nodes = 0, or take the scheduler \"prompt\", \"stealing\" or \"sharing\"");
    else if (!to_.external.empty())
      c_.wrong.add(at_of({"external", "scheduler"}),
                   "the seeded scheduler runs in one process, but external nodes are named",
                   "remove `external`, or take the scheduler \"prompt\", \"stealing\" or \"sharing\"");
  }

  void check_endpoint() {
    if (!endpoint_known_) return;
    const bool several = to_.nodes > 0 || !to_.external.empty();
    if (to_.endpoint == endpoint_kind::inproc && several && c_.nodes_known)
      c_.wrong.add(at_of({"nodes", "endpoint"}),
                   "inproc reaches no other process, but there are to be several",
                   "set nodes = 0, or take the endpoint \"ipc\" or \"tcp\"");
    if (is_loopback(to_.host)) return;
    const entry* endpoint = table_.find("endpoint");
    if (to_.endpoint != endpoint_kind::tcp) {
      if (!overridden(endpoint) && !all_on_main_)
        c_.wrong.add(
            at_of({"host"}),
            fmt::format("`host` is used by tcp only, but the endpoint is {}", to_string(to_.endpoint)),
            "write endpoint = \"tcp\", or remove `host`");
      return;
    }
    if (!key_given_ && !to_.security.plaintext && !all_on_main_)
      c_.wrong.add(
          at_of({"host", "endpoint"}),
          fmt::format("tcp on {} can be reached from other hosts, but there is no key", in_quotes(to_.host)),
          "name a `secret_key` under [topology.security], or write `plaintext = true` there");
    else if (key_given_ && !to_.external.empty() && to_.security.allowed_clients.empty() && !c_.partial)
      c_.wrong.add(at_of({"external"}), "no external node could join: there are no `allowed_clients`",
                   "list their public keys under [topology.security]");
  }

  const node& table_;
  check_context& c_;
  topology_plan& to_;
  bool endpoint_known_ = true;
  bool key_given_ = false;
  bool all_on_main_ = false;
};

} // namespace

std::span<const std::string> topology_keys() { return topology_key_names; }
std::span<const std::string> security_keys() { return security_key_names; }

std::vector<std::string> worker_names(const topology_plan& topology) {
  std::vector<std::string> names;
  for (std::int64_t i = 1; i <= topology.nodes; ++i)
    names.push_back(fmt::format("w{}", i));
  names.insert(names.end(), topology.external.begin(), topology.external.end());
  return names;
}

void check_topology(const node* given, check_context& c) {
  const node* table = given ? c.read.table(*given, {"topology", "a table: [topology]"}) : nullptr;
  if (given && !table) c.nodes_known = false;
  if (table) {
    topology_check check(*table, c);
    check.run();
    c.all_on_main = check.all_on_main();
  }
  const entry* where = table ? table->find("place") : nullptr;
  check_place(where ? &where->value : nullptr, c);
}

} // namespace troupe::scenarios::file
