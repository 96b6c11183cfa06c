// The actor of a run that a scenario tells its result to; see run::collector().
#pragma once

#include "actors/node/node.hpp"
#include "runner/plan/long_lists.hpp"
#include "runner/run/run_state.hpp"

#include <memory>

namespace troupe::scenarios {

/// Spawns it on the launcher's node, under the role "run". It puts the first result, or the first failure,
/// into the state, adds lines to the lists, and hands what is meant for people to the observer. It ends when
/// it is sent an exit message.
caf::actor spawn_collector(node& main, std::shared_ptr<run_state>, std::shared_ptr<long_list_files>,
                           const run_observer&);

} // namespace troupe::scenarios
