// The trace as SQLite tables, for `troupe trace query` and `export --format sqlite`.
#pragma once

#include "base/files.hpp"
#include "base/marked_error.hpp"
#include "base/output.hpp"
#include "trace/merge/model.hpp"

#include <filesystem>
#include <optional>
#include <stdexcept>
#include <string>

struct sqlite3;

namespace troupe::trace {

/// What SQLite said.
class database_error : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

/// What SQLite said of a statement, and where in it: the text is the line that is meant.
class sql_error : public marked_error {
 public:
  using marked_error::marked_error;
};

/// The tables and views of docs/trace.md, filled from a model.
class database {
 public:
  /// In memory if the path is empty; otherwise for a file, which keep() makes. Throws
  /// database_error or file_error.
  explicit database(const model&, const std::filesystem::path& = {});
  ~database();
  database(const database&) = delete;
  database& operator=(const database&) = delete;

  /// Ends a database with a path: the file is there, in place of one of that name. Throws file_error.
  void keep();

  /// Runs one statement that reads; writes the rows to `out` as a table, or as JSON, one
  /// object a row. Throws database_error or sql_error.
  void query(const std::string& sql, bool json, int width, output& out);

  /// The statements that make the tables and views.
  static std::string_view schema();

 private:
  void run(const char* sql);
  void fill(const model&);
  void fill_events(const model&);
  void fill_messages(const model&);
  void fill_small(const model&);

  std::optional<whole_file> file_; ///< none in memory
  sqlite3* handle_ = nullptr;
};

} // namespace troupe::trace
