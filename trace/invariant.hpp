// What a scenario promises of its trace, evaluated on the trace alone:
//   never FILTER
//   exactly N: FILTER        also "at most N: ..." and "at least N: ..."
//   exclusive ROLE: GRANTED until RELEASED
// The last one says that each actor of ROLE is in one hand at a time: whoever it sends a
// message of type GRANTED to holds it until it handles a message of type RELEASED from
// that holder. Types are patterns with * and ?.
#pragma once

#include "trace/filter.hpp"
#include "trace/model.hpp"

#include <map>
#include <optional>
#include <string>
#include <variant>
#include <vector>

namespace troupe::trace {

/// A mistake in an invariant; what() is a sentence, with a caret where it is in a filter.
class invariant_error : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

class invariant {
 public:
  /// Throws invariant_error.
  explicit invariant(const std::string& text);

  struct breach {
    std::string sentence;
    std::vector<row> events; ///< the evidence, in order
  };
  /// Empty: it holds. At most `breaches_max` are told.
  std::vector<breach> breaches(const model&);

  /// For an exclusive one: who holds what at the end, resource to holder and the event of
  /// the grant. Others have none.
  struct holding {
    std::uint32_t holder = 0;
    row granted = no_row;
  };
  std::map<std::uint32_t, holding> held_at_end(const model&) const;

  static constexpr std::size_t breaches_max = 10;

 private:
  enum class bound : std::uint8_t { exactly, at_most, at_least };
  struct never {
    filter what;
  };
  struct count {
    bound how;
    std::uint64_t number;
    filter what;
  };
  struct exclusive {
    std::string role, granted, released;
  };
  void parse_count(const std::string& text, bound, std::size_t at);
  void parse_exclusive(const std::string& rest);
  std::map<std::uint32_t, holding> walk(const model&, const exclusive&, std::vector<breach>&) const;

  std::string text_;
  std::variant<never, count, exclusive> rule_;
};

} // namespace troupe::trace
