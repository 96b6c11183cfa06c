// Collects what is wrong, so that one pass tells all of it.
#pragma once

#include "runner/toml/diagnostic.hpp"
#include "runner/toml/source.hpp"

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

} // namespace troupe::scenarios::file
