#include "runner/run/launcher_endpoint.hpp"

#include "base/text.hpp"
#include "runner/member/socket_directory.hpp"

#include <sys/stat.h>
#include <system_error>

namespace troupe::scenarios {

launcher_endpoint::~launcher_endpoint() {
  std::error_code ignored;
  if (!sockets_.empty()) std::filesystem::remove_all(sockets_, ignored);
}

void launcher_endpoint::open(node_launcher* launcher, const std::vector<std::string>& workers,
                             node_options& mine, run_info& info) {
  switch (topology_.endpoint) {
  case endpoint_kind::ipc: {
    const auto chosen = choose_socket_directory();
    if (launcher != nullptr) launcher->clean_up_after(chosen);
    if (::mkdir(chosen.c_str(), 0700) != 0)
      throw std::system_error(errno, std::generic_category(),
                              "cannot make a directory for sockets, " + chosen.string());
    sockets_ = chosen;
    mine.listen = "ipc://" + socket_of(sockets_, "main").string();
    break;
  }
  case endpoint_kind::tcp:
    mine.listen = "tcp://" + topology_.host + ":*";
    make_keys(workers, mine.hub, info);
    break;
  case endpoint_kind::inproc:
    inproc_.emplace();
    mine.hub.zmq_context = inproc_->get();
    mine.listen = "inproc://main";
    break;
  }
}

void launcher_endpoint::make_keys(const std::vector<std::string>& workers, transport::hub_options& links,
                                  run_info& info) {
  const auto& wanted = topology_.security;
  links.plaintext = wanted.plaintext;
  if (wanted.plaintext) return;
  // Nodes that are started by hand on this host, and were not given keys, need none.
  if (wanted.secret_key.empty() && !topology_.external.empty()) return;
  transport::security_options keys;
  keys.own =
      wanted.secret_key.empty() ? transport::make_key_pair() : transport::read_key_pair(wanted.secret_key);
  for (auto& name : workers) {
    keys_[name] = transport::make_key_pair();
    keys.allowed.push_back({keys_[name].public_key, name});
  }
  for (auto& client : wanted.allowed_clients)
    for (auto& name : topology_.external)
      keys.allowed.push_back({client, name});
  info.members = keys.allowed;
  info.members.push_back({keys.own.public_key, "main"});
  links.security = std::move(keys);
}

std::optional<transport::key_pair> launcher_endpoint::keys_of(const std::string& node) const {
  const auto found = keys_.find(node);
  return found != keys_.end() ? std::optional{found->second} : std::nullopt;
}

std::string launcher_endpoint::join_command(const std::string& endpoint, const std::string& node) const {
  const bool keyed = endpoint.find('|') != std::string::npos;
  return own_command("node --join " + shell_quoted(endpoint) + " --name " + shell_quoted(node)
                     + (keyed ? " --key FILE" : "") + (topology_.security.plaintext ? " --plaintext" : ""));
}

} // namespace troupe::scenarios
