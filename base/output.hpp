// All that the program writes to stdout, to stderr and into files for other tools passes through
// here, so that nothing from outside reaches a terminal as it is.
#pragma once

#include "base/shown_text.hpp"

#include <cstdio>
#include <string_view>

namespace troupe {

/// A stream that somebody else owns. Not thread-safe. A failure is kept, and ends the writing.
class output {
 public:
  /// `colour`: only for a terminal.
  explicit output(std::FILE* to, bool colour = false) : to_{to}, colour_{colour} {}
  output(const output&) = delete;
  output& operator=(const output&) = delete;

  bool colour() const { return colour_; }

  /// All return whether somebody still reads: false after a failure.
  bool show(const shown_text&);
  /// A piece of JSON, which need not be whole. What must not reach a terminal is escaped.
  bool json(std::string_view);
  /// Text for another program, whose lines and tabs are meant as such.
  bool text(std::string_view);
  /// Rows of csv_cell(), which end with CR LF.
  bool csv(std::string_view);

  /// Writes what is buffered. Whether all of it went out; if not, error() says why.
  bool flush();
  /// The errno of the first failure; 0: none.
  int error() const { return error_; }

 private:
  bool write(std::string_view);

  std::FILE* to_;
  bool colour_;
  int error_ = 0;
};

} // namespace troupe
