// ${VAR}, ${VAR:-default} and ${VAR:?message} in the texts of a scenario file.
#pragma once

#include "runner/file/scenario_file.hpp"
#include "runner/toml/document.hpp"

namespace troupe::scenarios::file {

/// Replaces them in all texts below the node that came from the file; keys stay as they
/// are. `$${` stands for `${`. What a variable holds is not searched again.
void substitute(node&, const environment&, mistakes&);

/// A text is at most this long afterwards.
inline constexpr std::size_t substituted_bytes_max = 1U << 20;

} // namespace troupe::scenarios::file
