// Turns the bytes that a process writes into lines that are safe to show.
#pragma once

#include <cstddef>
#include <functional>
#include <string>
#include <string_view>

namespace troupe::cli {

/// Collects bytes into lines. A line ends with LF, CR LF or CR; one that is longer than
/// `line_bytes_max` comes in pieces marked with an ellipsis, so memory is bounded
/// whatever is written. Not thread-safe.
class line_splitter {
 public:
  static constexpr std::size_t line_bytes_max = 8192;
  using sink = std::function<void(std::string_view printable_line)>;

  void feed(std::string_view bytes, const sink&);
  /// The end of the stream: what is left is a line too.
  void finish(const sink&);

 private:
  void emit(bool more_follows, const sink&);
  void append(std::string_view bytes, const sink&);
  std::string partial_;
  bool continued_ = false;
  bool after_cr_ = false;
};

} // namespace troupe::cli
