// What can be said of an endpoint without ZeroMQ.
#pragma once

#include <string>

namespace troupe::transport {

/// Null, or why this can never be an endpoint to connect to.
const char* wrong_with_endpoint(const std::string&);

/// The path of an "ipc://PATH" endpoint; empty for other kinds, and for abstract names.
std::string ipc_path(const std::string& endpoint);

/// "tcp://" with a numeric loopback address or localhost.
bool is_tcp_loopback(const std::string& endpoint);
bool is_inproc(const std::string& endpoint);

/// True when a try to connect shows that no process listens there: for ipc, and for tcp
/// on loopback. Never blocks. Others may see a connection that ends at once.
bool is_deserted(const std::string& endpoint);

/// Replaces the wildcard address of a bound endpoint by this host's name.
std::string reachable_endpoint(const std::string& bound);

} // namespace troupe::transport
