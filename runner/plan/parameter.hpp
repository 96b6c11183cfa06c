// Typed parameters of a scenario: declared once, read by the loader, `troupe list`,
// the JSON Schema and the docs.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <limits>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace troupe::scenarios {

enum class parameter_type : std::uint8_t {
  boolean,
  integer,
  number,
  text,
  choice,
  duration,
  integers,
  numbers,
  booleans,
  texts
};
std::string_view to_string(parameter_type);

using parameter_value =
    std::variant<bool, std::int64_t, double, std::string, std::chrono::nanoseconds, std::vector<std::int64_t>,
                 std::vector<double>, std::vector<bool>, std::vector<std::string>>;

/// One declared parameter. Built by the functions of `declaration`; a chain of setters
/// reads as a sentence: `d.integer("workers", 4).range(1, 10'000).help("...")`. Mistakes of the
/// scenario's author are told all at once, by mistakes_in().
struct parameter {
  std::string name;
  parameter_type type = parameter_type::integer;
  std::optional<parameter_value> fallback; ///< absent: the parameter may be left out and has no default
  std::string unit;                        ///< for people: "tasks", "bytes"; durations carry their own
  std::string about;
  std::optional<double> at_least, at_most; ///< of the number, of each element, of the duration in seconds
  std::size_t length_max = 1'000'000;      ///< of lists and texts
  std::vector<std::string> choices;
  bool names_file = false; ///< a text: where it stands in a scenario file, a relative path starts there

  parameter& range(double low, double high);
  parameter& minimum(double low);
  parameter& in(std::string unit_name);
  parameter& length(std::size_t max);
  parameter& help(std::string text);
  /// The text is the path of a file; empty: none.
  parameter& path();
  /// Without a default: parameters::has() tells whether it was given.
  parameter& optional();
};
/// What may be written: "an integer from 1 to 10000 (workers)".
std::string describe(const parameter&);
/// As it would be written in a scenario file.
std::string to_text(const parameter_value&);

/// Where actors of a role live unless the file says otherwise.
enum class placement : std::uint8_t {
  main,    ///< the launching node
  workers, ///< round robin over the worker nodes; the launching node when there are none
  all,     ///< round robin over all nodes
};
std::string_view to_string(placement);

struct role_declaration {
  std::string name;
  placement where = placement::workers;
  std::string about;
};

class parameters;

/// What a scenario tells of itself without starting anything.
struct declaration {
  std::string name;    ///< as in `scenario = "..."`
  std::string summary; ///< one line
  std::vector<parameter> parameters;
  std::vector<role_declaration> roles;
  /// Optional: what is wrong with values that are each right by themselves, or empty. Asked
  /// when no other mistake was found in them; the parameters that the sentence names are
  /// what the user is pointed at.
  std::function<std::string(const scenarios::parameters&)> objection;

  parameter& boolean(std::string name, bool fallback);
  parameter& integer(std::string name, std::int64_t fallback);
  parameter& number(std::string name, double fallback);
  parameter& text(std::string name, std::string fallback);
  parameter& choice(std::string name, std::vector<std::string> choices, std::string fallback);
  parameter& duration(std::string name, std::chrono::nanoseconds fallback);
  parameter& integers(std::string name, std::vector<std::int64_t> fallback = {});
  parameter& numbers(std::string name, std::vector<double> fallback = {});
  parameter& booleans(std::string name, std::vector<bool> fallback = {});
  parameter& texts(std::string name, std::vector<std::string> fallback = {});

  const parameter* find(std::string_view parameter_name) const;
};

/// What is wrong with the names, defaults, ranges and roles, a sentence each: mistakes of the
/// scenario's author. Empty: nothing.
std::vector<std::string> mistakes_in(const declaration&);

/// The values of one run: every declared parameter that was given or has a default.
class parameters {
 public:
  void set(std::string name, parameter_value value);
  bool has(std::string_view name) const;
  /// Throws std::logic_error when the parameter was not declared or has another type:
  /// a mistake of the scenario's author, not of its user.
  template <class T>
  const T& get(std::string_view name) const;
  std::int64_t integer(std::string_view name) const { return get<std::int64_t>(name); }
  double number(std::string_view name) const { return get<double>(name); }
  bool boolean(std::string_view name) const { return get<bool>(name); }
  const std::string& text(std::string_view name) const { return get<std::string>(name); }
  std::chrono::nanoseconds duration(std::string_view name) const {
    return get<std::chrono::nanoseconds>(name);
  }
  const std::map<std::string, parameter_value, std::less<>>& all() const { return values_; }

 private:
  const parameter_value& at(std::string_view name) const;
  [[noreturn]] static void wrong_type(std::string_view name);
  std::map<std::string, parameter_value, std::less<>> values_;
};

template <class T>
const T& parameters::get(std::string_view name) const {
  if (auto* value = std::get_if<T>(&at(name))) return *value;
  wrong_type(name);
}

} // namespace troupe::scenarios
