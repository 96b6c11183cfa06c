// What the files of a node's trace are called.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>

namespace troupe::trace {

/// False for names that could lead out of a directory, or hide.
bool names_a_trace(std::string_view node);
/// "w1.trace", "w1.0001.trace"; the stem is the node's name, or that of a restart.
std::string segment_file_name(const std::string& stem, std::uint64_t segment);
/// Of a node whose name another start of it has taken in that directory.
std::string file_stem_of_restart(const std::string& node, std::uint64_t incarnation);

/// What a file is called in the run directory until it is complete; no reader looks at it.
std::filesystem::path unfinished_name(const std::filesystem::path& run_dir, const std::string& node,
                                      std::uint64_t incarnation, std::uint64_t segment);

} // namespace troupe::trace
