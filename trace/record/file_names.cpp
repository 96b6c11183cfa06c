#include "trace/record/file_names.hpp"

#include "trace/record/format.hpp"

#include <fmt/format.h>

namespace troupe::trace {

bool names_a_trace(std::string_view node) {
  return !node.empty() && node.size() <= format::node_name_bytes_max
         && node.find('/') == std::string_view::npos && node.find('\0') == std::string_view::npos
         && node[0] != '.';
}

std::string segment_file_name(const std::string& stem, std::uint64_t segment) {
  return segment == 0 ? stem + ".trace" : fmt::format("{}.{:04}.trace", stem, segment);
}

std::string file_stem_of_restart(const std::string& node, std::uint64_t incarnation) {
  return fmt::format("{}-{:016x}", node, incarnation);
}

std::filesystem::path unfinished_name(const std::filesystem::path& run_dir, const std::string& node,
                                      std::uint64_t incarnation, std::uint64_t segment) {
  return run_dir / fmt::format(".{}.{:04}.part", file_stem_of_restart(node, incarnation), segment);
}

} // namespace troupe::trace
