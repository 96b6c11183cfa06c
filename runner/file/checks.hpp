// One function a table of the file: reads it into the plan, tells what is wrong.
#pragma once

#include "runner/file/values.hpp"
#include "runner/plan/plan.hpp"

#include <algorithm>

namespace troupe::scenarios::file {

inline constexpr std::int64_t nodes_max = 1'000;
inline constexpr std::int64_t threads_max = 1'024;
/// What message_max may be; the wire's own bounds.
inline constexpr std::uint64_t message_bytes_low = 64U << 10, message_bytes_high = 1U << 30;
inline constexpr std::size_t faults_max = 1'000;
inline constexpr std::size_t expectations_max = 1'000;
inline constexpr std::size_t clients_max = 10'000;
/// Deadlines and time-outs: long enough for everyone, short enough for every clock.
inline constexpr double seconds_max = 10.0 * 365 * 86'400;

struct check_context {
  value_reader& read;
  mistakes& wrong;
  const declaration* known; ///< null if the scenario could not be told
  plan& result;
  bool partial;      ///< the file could not be read in full: what is missing may be there
  place scenario_at; ///< where the scenario is named
  bool deadline_in_file = false;
  bool nodes_known = true;  ///< false after a mistake in topology.nodes or topology.external
  bool all_on_main = false; ///< nodes = 0 was given in place of what the file says
};

/// `table` may be null. Also asks the scenario whether the values go together.
void check_parameters(const node* table, check_context&);
void check_topology(const node* table, check_context&);
void check_place(const node* table, check_context&);
void check_faults(const node& list, check_context&);
void check_trace(const node& table, check_context&);
void check_expect(const node& table, check_context&);

/// Tells every key of `table` that is not among `keys`. `table_name` is "[topology]".
void refuse_unknown(const node& table, std::string_view table_name, std::span<const std::string> keys,
                    check_context&);

inline bool contains(std::span<const std::string> names, std::string_view name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

/// The names of the nodes that run actors besides main: w1 … wN, then the external ones.
std::vector<std::string> worker_names(const topology_plan&);

/// The keys of the file's own tables, as the schema and the hints need them.
std::span<const std::string> topology_keys();
std::span<const std::string> security_keys();
std::span<const std::string> fault_keys();
std::span<const std::string> trace_keys();

} // namespace troupe::scenarios::file
