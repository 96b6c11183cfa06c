// Where the launcher's node listens, and who may come there.
#pragma once

#include "actors/node/node.hpp"
#include "runner/member/run_info.hpp"
#include "runner/run/runner.hpp"
#include "transport/hub/inproc_context.hpp"

#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace troupe::scenarios {

/// Owns what the endpoint needs: a directory for sockets (ipc), the shared ZeroMQ context (inproc), the keys
/// of the nodes that the run starts (tcp). Outlives the nodes that use it. Not thread-safe.
class launcher_endpoint {
 public:
  /// Opens nothing. `topology` outlives it.
  explicit launcher_endpoint(const topology_plan& topology) : topology_(topology) {}
  /// Removes the directory with the sockets.
  ~launcher_endpoint();
  launcher_endpoint(const launcher_endpoint&) = delete;
  launcher_endpoint& operator=(const launcher_endpoint&) = delete;

  /// Makes what is needed and sets where the node listens and with which keys. `info` gets the public keys of
  /// all nodes. `launcher` may be null. Throws std::system_error, or std::runtime_error for keys.
  void open(node_launcher* launcher, const std::vector<std::string>& workers, node_options&, run_info&);

  /// Null unless inproc.
  void* zmq_context() const { return inproc_ ? inproc_->get() : nullptr; }
  /// Of a node that the run starts; nothing without keys.
  std::optional<transport::key_pair> keys_of(const std::string& node) const;
  /// How a node that is started by hand joins, for a shell. `endpoint`: as the launcher's node tells it.
  std::string join_command(const std::string& endpoint, const std::string& node) const;

 private:
  void make_keys(const std::vector<std::string>& workers, transport::hub_options&, run_info&);

  const topology_plan& topology_;
  std::filesystem::path sockets_; ///< 0700; empty unless ipc
  std::optional<transport::inproc_context> inproc_;
  std::map<std::string, transport::key_pair> keys_; ///< for this run only
};

} // namespace troupe::scenarios
