// Files of config/ that several tests of the program run.
#pragma once

#include <string>

namespace troupe::testing {

/// Takes as long as `count` says.
inline const std::string many_file = std::string(CONFIG_DIR) + "/worker_pool_many.toml";

} // namespace troupe::testing
