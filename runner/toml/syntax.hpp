// Says in a sentence why a statement is no TOML.
#pragma once

#include "runner/toml/statements.hpp"
#include "runner/toml/toml.hpp"

namespace troupe::scenarios::file {

/// `error` was found when the statement was read alone.
void explain_syntax(const source_text&, const statement&, const toml_error& error, mistakes&);

} // namespace troupe::scenarios::file
