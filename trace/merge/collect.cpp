#include "trace/merge/collect.hpp"

#include "base/text.hpp"
#include "trace/record/format.hpp"

#include <fmt/format.h>

namespace troupe::trace {

namespace fs = std::filesystem;

std::map<node_start, std::map<std::uint32_t, trace_file>> traces_in(const fs::path& directory) {
  std::map<node_start, std::map<std::uint32_t, trace_file>> found;
  std::error_code error;
  for (auto& entry : fs::directory_iterator{directory, error}) {
    if (entry.path().extension() != ".trace") continue;
    try {
      auto x = identify(entry.path());
      found[{x.node, x.incarnation}].try_emplace(x.segment, trace_file{entry.path(), std::move(x)});
    } catch (const read_error&) {
      continue; // whoever reads that directory is told
    }
  }
  return found;
}

std::map<std::uint32_t, fs::path> files_of(const fs::path& directory, const std::string& node,
                                           std::uint64_t incarnation) {
  std::map<std::uint32_t, fs::path> found;
  auto all = traces_in(directory);
  for (auto& [segment, file] : all[{node, incarnation}])
    found.emplace(segment, file.path);
  return found;
}

namespace {

std::string look_at(const fs::path& file, const std::string& node, std::uint64_t incarnation,
                    std::uint32_t segment) {
  try {
    const auto x = identify(file);
    if (x.node == node && x.incarnation == incarnation && x.segment == segment) return {};
    return fmt::format("what came as segment {} of the trace of {} is segment {} of {}", segment, node,
                       x.segment, x.node);
  } catch (const read_error& e) {
    return e.what();
  }
}

} // namespace

bool replaces(const fs::path& fresh, const fs::path& there) {
  try {
    const auto x = identify(fresh), y = identify(there);
    if (x.node != y.node || x.incarnation != y.incarnation || x.segment != y.segment || !y.open) return false;
    std::error_code error;
    return !x.open || fs::file_size(fresh, error) > fs::file_size(there, error);
  } catch (const read_error&) {
    return false;
  }
}

std::string put_in_place(const fs::path& run_dir, const std::string& node, std::uint64_t incarnation,
                         const std::map<std::uint32_t, fs::path>& files) {
  if (!names_a_trace(node)) return fmt::format("no trace can be named after \"{}\"", node);
  for (auto& [segment, file] : files)
    if (auto why = look_at(file, node, incarnation, segment); !why.empty()) return why;
  // The plain name is that of the first start of a node; it may also have been another's.
  std::error_code error;
  const auto there = files_of(run_dir, node, incarnation);
  auto stem = node;
  bool taken = there.empty();
  for (auto& [segment, file] : there) // the rest goes beside what is there
    taken = taken || file.filename() != segment_file_name(node, segment);
  if (taken && fs::exists(run_dir / segment_file_name(node, 0), error))
    stem = file_stem_of_restart(node, incarnation);
  for (auto& [segment, file] : files) {
    const auto name = run_dir / segment_file_name(stem, segment);
    if (fs::exists(name, error) && !replaces(file, name))
      return fmt::format("{} is there already", name.string());
  }
  std::vector<std::pair<fs::path, fs::path>> moved;
  auto undo = [&] {
    std::error_code ignored;
    for (auto& [from, to] : moved)
      fs::rename(to, from, ignored);
  };
  for (auto& [segment, file] : files) {
    const auto name = run_dir / segment_file_name(stem, segment);
    fs::rename(file, name, error);
    if (error) {
      undo();
      return fmt::format("cannot make {}: {}", name.string(), error.message());
    }
    moved.emplace_back(file, name);
  }
  return {};
}

} // namespace troupe::trace
