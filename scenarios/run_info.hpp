// What a launcher tells the nodes that join its run, and where sockets lie.
#pragma once

#include "scenarios/plan.hpp"
#include "transport/hub.hpp"

#include <map>
#include <string>

namespace troupe::scenarios {

/// Travels in the launcher's greeting, as text under the names of its members.
struct run_info {
  std::string scenario;
  std::string host; ///< trace::boot_id() of the launcher, so that a node knows whether it sees its files
  std::filesystem::path run_dir; ///< on that host
  std::uint64_t seed = 0;
  trace_plan trace;
  std::int64_t threads = 0;
  scheduler_kind scheduler = scheduler_kind::prompt;
  std::uint64_t message_bytes_max = topology_plan{}.message_bytes_max;
  /// On tcp with keys: the public keys of all nodes of the run, so that they admit each other.
  std::vector<transport::allowed_client> members;
};

std::map<std::string, std::string> to_text(const run_info&);
/// Throws std::runtime_error naming the entry that is missing or not understood.
run_info run_info_from(const std::map<std::string, std::string>&);

/// Links that take messages of up to so many bytes, and keep several of them for a peer.
void allow_messages(std::uint64_t bytes_max, transport::hub_options&);

/// CAF's name for the scheduling policy.
std::string policy_name(scheduler_kind);

/// Where a worker listens so that others can reach it: beside the launcher's socket for
/// ipc, any port of the same interface for tcp on loopback, a fresh name for inproc.
std::string listen_beside(const std::string& launcher_endpoint, const std::string& node);

} // namespace troupe::scenarios
