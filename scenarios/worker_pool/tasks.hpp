// What a worker of the pool can compute: tasks that run in slices.
#pragma once

#include <chrono>
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
  /// After a step that was not the last: how long there is nothing to do (an answer is
  /// waited for). The worker goes on with other tasks until then.
  virtual std::chrono::nanoseconds pause() const { return {}; }
};

/// Begins a task with its input (for the parameter `inputs` a number, for `texts` a text,
/// for the kinds below an object); throws std::exception if the input is not for it.
using task_factory = std::function<std::unique_ptr<running_task>(const nlohmann::json& input)>;

/// The kinds that this program knows; a user adds to a copy:
///   is_prime  a number                                  -> true or false
///   factors   a number                                  -> its divisors
///   sleep     {units, limit, unit_s}                    -> "answered" or "timed out"
///   iterate   {start, times, modulo}, x -> x² - x + 1   -> the last value
///   scrypt    {password, salt, n}                       -> 64 bytes in hexadecimal
using task_catalog = std::map<std::string, task_factory, std::less<>>;
const task_catalog& standard_tasks();

/// Most iterations of `iterate` without a modulo; the last value has some seven million digits.
inline constexpr std::uint64_t iterate_big_max = 24;

} // namespace troupe::scenarios
