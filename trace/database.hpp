// The trace as SQLite tables, for `troupe trace query` and `export --format sqlite`.
#pragma once

#include "trace/model.hpp"

#include <cstdio>
#include <filesystem>
#include <memory>
#include <stdexcept>
#include <string>

struct sqlite3;

namespace troupe::trace {

/// What SQLite said, with a caret into the statement where it tells.
class database_error : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

/// The tables and views of docs/trace.md, filled from a model.
class database {
 public:
  /// In memory if the path is empty; otherwise a new file, replacing one of that name.
  /// Throws database_error.
  explicit database(const model&, const std::filesystem::path& = {});
  ~database();
  database(const database&) = delete;
  database& operator=(const database&) = delete;

  /// Runs one statement that reads; writes the rows to `out` as a table, or as JSON, one
  /// object a row. Throws database_error.
  void query(const std::string& sql, bool json, bool colour, int width, std::FILE* out);

  /// The statements that make the tables and views.
  static std::string_view schema();

 private:
  void run(const char* sql);
  void fill(const model&);
  void fill_events(const model&);
  void fill_messages(const model&);
  void fill_small(const model&);

  sqlite3* handle_ = nullptr;
};

} // namespace troupe::trace
