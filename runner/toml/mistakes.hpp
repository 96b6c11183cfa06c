// Collects what is wrong, so that one pass tells all of it.
#pragma once

#include "scenarios/file/source.hpp"
#include "scenarios/scenario_file.hpp"

#include <span>

namespace troupe::scenarios::file {

/// Mistakes that are kept; a file that is wrong everywhere need not be told so 10,000 times.
inline constexpr std::size_t mistakes_max = 50;

class mistakes {
 public:
  void add(const place&, const std::string& message, const std::string& help = {});
  /// Not about any place.
  void add_global(std::string source, const std::string& message, const std::string& help = {});
  bool empty() const { return found_.empty(); }
  std::size_t count() const { return found_.size() + dropped_; }
  bool full() const { return found_.size() >= mistakes_max; }
  /// In the order of the file, then of the environment and the command line.
  std::vector<diagnostic> take();

 private:
  struct entry {
    origin from;
    diagnostic what;
  };
  std::vector<entry> found_;
  std::size_t dropped_ = 0;
};

/// The candidate that was probably meant, or empty: few edits away, ignoring case and
/// the difference between - and _.
std::string nearest(std::string_view given, std::span<const std::string> candidates);

/// "did you mean `workers`?", or else "known here: a, b, c".
std::string suggest(std::string_view given, std::span<const std::string> candidates,
                    std::string_view known = "known here");

/// For messages: without control characters, cut to about `length_max` characters.
std::string excerpt(std::string_view, std::size_t length_max = 48);
/// `name`, as excerpt.
std::string tick(std::string_view);
/// "text", as excerpt.
std::string in_quotes(std::string_view);

} // namespace troupe::scenarios::file
