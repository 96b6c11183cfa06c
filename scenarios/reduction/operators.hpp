// What a reduction tree can reduce with, and how an operator that cannot be used is found.
#pragma once

#include <functional>
#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <vector>

namespace troupe::scenarios {

/// A binary operator on JSON values. It must be associative and commutative, which is
/// tried before a run starts. All functions must be callable from many threads at once.
struct reduction_operator {
  std::string about;       ///< a few words for people
  nlohmann::json identity; ///< the result for no elements
  /// Joins two values; throws std::exception where there is no result (an overflow).
  std::function<nlohmann::json(nlohmann::json, const nlohmann::json&)> join;
  /// Makes a value of an element of a list; throws std::invalid_argument saying what was
  /// expected. Empty: the element is the value.
  std::function<nlohmann::json(const nlohmann::json&)> lift;
  /// Makes a value of a line of a file; throws the same. Empty: the line is read as JSON
  /// and then lifted.
  std::function<nlohmann::json(std::string_view)> read_line;
  /// How the result is shown; empty: as it is.
  std::function<nlohmann::json(const nlohmann::json&)> present;
  std::string symbol;                  ///< between two operands, in sentences; empty: its name is used
  std::vector<nlohmann::json> samples; ///< values to try it with, besides those of the run
};

/// The operators that this program knows; a user adds to a copy.
using operator_catalog = std::map<std::string, reduction_operator, std::less<>>;
const operator_catalog& standard_operators();

/// The value of an element of a list, or of a line of a file.
nlohmann::json value_of(const reduction_operator&, const nlohmann::json& element);
nlohmann::json value_of_line(const reduction_operator&, std::string_view line);

/// Equal, floating point to within nine digits.
bool same_value(const nlohmann::json&, const nlohmann::json&);

/// Tries the operator with all triples of the first dozen values and of its samples. Empty
/// if nothing speaks against it, else what does: "not associative: 2^(1^2) = 2, (2^1)^2 = 4".
std::string counter_example(const std::string& name, const reduction_operator&,
                            std::vector<nlohmann::json> values);

/// A value as it may stand in a sentence: its JSON, cut where it is long.
std::string shown(const nlohmann::json&);

} // namespace troupe::scenarios
