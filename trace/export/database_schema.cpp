#include "trace/export/database.hpp"

namespace troupe::trace {

std::string_view database::schema() {
  return R"sql(
CREATE TABLE trace(key TEXT PRIMARY KEY, value);
CREATE TABLE remarks(missing INTEGER NOT NULL, text TEXT NOT NULL);
CREATE TABLE nodes(node INTEGER PRIMARY KEY, name TEXT NOT NULL, incarnation TEXT NOT NULL, recorded INTEGER NOT NULL,
  host TEXT, pid INTEGER, began_ns INTEGER, last_ns INTEGER, closed INTEGER, events INTEGER, missed INTEGER,
  clock_offset_ns INTEGER, clock_uncertainty_ns INTEGER);
CREATE TABLE actors(actor INTEGER PRIMARY KEY, name TEXT NOT NULL, role TEXT NOT NULL, node INTEGER REFERENCES nodes,
  id INTEGER, spawned_ns INTEGER, exited_ns INTEGER, exit_reason TEXT);
CREATE TABLE messages(message INTEGER PRIMARY KEY, name TEXT NOT NULL, type TEXT NOT NULL, role TEXT NOT NULL,
  sender INTEGER REFERENCES actors, receiver INTEGER REFERENCES actors, node INTEGER REFERENCES nodes,
  sent_ns INTEGER, delivered_ns INTEGER, handled_ns INTEGER, network_ns INTEGER, wait_ns INTEGER, handling_ns INTEGER,
  delay_ns INTEGER, bytes INTEGER, fate TEXT NOT NULL, reason TEXT, handlings INTEGER NOT NULL);
CREATE TABLE causes(message INTEGER NOT NULL REFERENCES messages, cause INTEGER NOT NULL REFERENCES messages);
CREATE TABLE events(event INTEGER PRIMARY KEY, time_ns INTEGER NOT NULL, kind TEXT NOT NULL,
  node INTEGER NOT NULL REFERENCES nodes, actor INTEGER REFERENCES actors, peer INTEGER REFERENCES actors,
  peer_node INTEGER REFERENCES nodes, type TEXT, message INTEGER REFERENCES messages, value INTEGER, text TEXT);
CREATE TABLE payloads(message INTEGER NOT NULL REFERENCES messages, bytes_whole INTEGER NOT NULL, content TEXT NOT NULL);
CREATE TABLE invariants(text TEXT NOT NULL);
CREATE VIEW message_list AS SELECT m.name, m.type, s.name AS sender, r.name AS receiver, sn.name AS sender_node,
  rn.name AS receiver_node, m.sent_ns, m.network_ns, m.wait_ns, m.handling_ns, m.bytes, m.fate, m.reason
  FROM messages m LEFT JOIN actors s ON s.actor = m.sender LEFT JOIN actors r ON r.actor = m.receiver
  LEFT JOIN nodes sn ON sn.node = s.node LEFT JOIN nodes rn ON rn.node = r.node;
CREATE VIEW event_list AS SELECT e.event, e.time_ns, n.name AS node, e.kind, a.name AS actor, p.name AS peer, e.type,
  m.name AS message, e.value, e.text FROM events e LEFT JOIN nodes n ON n.node = e.node
  LEFT JOIN actors a ON a.actor = e.actor LEFT JOIN actors p ON p.actor = e.peer
  LEFT JOIN messages m ON m.message = e.message;
CREATE VIEW traffic AS SELECT s.name AS sender, r.name AS receiver, m.type, count(*) AS messages, sum(m.bytes) AS bytes
  FROM messages m JOIN actors s ON s.actor = m.sender JOIN actors r ON r.actor = m.receiver
  WHERE m.sent_ns IS NOT NULL GROUP BY m.sender, m.receiver, m.type;
CREATE VIEW ledger AS SELECT fate, reason, count(*) AS messages FROM messages WHERE sent_ns IS NOT NULL
  GROUP BY fate, reason;
)sql";
}

} // namespace troupe::trace
