// What a launcher tells the nodes that join its run, and where sockets lie.
#pragma once

#include "runner/plan/plan.hpp"
#include "transport/hub/hub.hpp"

#include <map>
#include <string>

namespace troupe::scenarios {

/// Travels in the launcher's greeting, as text under the names of its members.
struct run_info {
  std::string scenario;
  std::string host; ///< boot_id() of the launcher, so that a node knows whether it sees its files
  std::filesystem::path run_dir; ///< on that host
  std::uint64_t seed = 0;
  trace_plan trace;
  std::int64_t threads = 0;
  scheduler_kind scheduler = scheduler_kind::prompt;
  std::int64_t workers = 0;          ///< nodes that the run starts
  std::vector<std::string> external; ///< names of those that join by hand
  std::uint64_t message_bytes_max = topology_plan{}.message_bytes_max;
  /// On tcp with keys: the public keys of all nodes of the run, so that they admit each other.
  std::vector<transport::allowed_client> members;
};

/// The name of the i-th node that a run starts, from 1.
std::string worker_name(std::int64_t number);
/// Whether a node of that name takes part in the run; a node talks to no others.
bool has_node(const run_info&, const std::string& name);
/// Of who is not awaited, for both sides: "b is no node of this run; it awaits a and c".
std::string not_awaited(const std::string& name, const std::vector<std::string>& external);

std::map<std::string, std::string> to_text(const run_info&);
/// Throws std::runtime_error naming the entry that is missing or not understood.
run_info run_info_from(const std::map<std::string, std::string>&);

/// Links that take messages of up to so many bytes, and keep several of them for a peer.
void allow_messages(std::uint64_t bytes_max, transport::hub_options&);

/// CAF's name for the scheduling policy.
std::string policy_name(scheduler_kind);

/// Where a worker listens so that others can reach it: beside the launcher's socket for
/// ipc, any port of the same interface for tcp on loopback, a fresh name for inproc. No two starts
/// of a node have the same place.
std::string listen_beside(const std::string& launcher_endpoint, std::uint64_t incarnation);

} // namespace troupe::scenarios
