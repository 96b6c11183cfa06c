// What may be a name: of scenarios, roles, parameters, message types and nodes.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace troupe {

/// Names stand in paths, on command lines, in records of the wire and in the files of other
/// programs, none of which should have to escape them: letters (of ASCII), digits and _ anywhere,
/// the others not at the beginning.
struct name_rule {
  std::string_view others = "-";
  std::size_t bytes_max = 64;
};
/// Of scenarios, roles and parameters, which stand before dots in keys such as topology.place.ROLE.
inline constexpr name_rule plain_names{};
inline constexpr name_rule node_names{"-."};
/// Of message types, as they may be called in C++ or in a package.
inline constexpr name_rule type_names{"-.:", 255};

bool is_name(std::string_view, const name_rule& = plain_names);
/// The rule in words, after "a name has": "1 to 64 letters, digits, _ and -, and begins with a letter, a
/// digit or _".
std::string describe(const name_rule&);

} // namespace troupe
