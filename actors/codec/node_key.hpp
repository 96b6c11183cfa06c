// CAF's node ids and our incarnations name the same thing: one start of one node.
#pragma once

#include <caf/node_id.hpp>

#include <cstdint>
#include <optional>

namespace troupe {

/// The node id that carries this incarnation.
caf::node_id node_id_of(std::uint64_t incarnation);
/// 0 for an id that no troupe node made.
std::uint64_t incarnation_of(const caf::node_id&);

} // namespace troupe
