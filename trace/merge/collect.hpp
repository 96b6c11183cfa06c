// The files of a node's trace: what they are called, and how they come into a run directory
// that the node could not write to itself.
#pragma once

#include "trace/merge/reader.hpp"
#include "trace/record/file_names.hpp"

#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace troupe::trace {

/// One start of one node.
struct node_start {
  std::string node;
  std::uint64_t incarnation = 0;
  auto operator<=>(const node_start&) const = default;
};

struct trace_file {
  std::filesystem::path path;
  file_identity identity;
};

/// The segments of the traces in that directory, by their number. Files that are no traces are
/// not looked at any closer.
std::map<node_start, std::map<std::uint32_t, trace_file>> traces_in(const std::filesystem::path& directory);
/// The same of one start of a node.
std::map<std::uint32_t, std::filesystem::path> files_of(const std::filesystem::path& directory,
                                                        const std::string& node, std::uint64_t incarnation);

/// Whether a file is the same segment as the one that is there, and knows more of it: that one
/// was copied while it was being written, or from a node that was killed.
bool replaces(const std::filesystem::path& fresh, const std::filesystem::path& there);

/// Gives files that lie in the run directory under other names the names of a trace, from
/// segment to file. Each must be a trace of that start of that node, of that segment;
/// what is there is not replaced, but by what replaces() it. Returns an empty text, or why not; then none of
/// them has its name.
std::string put_in_place(const std::filesystem::path& run_dir, const std::string& node,
                         std::uint64_t incarnation,
                         const std::map<std::uint32_t, std::filesystem::path>& files);

} // namespace troupe::trace
