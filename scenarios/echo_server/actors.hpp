// The actors of the echo server.
#pragma once

#include "actors/runtime/traced_actor.hpp"
#include "scenarios/echo_server/load.hpp"
#include "scenarios/echo_server/messages.hpp"
#include "transport/lines/stream_server.hpp"

#include <caf/all.hpp>

#include <deque>
#include <map>
#include <unordered_map>

namespace troupe::scenarios::echo {

/// What the error says of itself, for people.
std::string sentence_of(caf::local_actor*, const caf::error&);

// -- the session: the handler of one client -----------------------------------------------------

struct session_state {
  static inline const char* name = "session";
  caf::actor outlet; ///< gets the echoes: the client itself, or the server for its sockets
  std::uint64_t client = 0;
  server_rules rules;
  std::deque<std::string> waiting; ///< the first one is being worked on
  bool finishing = false;
};
using session_actor = actor_of<session_state>;
caf::behavior session(session_actor*, const caf::actor& outlet, std::uint64_t client, const server_rules&);

// -- the server ---------------------------------------------------------------------------------

/// Tells the server actor what happens at the sockets; lives on the socket thread.
class socket_messenger final : public transport::stream_listener {
 public:
  explicit socket_messenger(caf::actor server) : server_(std::move(server)) {}
  void on_connected(transport::client_id, transport::client_kind, const std::string& address) override;
  void on_line(transport::client_id, std::string) override;
  void on_closed(transport::client_id, transport::line_ending) override;
  void on_intake_closed() override;
  void on_stopped(const transport::stream_counts&) override;

 private:
  caf::actor server_;
};

struct server_state {
  static inline const char* name = "server";
  struct client {
    caf::actor session;
    caf::actor actor;  ///< null for clients of the sockets
    std::string label; ///< for people: "tcp client 3 (127.0.0.1:40123)"
  };
  server_rules rules;
  std::unique_ptr<socket_messenger> messenger; ///< outlives the sockets
  std::unique_ptr<transport::stream_server> sockets;
  std::optional<outside_source> outside; ///< while there are sockets
  std::map<std::uint64_t, client> clients;
  std::unordered_map<caf::actor_addr, std::uint64_t> by_session, by_actor;
  std::uint64_t actors_joined = 0, tcp_joined = 0, zeromq_joined = 0;
  std::uint64_t handlers_failed = 0, left_open = 0;
  bool stopping = false, intake_is_closed = false;
  std::optional<std::string> socket_counts;
  caf::response_promise stopped;
};
using server_actor = actor_of<server_state>;
caf::behavior server(server_actor*, const server_rules&);

// -- clients ------------------------------------------------------------------------------------

///   away -> joining -> talking -> joining (close-after-reply) ... -> reported
struct client_state {
  static inline const char* name = "client";
  caf::actor server, manager, session;
  std::uint64_t number = 0;
  load_rules rules;
  std::string asked; ///< empty: nothing is open
  caf::actor_clock::time_point asked_at{}, told{};
  std::uint64_t untold = 0;
  bool stopping = false, reported = false;
  client_report report;
};
using client_actor = actor_of<client_state>;
caf::behavior client(client_actor*, const caf::actor& server, const caf::actor& manager, std::uint64_t number,
                     const load_rules&);

/// Many TCP or ZeroMQ clients on a thread of their own.
struct socket_clients_state {
  static inline const char* name = "socket_clients";
  caf::actor manager;
  load_rules rules;
  std::optional<outside_source> outside;
  std::unique_ptr<line_load> load;
};
using socket_clients_actor = actor_of<socket_clients_state>;
caf::behavior socket_clients(socket_clients_actor*, const caf::actor& manager, const load_rules&);

// -- the manager --------------------------------------------------------------------------------

struct manager_state {
  static inline const char* name = "manager";
  caf::actor collector;
  crowd all;
  std::optional<addresses> at;
  std::size_t reports = 0;
  line_load_counts load;
  std::map<std::string, std::uint64_t> echoed; ///< per node, as far as told
  caf::actor_clock::time_point began{}, ended{}, told{};
  bool stopping = false;
  std::optional<std::string> server_result;
};
using manager_actor = actor_of<manager_state>;
caf::behavior manager(manager_actor*, const caf::actor& collector);

} // namespace troupe::scenarios::echo
