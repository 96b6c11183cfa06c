// How a run can end.
#pragma once

#include <cstdint>
#include <string_view>

namespace troupe::scenarios {

enum class verdict : std::uint8_t {
  passed,
  check_failed,
  deadlock,
  stalled, ///< nothing moved for as long as the file allows, and nobody is known who could change that
  deadline,
  node_lost,
  interrupted
};
std::string_view to_string(verdict);
/// The documented exit codes: 0, 1, 3, 3, 3, 4, 130.
int exit_code(verdict);

} // namespace troupe::scenarios
