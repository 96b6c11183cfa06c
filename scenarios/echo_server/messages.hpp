// What the actors of the echo server say to each other.
//
//   socket thread --- client_connected, client_line, client_gone ---> server
//   server --- say ---> session --- echoed ---> server ---> socket thread
//   client --- join ---> server; client --- say ---> its session --- echoed ---> client
//   manager --- start_load ---> clients --- client_report ---> manager
//   manager --- stop_serving ---> server --- served ---> manager
#pragma once

#include "scenarios/echo_server/load.hpp"

#include <caf/actor.hpp>
#include <caf/meta/type_name.hpp>
#include <caf/timespan.hpp>

#include <string>
#include <vector>

namespace troupe {
class message_catalog;
}

namespace troupe::scenarios::echo {

enum class mode_kind : std::uint8_t { echo, close_after_reply, presence };

/// What the server is told as it is spawned.
struct server_rules {
  mode_kind mode = mode_kind::echo;
  std::string tcp, zeromq; ///< where to listen; empty: not
  std::string fails_on;    ///< the handler of a line with this text fails; empty: of none
  caf::timespan work{0};   ///< time a handler takes for a line
  std::uint64_t line_bytes_max = 0;
  std::uint64_t queued_bytes_max = 0;
  std::uint64_t connections_max = 0;
  caf::timespan line_timeout{0}, idle_timeout{0};
};
TROUPE_MESSAGE(server_rules, mode, tcp, zeromq, fails_on, work, line_bytes_max, queued_bytes_max,
               connections_max, line_timeout, idle_timeout)

// -- socket thread -> server ---------------------------------------------------------------

struct client_connected {
  std::uint64_t client = 0;
  std::string kind;    ///< "tcp", "zeromq"
  std::string address; ///< empty where it is not known
};
TROUPE_MESSAGE(client_connected, client, kind, address)
struct client_line {
  std::uint64_t client = 0;
  std::string text;
};
TROUPE_MESSAGE(client_line, client, text)
struct client_gone {
  std::uint64_t client = 0;
  std::string why;
};
TROUPE_MESSAGE(client_gone, client, why)
/// No line of a socket follows.
struct intake_closed {};
TROUPE_MESSAGE(intake_closed)
/// The sockets are closed; what they counted, as JSON text.
struct sockets_closed {
  std::string counts;
};
TROUPE_MESSAGE(sockets_closed, counts)

// -- clients that are actors -----------------------------------------------------------------

/// Client -> server, a request.
struct join {};
TROUPE_MESSAGE(join)
struct joined {
  caf::actor session; ///< to talk to
};
TROUPE_MESSAGE(joined, session)
/// Client -> server.
struct leave {};
TROUPE_MESSAGE(leave)
/// Server -> client: who comes and goes.
struct notice {
  std::string text;
};
TROUPE_MESSAGE(notice, text)
/// Server -> client: your session has ended.
struct closed {
  std::string why; ///< empty: in order
};
TROUPE_MESSAGE(closed, why)

// -- sessions ----------------------------------------------------------------------------------

/// Client or server -> session.
struct say {
  std::string text;
};
TROUPE_MESSAGE(say, text)
/// Session -> whom it answers.
struct echoed {
  std::uint64_t client = 0;
  std::string text;
  bool last = false; ///< the session ends with it
};
TROUPE_MESSAGE(echoed, client, text, last)
/// Session -> itself.
struct work_done {};
TROUPE_MESSAGE(work_done)
/// Server -> session: the client has gone.
struct hang_up {};
TROUPE_MESSAGE(hang_up)
/// Server -> session: answer what you have, then end.
struct finish_up {};
TROUPE_MESSAGE(finish_up)
/// Server -> session: the time is up.
struct give_up {};
TROUPE_MESSAGE(give_up)
/// Session -> server, its last message: lines that it did not answer.
struct left_open {
  std::uint64_t client = 0;
  std::uint64_t lines = 0;
};
TROUPE_MESSAGE(left_open, client, lines)

// -- the manager ---------------------------------------------------------------------------------

/// Manager -> server, a request.
struct where {};
TROUPE_MESSAGE(where)
struct addresses {
  std::string tcp, zeromq; ///< as clients write them; empty: not served
  std::string node;
};
TROUPE_MESSAGE(addresses, tcp, zeromq, node)
/// Wiring -> manager: everybody is there.
struct crowd {
  caf::actor server;
  std::vector<caf::actor> clients;
  std::uint64_t messages = 0; ///< of all clients together
};
TROUPE_MESSAGE(crowd, server, clients, messages)
/// What a client is told as it is spawned; one actor may stand for several clients.
struct load_rules {
  std::uint64_t clients = 1;
  std::uint64_t messages = 0; ///< of each
  std::uint64_t bytes = 0;    ///< of each message
  mode_kind mode = mode_kind::echo;
  bool zeromq = false; ///< of those that are sockets: rather than TCP
};
TROUPE_MESSAGE(load_rules, clients, messages, bytes, mode, zeromq)
struct start_load {
  addresses at;
};
TROUPE_MESSAGE(start_load, at)
/// Manager -> client: send nothing more, and report.
struct stop_load {};
TROUPE_MESSAGE(stop_load)
/// Manager -> itself: what the load had sent when it was told to stop has reached the server by now.
struct load_arrived {};
TROUPE_MESSAGE(load_arrived)
/// Client -> manager, now and then.
struct load_progress {
  std::string node;
  std::uint64_t echoed = 0; ///< since the last time
};
TROUPE_MESSAGE(load_progress, node, echoed)
/// Client -> manager, its last message.
struct client_report {
  line_load_counts counts;
  std::string trouble; ///< why it could not begin; mostly empty
};
TROUPE_MESSAGE(client_report, counts, trouble)
/// Manager -> server, a request: finish what is open, for so long, and end.
struct stop_serving {
  caf::timespan grace{0};
};
TROUPE_MESSAGE(stop_serving, grace)
/// Server -> itself.
struct grace_over {};
TROUPE_MESSAGE(grace_over)
/// The server's part of the result, as JSON text.
struct served {
  std::string result;
};
TROUPE_MESSAGE(served, result)

void add_messages(message_catalog&);

} // namespace troupe::scenarios::echo
