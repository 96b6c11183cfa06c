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
template <class Inspector>
auto inspect(Inspector& f, server_rules& x) {
  return f(caf::meta::type_name("server_rules"), x.mode, x.tcp, x.zeromq, x.fails_on, x.work,
           x.line_bytes_max, x.queued_bytes_max, x.connections_max, x.line_timeout, x.idle_timeout);
}

// -- socket thread -> server ---------------------------------------------------------------

struct client_connected {
  std::uint64_t client = 0;
  std::string kind;    ///< "tcp", "zeromq"
  std::string address; ///< empty where it is not known
};
template <class Inspector>
auto inspect(Inspector& f, client_connected& x) {
  return f(caf::meta::type_name("client_connected"), x.client, x.kind, x.address);
}
struct client_line {
  std::uint64_t client = 0;
  std::string text;
};
template <class Inspector>
auto inspect(Inspector& f, client_line& x) {
  return f(caf::meta::type_name("client_line"), x.client, x.text);
}
struct client_gone {
  std::uint64_t client = 0;
  std::string why;
};
template <class Inspector>
auto inspect(Inspector& f, client_gone& x) {
  return f(caf::meta::type_name("client_gone"), x.client, x.why);
}
/// No line of a socket follows.
struct intake_closed {};
template <class Inspector>
auto inspect(Inspector& f, intake_closed&) {
  return f(caf::meta::type_name("intake_closed"));
}
/// The sockets are closed; what they counted, as JSON text.
struct sockets_closed {
  std::string counts;
};
template <class Inspector>
auto inspect(Inspector& f, sockets_closed& x) {
  return f(caf::meta::type_name("sockets_closed"), x.counts);
}

// -- clients that are actors -----------------------------------------------------------------

/// Client -> server, a request.
struct join {};
template <class Inspector>
auto inspect(Inspector& f, join&) {
  return f(caf::meta::type_name("join"));
}
struct joined {
  caf::actor session; ///< to talk to
};
template <class Inspector>
auto inspect(Inspector& f, joined& x) {
  return f(caf::meta::type_name("joined"), x.session);
}
/// Client -> server.
struct leave {};
template <class Inspector>
auto inspect(Inspector& f, leave&) {
  return f(caf::meta::type_name("leave"));
}
/// Server -> client: who comes and goes.
struct notice {
  std::string text;
};
template <class Inspector>
auto inspect(Inspector& f, notice& x) {
  return f(caf::meta::type_name("notice"), x.text);
}
/// Server -> client: your session has ended.
struct closed {
  std::string why; ///< empty: in order
};
template <class Inspector>
auto inspect(Inspector& f, closed& x) {
  return f(caf::meta::type_name("closed"), x.why);
}

// -- sessions ----------------------------------------------------------------------------------

/// Client or server -> session.
struct say {
  std::string text;
};
template <class Inspector>
auto inspect(Inspector& f, say& x) {
  return f(caf::meta::type_name("say"), x.text);
}
/// Session -> whom it answers.
struct echoed {
  std::uint64_t client = 0;
  std::string text;
  bool last = false; ///< the session ends with it
};
template <class Inspector>
auto inspect(Inspector& f, echoed& x) {
  return f(caf::meta::type_name("echoed"), x.client, x.text, x.last);
}
/// Session -> itself.
struct work_done {};
template <class Inspector>
auto inspect(Inspector& f, work_done&) {
  return f(caf::meta::type_name("work_done"));
}
/// Server -> session: the client has gone.
struct hang_up {};
template <class Inspector>
auto inspect(Inspector& f, hang_up&) {
  return f(caf::meta::type_name("hang_up"));
}
/// Server -> session: answer what you have, then end.
struct finish_up {};
template <class Inspector>
auto inspect(Inspector& f, finish_up&) {
  return f(caf::meta::type_name("finish_up"));
}
/// Server -> session: the time is up.
struct give_up {};
template <class Inspector>
auto inspect(Inspector& f, give_up&) {
  return f(caf::meta::type_name("give_up"));
}
/// Session -> server, its last message: lines that it did not answer.
struct left_open {
  std::uint64_t client = 0;
  std::uint64_t lines = 0;
};
template <class Inspector>
auto inspect(Inspector& f, left_open& x) {
  return f(caf::meta::type_name("left_open"), x.client, x.lines);
}

// -- the manager ---------------------------------------------------------------------------------

/// Manager -> server, a request.
struct where {};
template <class Inspector>
auto inspect(Inspector& f, where&) {
  return f(caf::meta::type_name("where"));
}
struct addresses {
  std::string tcp, zeromq; ///< as clients write them; empty: not served
  std::string node;
};
template <class Inspector>
auto inspect(Inspector& f, addresses& x) {
  return f(caf::meta::type_name("addresses"), x.tcp, x.zeromq, x.node);
}
/// Wiring -> manager: everybody is there.
struct crowd {
  caf::actor server;
  std::vector<caf::actor> clients;
  std::uint64_t messages = 0; ///< of all clients together
};
template <class Inspector>
auto inspect(Inspector& f, crowd& x) {
  return f(caf::meta::type_name("crowd"), x.server, x.clients, x.messages);
}
/// What a client is told as it is spawned; one actor may stand for several clients.
struct load_rules {
  std::uint64_t clients = 1;
  std::uint64_t messages = 0; ///< of each
  std::uint64_t bytes = 0;    ///< of each message
  mode_kind mode = mode_kind::echo;
  bool zeromq = false; ///< of those that are sockets: rather than TCP
};
template <class Inspector>
auto inspect(Inspector& f, load_rules& x) {
  return f(caf::meta::type_name("load_rules"), x.clients, x.messages, x.bytes, x.mode, x.zeromq);
}
struct start_load {
  addresses at;
};
template <class Inspector>
auto inspect(Inspector& f, start_load& x) {
  return f(caf::meta::type_name("start_load"), x.at);
}
/// Manager -> client: send nothing more, and report.
struct stop_load {};
template <class Inspector>
auto inspect(Inspector& f, stop_load&) {
  return f(caf::meta::type_name("stop_load"));
}
/// Manager -> itself: what the load had sent when it was told to stop has reached the server by now.
struct load_arrived {};
template <class Inspector>
auto inspect(Inspector& f, load_arrived&) {
  return f(caf::meta::type_name("load_arrived"));
}
/// Client -> manager, now and then.
struct load_progress {
  std::string node;
  std::uint64_t echoed = 0; ///< since the last time
};
template <class Inspector>
auto inspect(Inspector& f, load_progress& x) {
  return f(caf::meta::type_name("load_progress"), x.node, x.echoed);
}
/// Client -> manager, its last message.
struct client_report {
  line_load_counts counts;
  std::string trouble; ///< why it could not begin; mostly empty
};
template <class Inspector>
auto inspect(Inspector& f, client_report& x) {
  return f(caf::meta::type_name("client_report"), x.counts, x.trouble);
}
/// Manager -> server, a request: finish what is open, for so long, and end.
struct stop_serving {
  caf::timespan grace{0};
};
template <class Inspector>
auto inspect(Inspector& f, stop_serving& x) {
  return f(caf::meta::type_name("stop_serving"), x.grace);
}
/// Server -> itself.
struct grace_over {};
template <class Inspector>
auto inspect(Inspector& f, grace_over&) {
  return f(caf::meta::type_name("grace_over"));
}
/// The server's part of the result, as JSON text.
struct served {
  std::string result;
};
template <class Inspector>
auto inspect(Inspector& f, served& x) {
  return f(caf::meta::type_name("served"), x.result);
}

void add_messages(message_catalog&);

} // namespace troupe::scenarios::echo
