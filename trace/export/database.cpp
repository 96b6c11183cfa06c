#include "trace/export/database.hpp"

#include "base/json_writer.hpp"
#include "base/table.hpp"
#include "base/text.hpp"
#include "trace/merge/ledger_view.hpp"

#include <cerrno>
#include <cstring>
#include <fmt/format.h>
#include <memory>
#include <set>
#include <sqlite3.h>

namespace troupe::trace {

namespace {

/// Of the last mistake: what the system said, where it was the system's, which SQLite does not
/// keep for every call.
std::string reason_of(sqlite3* db) {
  const int error = errno, kind = sqlite3_errcode(db) & 0xff;
  if (kind == SQLITE_FULL) return std::strerror(ENOSPC);
  return kind == SQLITE_IOERR && error != 0 ? std::strerror(error) : sqlite3_errmsg(db);
}

/// What SQL can compare and cut as text: UTF-8 without a NUL.
bool is_text(std::string_view v) { return is_utf8(v) && v.find('\0') == std::string_view::npos; }

/// A prepared statement whose values are bound by position, in order.
class statement {
 public:
  statement(sqlite3* db, const char* sql) : db_{db} {
    if (sqlite3_prepare_v2(db, sql, -1, &s_, nullptr) != SQLITE_OK) throw database_error(sqlite3_errmsg(db));
  }
  ~statement() { sqlite3_finalize(s_); }
  statement(const statement&) = delete;
  statement& operator=(const statement&) = delete;

  statement& number(std::int64_t v) {
    sqlite3_bind_int64(s_, ++at_, v);
    return *this;
  }
  /// Negative: not known.
  statement& known(std::int64_t v) { return v < 0 ? null() : number(v); }
  statement& text(std::string_view v) {
    // The text lives until the row is written.
    sqlite3_bind_text64(s_, ++at_, v.data(), v.size(), SQLITE_STATIC, SQLITE_UTF8);
    return *this;
  }
  statement& null() {
    sqlite3_bind_null(s_, ++at_);
    return *this;
  }
  /// As text if it is that, else as bytes.
  statement& content(std::string_view v) {
    if (is_text(v)) return text(v);
    sqlite3_bind_blob64(s_, ++at_, v.data(), v.size(), SQLITE_STATIC);
    return *this;
  }
  void write() {
    if (sqlite3_step(s_) != SQLITE_DONE) throw database_error(reason_of(db_));
    sqlite3_reset(s_);
    at_ = 0;
  }

 private:
  sqlite3* db_;
  sqlite3_stmt* s_ = nullptr;
  int at_ = 0;
};

std::string_view role_text(std::uint8_t role) {
  return role == 1 ? "request" : role == 2 ? "response" : "plain";
}

} // namespace

database::database(const model& m, const std::filesystem::path& path) {
  if (!path.empty()) file_.emplace(path, whole_file::options{.has_name = true});
  // What goes to a pipe is made in memory, as SQLite writes to and fro.
  const auto name = file_ && !file_->in_place() ? file_->name().string() : std::string{":memory:"};
  try {
    if (sqlite3_open(name.c_str(), &handle_) != SQLITE_OK) throw database_error(reason_of(handle_));
    // A file that is made anew needs no protection against a crash on the way.
    run("PRAGMA journal_mode=OFF; PRAGMA synchronous=OFF; PRAGMA locking_mode=EXCLUSIVE; BEGIN");
    run(std::string{schema()}.c_str());
    fill(m);
    run("CREATE INDEX causes_by_message ON causes(message); CREATE INDEX causes_by_cause ON causes(cause);"
        "CREATE INDEX events_by_message ON events(message); COMMIT");
  } catch (const database_error& e) {
    sqlite3_close(handle_);
    if (!file_) throw;
    throw file_error(path.string(), e.what());
  }
}

database::~database() { sqlite3_close(handle_); }

void database::keep() {
  if (file_->in_place()) {
    sqlite3_int64 bytes = 0;
    const std::unique_ptr<unsigned char, decltype(&sqlite3_free)> all{
        sqlite3_serialize(handle_, "main", &bytes, 0), sqlite3_free};
    if (!all) throw std::bad_alloc{};
    file_->write({reinterpret_cast<const char*>(all.get()), static_cast<std::size_t>(bytes)});
  }
  sqlite3_close(std::exchange(handle_, nullptr));
  file_->keep();
}

void database::run(const char* sql) {
  if (sqlite3_exec(handle_, sql, nullptr, nullptr, nullptr) == SQLITE_OK) return;
  throw database_error(reason_of(handle_));
}

void database::fill(const model& m) {
  fill_small(m);
  fill_messages(m);
  fill_events(m);
}

void database::fill_small(const model& m) {
  statement trace{handle_, "INSERT INTO trace VALUES (?, ?)"};
  trace.text("complete").number(m.complete()).write();
  trace.text("length_ns").number(m.end_of_run()).write();
  trace.text("started_unix_ns").number(static_cast<std::int64_t>(m.started_unix_ns)).write();
  statement remark{handle_, "INSERT INTO remarks VALUES (?, ?)"};
  for (auto& r : m.remarks)
    remark.number(r.missing).text(r.text).write();
  statement promise{handle_, "INSERT INTO invariants VALUES (?)"};
  for (auto& text : m.invariants)
    promise.text(text).write();
  statement node{handle_, "INSERT INTO nodes VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"};
  for (std::uint16_t n = 0; n < m.nodes.size(); ++n) {
    auto& i = m.nodes[n];
    auto name = m.node_name(n), incarnation = fmt::format("{:016x}", i.incarnation);
    node.number(n).text(name).text(incarnation).number(i.recorded);
    if (i.recorded)
      node.text(i.host)
          .number(i.pid)
          .number(i.began)
          .number(i.last)
          .number(i.closed)
          .number(static_cast<std::int64_t>(i.events))
          .number(static_cast<std::int64_t>(i.missed))
          .number(i.clock_offset_ns)
          .known(i.clock_uncertainty_ns);
    else
      for (int c = 0; c < 9; ++c)
        node.null();
    node.write();
  }
  statement actor{handle_, "INSERT INTO actors VALUES (?, ?, ?, ?, ?, ?, ?, ?)"};
  for (std::uint32_t a = 0; a < m.actors.size(); ++a) {
    auto& i = m.actors[a];
    auto name = m.actor_name(a);
    actor.number(a).text(name).text(m.role_name(a));
    a == 0 ? actor.null().null() : actor.number(i.node).number(static_cast<std::int64_t>(i.id));
    i.spawned == no_row ? actor.null() : actor.number(m.events.time[i.spawned]);
    if (i.exited == no_row)
      actor.null().null();
    else
      actor.number(m.events.time[i.exited])
          .text(m.text(static_cast<std::uint32_t>(m.events.value[i.exited])));
    actor.write();
  }
}

void database::fill_messages(const model& m) {
  statement s{handle_, "INSERT INTO messages VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"};
  statement cause{handle_, "INSERT INTO causes VALUES (?, ?)"};
  auto& r = m.messages;
  auto time = [&](row event) {
    if (event == no_row)
      s.null();
    else
      s.number(m.events.time[event]);
  };
  for (row i = 0; i < r.size(); ++i) {
    auto name = m.message_name(i);
    s.number(i)
        .text(name)
        .text(m.text(r.type[i]))
        .text(role_text(r.role[i]))
        .number(r.sender[i])
        .number(r.receiver[i]);
    s.number(r.node[i]);
    time(r.sent[i]);
    time(r.delivered[i]);
    time(r.handled[i]);
    s.known(m.network_ns(i)).known(m.wait_ns(i)).known(m.handling_ns(i));
    r.delayed[i] ? s.number(m.delay_ns(i)) : s.null();
    s.known(m.bytes(i)).text(to_string(fate_of(m, i)));
    auto d = r.discarded[i];
    d == no_row ? s.null() : s.text(m.text(static_cast<std::uint32_t>(m.events.value[d])));
    s.number(r.handlings[i]).write();
    for (auto c : m.causes(i))
      cause.number(i).number(c).write();
  }
  statement payload{handle_, "INSERT INTO payloads VALUES (?, ?, ?)"};
  for (auto& p : m.payloads)
    payload.number(p.message).number(p.bytes_whole).content(m.payload(p)).write();
}

void database::fill_events(const model& m) {
  statement s{handle_, "INSERT INTO events VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"};
  auto& e = m.events;
  for (row i = 0; i < e.size(); ++i) {
    s.number(i).number(e.time[i]).text(to_string(e.kind[i])).number(e.node[i]);
    if (about_node(e.kind[i])) {
      s.null().null();
      e.cause[i] == no_row ? s.null() : s.number(e.cause[i]);
    } else {
      s.number(e.actor[i]).number(e.peer[i]).null();
    }
    e.type[i] == 0 ? s.null() : s.text(m.text(e.type[i]));
    e.message[i] == no_row ? s.null() : s.number(e.message[i]);
    if (has_reason(e.kind[i]))
      s.null().text(m.text(static_cast<std::uint32_t>(e.value[i])));
    else if (e.kind[i] == event_kind::noted)
      s.null().text(m.notes[static_cast<std::size_t>(e.value[i])]);
    else
      s.number(e.value[i]).null();
    s.write();
  }
}

namespace {

/// The line of the statement that is meant, and the place in it.
[[noreturn]] void refuse(const std::string& sql, int offset, const std::string& sentence) {
  if (offset < 0) throw database_error("there is a mistake in the SQL: " + sentence);
  const auto at = std::min(static_cast<std::size_t>(offset), sql.size());
  const auto begin = at == 0 ? 0 : sql.rfind('\n', at - 1) + 1;
  throw sql_error(sql.substr(begin, sql.find('\n', at) - begin), at - begin, 1, sentence);
}

std::string cell(sqlite3_stmt* s, int column) {
  if (sqlite3_column_type(s, column) == SQLITE_NULL) return "";
  if (sqlite3_column_type(s, column) == SQLITE_BLOB) {
    auto bytes = sqlite3_column_bytes(s, column);
    auto* data = static_cast<const unsigned char*>(sqlite3_column_blob(s, column));
    std::string out = "x'";
    for (int i = 0; i < bytes && i < 32; ++i)
      out += fmt::format("{:02x}", data[i]);
    return out + (bytes > 32 ? fmt::format("…' ({})", bytes_text(static_cast<std::uint64_t>(bytes))) : "'");
  }
  auto* text = sqlite3_column_text(s, column);
  return {reinterpret_cast<const char*>(text), static_cast<std::size_t>(sqlite3_column_bytes(s, column))};
}

void json_cell(json_writer& j, sqlite3_stmt* s, int column) {
  switch (sqlite3_column_type(s, column)) {
  case SQLITE_NULL:
    j.null();
    return;
  case SQLITE_INTEGER:
    j.value(static_cast<std::int64_t>(sqlite3_column_int64(s, column)));
    return;
  case SQLITE_FLOAT:
    j.value(sqlite3_column_double(s, column));
    return;
  case SQLITE_BLOB:
    j.value(cell(s, column));
    return;
  default:
    j.value(std::string_view{reinterpret_cast<const char*>(sqlite3_column_text(s, column)),
                             static_cast<std::size_t>(sqlite3_column_bytes(s, column))});
  }
}

/// An object has a key once: of columns with one name the later ones are told apart as SQLite does
/// in subqueries, a, a:1, a:2.
std::vector<std::string> different_names(const std::vector<table::column>& columns) {
  std::set<std::string> taken;
  for (auto& c : columns)
    taken.insert(c.head);
  std::set<std::string> given;
  std::vector<std::string> out;
  for (auto& c : columns) {
    auto name = c.head;
    for (int n = 1; given.contains(name) || (n > 1 && taken.contains(name)); ++n)
      name = fmt::format("{}:{}", c.head, n);
    given.insert(name);
    out.push_back(std::move(name));
  }
  return out;
}

/// Other files are none of a trace's business.
int only_this_database(void*, int action, const char*, const char*, const char*, const char*) {
  return action == SQLITE_ATTACH || action == SQLITE_DETACH ? SQLITE_DENY : SQLITE_OK;
}

} // namespace

void database::query(const std::string& sql, bool json, int width, output& out) {
  sqlite3_set_authorizer(handle_, only_this_database, nullptr);
  sqlite3_stmt* raw = nullptr;
  const char* rest = nullptr;
  if (sqlite3_prepare_v2(handle_, sql.c_str(), static_cast<int>(sql.size()), &raw, &rest) != SQLITE_OK)
    refuse(sql, sqlite3_error_offset(handle_), sqlite3_errmsg(handle_));
  std::unique_ptr<sqlite3_stmt, decltype(&sqlite3_finalize)> s{raw, sqlite3_finalize};
  if (!raw) throw database_error("there is no SQL statement; try: SELECT * FROM message_list LIMIT 10");
  if (std::string_view{rest}.find_first_not_of(" \t\r\n;") != std::string_view::npos)
    refuse(sql, static_cast<int>(rest - sql.c_str()), "one statement at a time");
  if (!sqlite3_stmt_readonly(raw))
    throw database_error("the statement would change the tables; only reading is allowed");
  auto columns = sqlite3_column_count(raw);
  std::vector<table::column> heads;
  for (int c = 0; c < columns; ++c)
    heads.push_back({sqlite3_column_name(raw, c)});
  const auto keys = different_names(heads);
  std::vector<std::vector<std::string>> rows;
  std::string line;
  int state = SQLITE_ROW;
  while ((state = sqlite3_step(raw)) == SQLITE_ROW) {
    if (json) {
      line.clear();
      json_writer j{line};
      j.object();
      for (int c = 0; c < columns; ++c) {
        j.key(keys[static_cast<std::size_t>(c)]);
        json_cell(j, raw, c);
      }
      j.end();
      line += '\n';
      if (!out.json(line)) return; // nobody reads on
      continue;
    }
    std::vector<std::string> cells;
    for (int c = 0; c < columns; ++c) {
      cells.push_back(cell(raw, c));
      auto type = sqlite3_column_type(raw, c);
      if (type == SQLITE_INTEGER || type == SQLITE_FLOAT)
        heads[static_cast<std::size_t>(c)].where = table::align::right;
    }
    rows.push_back(std::move(cells));
  }
  if (state != SQLITE_DONE) refuse(sql, -1, sqlite3_errmsg(handle_));
  if (json) return;
  table shown{heads};
  for (auto& r : rows)
    shown.row(std::move(r));
  out.show(shown.render(width));
}

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
