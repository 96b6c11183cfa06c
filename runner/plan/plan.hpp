// A checked scenario file: everything a run needs to know before it starts.
#pragma once

#include "runner/plan/parameter.hpp"
#include "trace/record/recorder.hpp"

#include <array>
#include <cmath>
#include <filesystem>
#include <string_view>

#include <nlohmann/json.hpp>

namespace troupe::scenarios {

enum class endpoint_kind : std::uint8_t { ipc, tcp, inproc };
enum class scheduler_kind : std::uint8_t {
  prompt,   ///< troupe's: a queue a thread, sleepers are woken at once
  stealing, ///< CAF's default: a queue a thread, polled with naps of up to 10 ms
  sharing,  ///< CAF's: one shared queue
  seeded,   ///< one thread, virtual time, order drawn from the seed; one process only
};
/// On which cores the nodes that the run starts may run.
enum class cores_kind : std::uint8_t {
  all,   ///< each wherever the launcher may
  split, ///< each on its part of them
};

// The words of scenario files for these enumerations, each in the order of its values.
inline constexpr std::array<std::string_view, 3> endpoint_words{"ipc", "tcp", "inproc"};
inline constexpr std::array<std::string_view, 4> scheduler_words{"prompt", "stealing", "sharing", "seeded"};
inline constexpr std::array<std::string_view, 2> cores_words{"all", "split"};
inline constexpr std::array<std::string_view, 4> fault_words{"kill", "stop", "resume", "cut"};
inline constexpr std::array<std::string_view, 3> level_words{"off", "headers", "payloads"};

constexpr std::string_view to_string(endpoint_kind x) {
  return endpoint_words.at(static_cast<std::size_t>(x));
}
constexpr std::string_view to_string(scheduler_kind x) {
  return scheduler_words.at(static_cast<std::size_t>(x));
}
constexpr std::string_view to_string(cores_kind x) { return cores_words.at(static_cast<std::size_t>(x)); }
/// Of trace::level, whose room does not know these files.
constexpr std::string_view word_of(trace::level x) { return level_words.at(static_cast<std::size_t>(x)); }

/// [topology.security]
struct security_plan {
  bool plaintext = false;
  std::filesystem::path
      secret_key; ///< file of this node; relative ones were taken from the scenario file's directory
  std::vector<std::string> allowed_clients; ///< public keys, Z85
};

/// [topology]
struct topology_plan {
  std::int64_t nodes = 0; ///< worker processes; 0: all in this one
  endpoint_kind endpoint = endpoint_kind::ipc;
  std::string host = "127.0.0.1"; ///< for tcp: where the launcher listens
  std::int64_t threads = 0;       ///< scheduler threads a node; 0: one for each core it may use
  scheduler_kind scheduler = scheduler_kind::prompt;
  cores_kind cores = cores_kind::all;
  std::vector<std::string> external; ///< names of nodes that join by hand
  std::chrono::nanoseconds join_timeout = std::chrono::seconds{10};
  /// How long nothing may move before the run is stalled; nothing: for ever.
  std::optional<std::chrono::nanoseconds> stall = std::chrono::seconds{10};
  std::uint64_t message_bytes_max = 16U << 20; ///< between two nodes
  /// Role -> names of the nodes its actors go to, round robin. Complete: every declared
  /// role is here after loading. Node names: "main", "w1" ... "wN", and the external ones.
  std::map<std::string, std::vector<std::string>> place;
  security_plan security;
};

/// [[faults]]: something bad that happens on purpose.
struct fault_plan {
  enum class action_kind : std::uint8_t { kill, stop, resume, cut };
  action_kind action = action_kind::kill;
  std::string node;                    ///< on whom
  std::chrono::nanoseconds at{0};      ///< after the start of the run
  std::chrono::nanoseconds lasting{0}; ///< for stop: resumed after this; 0: never
};

constexpr std::string_view to_string(fault_plan::action_kind x) {
  return fault_words.at(static_cast<std::size_t>(x));
}

/// [trace]
struct trace_plan {
  trace::level level = trace::level::headers;
  std::uint64_t bytes_max = 4ULL << 30; ///< a node
  double sample = 1;                    ///< share of the causal trees that is recorded

  std::uint32_t sample_one_in() const { return static_cast<std::uint32_t>(std::lround(1 / sample)); }
};

/// [expect]: what the run must show beyond the scenario's own checks. At least one of the
/// four is given, and all that are must hold.
struct expectation {
  std::string path; ///< dotted path into result.json: "result.sum", "nodes.0.name", "verdict"
  std::optional<nlohmann::json> equals;
  std::optional<nlohmann::json> contains; ///< a list's element, an object's key or a text's part
  std::optional<double> at_least, at_most;
};

struct plan {
  std::string scenario;
  std::filesystem::path file;
  std::uint64_t seed = 0;
  bool seed_given = false;
  std::optional<std::chrono::nanoseconds> deadline;
  parameters values;
  topology_plan topology;
  std::vector<fault_plan> faults;
  trace_plan trace;
  std::vector<expectation> expect;
};

} // namespace troupe::scenarios
