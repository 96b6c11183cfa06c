// What can be said of an endpoint without ZeroMQ.
#pragma once

#include <string>
#include <string_view>

namespace troupe::transport {

/// "tcp://HOST:PORT|KEY" is an endpoint whose node has that public key.
struct keyed_endpoint {
  std::string address; ///< what ZeroMQ understands
  std::string key;     ///< empty: none was given
};
keyed_endpoint split_key(const std::string& endpoint);

/// Null, or why this can never be an endpoint to connect to.
const char* wrong_with_endpoint(const std::string&);

/// The path of an "ipc://PATH" endpoint; empty for other kinds, and for abstract names.
std::string ipc_path(const std::string& endpoint);

/// "tcp://" with a numeric loopback address or localhost.
bool is_tcp_loopback(const std::string& endpoint);
bool is_inproc(const std::string& endpoint);
bool is_tcp(const std::string& endpoint);
/// May stand between "tcp://" and the port: a name, an address (IPv6 with or without brackets), or "*".
bool is_host(std::string_view);
/// The host of a tcp endpoint where it must be looked up; empty where it is an address.
std::string host_to_look_up(const std::string& endpoint);
/// The endpoint with its host looked up, which may take long. Empty when it is unknown.
std::string look_up(const std::string& endpoint);

/// A tcp endpoint as ZeroMQ can listen at it: names of hosts are looked up, which may take long (localhost is
/// 127.0.0.1), IPv6 addresses stand in brackets; * and names of interfaces stay. Empty when the host is
/// unknown.
std::string bindable(const std::string& endpoint);
/// Empty, or why no process can listen at that host here.
std::string why_not_bindable(const std::string& host);

/// True when a try to connect shows that no process listens there: for ipc, and for tcp
/// on loopback. Never blocks. Others may see a connection that ends at once.
bool is_deserted(const std::string& endpoint);

/// Who is at the other end of a connected socket: its host, or its process. Without the
/// port, so that one host is one stranger however often it comes.
std::string peer_of(int descriptor);

/// Replaces the wildcard address of a bound endpoint by this host's name.
std::string reachable_endpoint(const std::string& bound);

} // namespace troupe::transport
