// A server that echoes lines to actors, to ZeroMQ sockets and to plain TCP clients.
#pragma once

#include "runner/api/scenario.hpp"

namespace troupe::scenarios {

scenario echo_server();

} // namespace troupe::scenarios
