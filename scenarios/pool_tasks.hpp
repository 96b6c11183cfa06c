// What a worker of the pool can compute: tasks that run in slices.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>

namespace troupe::scenarios {

/// One task being computed. Not thread-safe; belongs to one worker.
class running_task {
public:
  virtual ~running_task() = default;
  /// Goes on for about `steps` elementary steps (about a nanosecond to a microsecond
  /// each); true when the output is there. Throws std::exception where it has none.
  virtual bool step(std::uint64_t steps) = 0;
  virtual nlohmann::json output() const = 0;
};

/// Begins a task with its input; throws std::exception if the input is not for it.
using task_factory = std::function<std::unique_ptr<running_task>(const nlohmann::json& input)>;

/// The kinds that this program knows; a user adds to a copy.
using task_catalog = std::map<std::string, task_factory, std::less<>>;
const task_catalog& standard_tasks();

} // namespace troupe::scenarios
