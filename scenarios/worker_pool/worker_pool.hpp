// The poison-pill worker pool as a scenario.
#pragma once

#include "runner/api/scenario.hpp"
#include "scenarios/worker_pool/tasks.hpp"

namespace troupe::scenarios {

/// `tasks` are the kinds that its workers can compute; the parameter `task` chooses one.
scenario worker_pool(const task_catalog& tasks = standard_tasks());

} // namespace troupe::scenarios
