// One node: an actor system with its books, its trace and its links to other nodes.
#pragma once

#include "actors/agent.hpp"
#include "actors/gateway.hpp"
#include "actors/role.hpp"

#include <caf/actor_system.hpp>
#include <caf/scoped_actor.hpp>

#include <filesystem>

namespace troupe {

struct node_options {
  std::string name = "main";
  std::uint64_t incarnation = 0; ///< 0: drawn at random
  /// Where other nodes connect: "ipc://…", "tcp://HOST:PORT" ('*' for any port),
  /// "inproc://…"; empty: this node only connects.
  std::string listen;
  trace::level trace = trace::level::off;
  std::uint64_t trace_bytes_max = 4ULL << 30;
  std::uint32_t trace_sample_one_in = 1; ///< causal trees that are recorded; 1: all
  std::filesystem::path run_dir;         ///< of the trace and the books; empty: none are kept on disk
  std::size_t threads = 0;               ///< of the scheduler; 0: one a core, at least two
  std::string scheduler = "prompt";      ///< or CAF's policies: "stealing", "sharing", "testing"
  transport::hub_options links;          ///< limits and intervals; identity and greeting are filled in
  /// What it reads, best first; others write the first that they know. {1} makes the
  /// payloads to it legible in a capture.
  std::vector<int> codecs{payload_codecs.begin(), payload_codecs.end()};
  /// Of messages from other nodes that wait in one actor's mailbox, with arrival_overhead each.
  /// More is dropped, as queue_full; a request among it is answered with an error.
  std::uint64_t arrivals_bytes_max = 256U << 20;
  std::map<std::string, std::string> run;        ///< what this node tells others of the run
  transport::hub_listener* deliveries = nullptr; ///< hears of visitors that bring files; outlives the node
  std::function<void()> on_leave;                ///< another node asks this one to leave; must not block
  std::function<void(const std::string&)> warn;  ///< for people; may be empty
