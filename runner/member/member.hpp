// A process that is one worker node of a run that another process has started.
#pragma once

#include "transport/hub/keys.hpp"

#include <atomic>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <vector>

namespace troupe::scenarios {

class scenario; // runner/api/scenario.hpp

/// Of what node::stop() returns: "still alive at the end: 2 worker, 1 broker".
std::string still_alive(const std::vector<std::string>& sorted_names);

/// How a worker node proves who it is, on tcp.
struct node_credentials {
  std::optional<transport::key_pair> keys;
  std::string server_key; ///< the launcher's public key, where its endpoint does not carry it
  bool plaintext = false; ///< beyond loopback without keys
  /// What the launcher will know this start of the node by, so that nobody can come in its stead;
  /// 0: it draws one itself, and its name is enough.
  std::uint64_t incarnation = 0;
};
/// What a launcher hands to the processes that it starts, and its inverse, which throws
/// std::runtime_error. Empty text: no credentials.
std::string to_secret(const node_credentials&);
node_credentials credentials_from(const std::string& secret);

/// What a worker node is to be.
struct node_service {
  std::string join; ///< the launcher's endpoint
  std::string name;
  node_credentials credentials;
  std::filesystem::path trace_dir; ///< where it keeps its trace; empty: as it sees fit
  /// Takes one line for a person, from any thread.
  std::function<void(const std::string&)> tell;
  const std::atomic<int>* interrupts = nullptr; ///< 0: go on; 1: leave; 2 or more: keep the trace here
};
/// Runs this process as one worker node until the launcher says stop or is gone, and hands
/// over its trace. Returns the exit code.
int serve_node(const std::vector<const scenario*>& known, const node_service&);

} // namespace troupe::scenarios
