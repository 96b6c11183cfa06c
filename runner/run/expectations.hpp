// Holds the result of a run against the [expect] of its file.
#pragma once

#include "runner/plan/plan.hpp"

#include <nlohmann/json_fwd.hpp>

namespace troupe::scenarios {

struct check {
  std::string name; ///< "expect result.sum = 23"
  bool passed = false;
  std::string detail; ///< "found 24, expected 23"
};

/// "23", ">= 10 and <= 1000", "contains \"a\"": what is expected of that path.
std::string wanted_text(const expectation&);

/// One check for each expectation, in their order. `result` is the object of
/// result.json. A path that leads nowhere is a check that failed, never a throw.
std::vector<check> evaluate(const std::vector<expectation>&, const nlohmann::json& result);

} // namespace troupe::scenarios
