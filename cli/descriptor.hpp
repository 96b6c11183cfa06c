// Owns one file descriptor.
#pragma once

#include "trace/descriptor.hpp"

namespace troupe::cli {

using trace::descriptor;

} // namespace troupe::cli
