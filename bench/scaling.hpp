// One message rate over more and more processes.
#pragma once

#include <cstdint>
#include <string>

namespace bench {

/// All-to-all over `nodes` worker processes: messages a second altogether.
double messages_per_second(int nodes, std::uint64_t messages_each);
int run_scaling_child(const std::string& endpoint, const std::string& name);

} // namespace bench
