// Gets the bytes of a scenario file, or says why not.
#pragma once

#include "runner/toml/mistakes.hpp"

#include <filesystem>
#include <optional>

namespace troupe::scenarios::file {

inline constexpr std::size_t file_bytes_max = 1U << 20;

/// Regular files only: opening a FIFO or a device must not block or have effects.
std::optional<std::string> read_file(const std::filesystem::path&, mistakes&);

/// Well-formed UTF-8 without NUL and not too large: what a parser may be given.
/// `text` loses its byte order mark.
bool check_text(const std::string& name, std::string& text, mistakes&);

} // namespace troupe::scenarios::file
