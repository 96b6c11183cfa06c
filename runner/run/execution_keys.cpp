// Who may take part in a run over tcp.
#include "base/text.hpp"
#include "runner/run/execution.hpp"

namespace troupe::scenarios {

void execution::secure(transport::hub_options& links, run_info& info) {
  const auto& wanted = plan_.topology.security;
  links.plaintext = wanted.plaintext;
  if (wanted.plaintext) return;
  // Nodes that are started by hand on this host, and were not given keys, need none.
  if (wanted.secret_key.empty() && !plan_.topology.external.empty()) return;
  transport::security_options keys;
  keys.own =
      wanted.secret_key.empty() ? transport::make_key_pair() : transport::read_key_pair(wanted.secret_key);
  for (auto& name : workers_) {
    keys_[name] = transport::make_key_pair();
    keys.allowed.push_back({keys_[name].public_key, name});
  }
  for (auto& client : wanted.allowed_clients)
    for (auto& name : plan_.topology.external)
      keys.allowed.push_back({client, name});
  info.members = keys.allowed;
  info.members.push_back({keys.own.public_key, "main"});
  links.security = std::move(keys);
}

std::string execution::join_command(const std::string& node) const {
  const auto endpoint = main_->endpoint();
  const bool keyed = endpoint.find('|') != std::string::npos;
  return own_command("node --join " + shell_quoted(endpoint) + " --name " + shell_quoted(node)
                     + (keyed ? " --key FILE" : "")
                     + (plan_.topology.security.plaintext ? " --plaintext" : ""));
}

} // namespace troupe::scenarios
