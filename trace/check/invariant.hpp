// What a scenario promises of its trace, evaluated on the trace alone:
//   never FILTER
//   exactly N: FILTER        also "at most N: ..." and "at least N: ..."
//   exclusive ROLE: GRANTED until RELEASED
//   order ROLE: FIRST before LAST
//   each TYPE: one RESULT          also "at most one RESULT"
// Exclusive: each actor of ROLE is in one hand at a time. Whoever it sends a message of type
// GRANTED to holds it until it handles a message of type RELEASED from that holder.
// Order: no actor of ROLE handles a message of type FIRST after one of type LAST.
// Each: a message of type TYPE that was handled is a cause of exactly one of type RESULT. An
// actor that was ended before its time, or with the run, owes none any more.
// Types are patterns with * and ?.
#pragma once

#include "trace/merge/model.hpp"
#include "trace/query/filter.hpp"

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

  /// The names and patterns of message types that it speaks of, in order.
  std::vector<std::string> types() const;

  /// A breach found in a part of the trace is one of the whole.
  bool sound_on_part() const;

  /// For an exclusive one: who holds what before the event `end`, resource to holder and the
  /// event of the grant. What its holder has sent back is not held. Others have none.
  struct holding {
    std::uint32_t holder = 0;
    row granted = no_row;
  };
  std::map<std::uint32_t, holding> held_at(const model&, row end) const;

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
  struct order {
    std::string role, first, last;
  };
  struct each {
    std::string type, result;
    bool always = false; ///< one, not at most one
  };
  void parse_count(const std::string& text, bound, std::size_t at);
  void parse_exclusive(const std::string& rest);
  void parse_order(const std::string& rest);
  void parse_each(const std::string& rest);
  void judge(never&, const model&, std::vector<breach>&) const;
  void judge(count&, const model&, std::vector<breach>&) const;
  void judge(exclusive&, const model&, std::vector<breach>&) const;
  void judge(order&, const model&, std::vector<breach>&) const;
  void judge(each&, const model&, std::vector<breach>&) const;

  std::string text_;
  std::variant<never, count, exclusive, order, each> rule_;
};

} // namespace troupe::trace
