#include "runner/plan/verdict.hpp"

namespace troupe::scenarios {

std::string_view to_string(verdict x) {
  switch (x) {
  case verdict::passed:
    return "passed";
  case verdict::check_failed:
    return "check_failed";
  case verdict::deadlock:
    return "deadlock";
  case verdict::stalled:
    return "stalled";
  case verdict::deadline:
    return "deadline";
  case verdict::node_lost:
    return "node_lost";
  case verdict::interrupted:
    return "interrupted";
  }
  return "unknown";
}

int exit_code(verdict x) {
  switch (x) {
  case verdict::passed:
    return 0;
  case verdict::check_failed:
    return 1;
  case verdict::deadlock:
  case verdict::stalled:
  case verdict::deadline:
    return 3;
  case verdict::node_lost:
    return 4;
  case verdict::interrupted:
    return 130;
  }
  return 1;
}

} // namespace troupe::scenarios
