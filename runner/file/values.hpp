// Reads a node as what its key wants, or says what is wrong with it.
#pragma once

#include "runner/plan/parameter.hpp"
#include "runner/toml/document.hpp"
#include "runner/toml/mistakes.hpp"

#include <deque>
#include <optional>
#include <span>
#include <string>

namespace troupe::scenarios::file {

struct bounds {
  std::optional<double> low, high;
  std::string unit;
};

/// What a value is called in a message, and what it may be ("an integer from 1 to 10").
struct subject {
  std::string name;
  std::string expected;
};

/// Every function returns nothing after it has told a mistake.
class value_reader {
 public:
  explicit value_reader(mistakes& wrong) : wrong_(wrong) {}

  mistakes& wrong() { return wrong_; }

  std::optional<bool> boolean(const node&, const subject&);
  std::optional<std::int64_t> integer(const node&, const subject&, const bounds&);
  std::optional<double> number(const node&, const subject&, const bounds&);
  std::optional<std::string> text(const node&, const subject&, std::size_t length_max);
  /// Index into `choices`.
  std::optional<std::size_t> choice(const node&, const subject&, std::span<const std::string_view> choices);
  /// Bounds in seconds.
  std::optional<std::chrono::nanoseconds> duration(const node&, const subject&, const bounds&);
  /// An integer, or a text such as "64MiB".
  std::optional<std::uint64_t> size(const node&, const subject&, std::uint64_t low, std::uint64_t high);
  /// An integer, or a text with a decimal or 0x number: all 64 bits.
  std::optional<std::uint64_t> unsigned_number(const node&, const subject&);
  /// A text or a list of them.
  std::optional<std::vector<std::string>> one_or_more_texts(const node&, const subject&,
                                                            std::size_t count_max);
  std::optional<std::vector<std::string>> texts(const node&, const subject&, std::size_t count_max,
                                                std::size_t length_max);
  const node* table(const node&, const subject&);
  /// A list whose elements are tables.
  const node* tables(const node&, const subject&, std::size_t count_max);

  std::optional<parameter_value> parameter_of(const node&, const parameter&);

  /// The node itself, or what its raw text says when read as TOML; texts that cannot be
  /// read so are given back as they are.
  const node& literal(const node&);

 private:
  const node& text_node(const node&);
  const node& list_node(const node&);
  void wrong_type(const node&, const subject&, std::string help = {});
  void out_of_range(const node&, const subject&, const std::string& shown);
  bool within(const node&, const subject&, long double value, const std::string& shown, const bounds&);
  template <class T, class Read>
  std::optional<std::vector<T>> list(const node&, const subject&, std::size_t count_max, Read&&);

  mistakes& wrong_;
  std::deque<node> made_; ///< nodes read from raw texts; stay where they are
};

/// Where elements of a wrong list are told, at most so many.
inline constexpr std::size_t wrong_elements_max = 3;

} // namespace troupe::scenarios::file
