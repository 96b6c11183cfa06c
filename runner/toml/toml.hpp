// The door to toml++: only toml.cpp includes it.
#pragma once

#include "runner/toml/document.hpp"

namespace troupe::scenarios::file {

/// Why and where toml++ stopped; position as it counts: code points from 1.
struct toml_error {
  std::string description;
  std::uint32_t line = 1, column = 1;
};

/// The tree of `text`, its places in `source`, or the first error.
struct toml_result {
  std::optional<node> root;
  toml_error error;
};
toml_result read_toml(std::string_view text, const source_text* source);

} // namespace troupe::scenarios::file
