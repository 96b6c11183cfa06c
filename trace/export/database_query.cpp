#include "base/json_writer.hpp"
#include "base/text.hpp"
#include "trace/export/database.hpp"

#include <fmt/format.h>
#include <memory>
#include <set>
#include <sqlite3.h>

namespace troupe::trace {
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

} // namespace troupe::trace
