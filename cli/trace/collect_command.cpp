// `troupe trace collect`: brings what nodes kept elsewhere into the run directory.
#include "base/host_identity.hpp"
#include "base/json_writer.hpp"
#include "base/text.hpp"
#include "cli/trace/command_support.hpp"
#include "trace/check/summary.hpp"
#include "trace/merge/collect.hpp"
#include "trace/merge/merge.hpp"
#include "trace/merge/reader.hpp"

#include <fmt/format.h>
#include <fstream>
#include <set>

namespace troupe::trace {
namespace {

namespace fs = std::filesystem;

using segments = std::map<std::uint32_t, trace_file>;

/// What the traces in a run directory say of who took part.
struct expected_starts {
  std::set<node_start> mentioned; ///< those with a trace here included
  std::set<node_start> recorded;
};

expected_starts read_starts(const fs::path& run_dir) {
  std::vector<remark> remarks;
  expected_starts out;
  for (auto& t : read_traces({run_dir}, remarks)) {
    out.recorded.insert({t.info.name, t.info.incarnation});
    for (auto& node : t.nodes)
      out.mentioned.insert({node.name, node.incarnation});
  }
  return out;
}

/// Whether a process of this host has the file mapped, as a node has the trace it writes.
bool is_being_written(const trace_file& file) {
  if (!file.identity.open || file.identity.boot_id != boot_id()) return false;
  std::error_code error;
  const auto name = fs::canonical(file.path, error).string();
  std::ifstream maps{fmt::format("/proc/{}/maps", file.identity.pid)};
  for (std::string line; !error && std::getline(maps, line);)
    if (line.ends_with(name)) return true;
  return false;
}

struct collected {
  node_start who;
  fs::path from;
  std::size_t files = 0; ///< 0: it was there already
  std::uint64_t bytes = 0;
};

class collector {
 public:
  explicit collector(fs::path run_dir) : run_dir_{std::move(run_dir)}, starts_{read_starts(run_dir_)} {}

  void take(const fs::path& source) {
    std::error_code error;
    const auto kind = fs::status(source, error).type();
    if (kind == fs::file_type::not_found) return refuse(fmt::format("{} does not exist", source.string()));
    const bool whole = kind == fs::file_type::directory;
    auto found = whole ? traces_in(source) : look_at(source);
    if (!whole && found.empty()) return;
    bool any = false;
    for (auto& [who, files] : found) {
      if (starts_.mentioned.contains(who)) {
        any = true;
        bring(who, files, source);
      } else if (!whole) {
        return refuse(fmt::format("{} is of another run: no trace in {} mentions this start of {} "
                                  "(incarnation {:016x})",
                                  source.string(), run_dir_.string(), who.node, who.incarnation));
      }
    }
    if (any) return;
    refuse(found.empty() ? fmt::format("there is no trace in {}", source.string())
                         : fmt::format("the {} in {} {} of other runs: no trace in {} mentions {}",
                                       found.size() == 1 ? "trace" : "traces", source.string(),
                                       found.size() == 1 ? "is" : "are", run_dir_.string(),
                                       found.size() == 1 ? "that start of that node" : "them"));
  }

  const std::vector<collected>& done() const { return done_; }
  const std::vector<std::string>& problems() const { return problems_; }

 private:
  void refuse(std::string why) { problems_.push_back(std::move(why)); }

  /// A trace is all its segments, so that naming one file is naming the others beside it.
  std::map<node_start, segments> look_at(const fs::path& file) {
    try {
      const auto x = identify(file);
      const node_start who{x.node, x.incarnation};
      auto beside = traces_in(file.parent_path().empty() ? fs::path{"."} : file.parent_path());
      auto& whole = beside[who];
      if (!whole.empty()) return {{who, std::move(whole)}};
      refuse(fmt::format("{} is a trace, but is not called one: its name must end in .trace", file.string()));
      return {};
    } catch (const read_error& e) {
      refuse(e.what());
      return {};
    }
  }

  void bring(const node_start& who, const segments& files, const fs::path& source) {
    const auto there = files_of(run_dir_, who.node, who.incarnation);
    std::map<std::uint32_t, fs::path> parts;
    collected result{who, source};
    std::string why;
    for (auto& [segment, file] : files) {
      const auto old = there.find(segment);
      if (old != there.end() && !replaces(file.path, old->second)) continue;
      if (is_being_written(file)) {
        why = fmt::format("{} is still being written, by process {}; collect it when that has ended",
                          file.path.string(), file.identity.pid);
        break;
      }
      auto part = unfinished_name(run_dir_, who.node, who.incarnation, segment);
      std::error_code error;
      parts.emplace(segment, part);
      fs::copy_file(file.path, part, fs::copy_options::overwrite_existing, error);
      if (error) {
        why = fmt::format("cannot copy {} to {}: {}", file.path.string(), run_dir_.string(), error.message());
        break;
      }
      result.bytes += fs::file_size(part, error);
    }
    if (why.empty() && !parts.empty()) why = put_in_place(run_dir_, who.node, who.incarnation, parts);
    if (why.empty()) {
      result.files = parts.size();
      done_.push_back(std::move(result));
      return;
    }
    std::error_code ignored;
    for (auto& [segment, part] : parts)
      fs::remove(part, ignored);
    refuse(std::move(why));
  }

  fs::path run_dir_;
  expected_starts starts_;
  std::vector<collected> done_;
  std::vector<std::string> problems_;
};

std::vector<std::string> missing_nodes(const model& m) {
  std::vector<std::string> out;
  for (std::uint16_t n = 0; n < m.nodes.size(); ++n)
    if (m.nodes[n].is_missing()) out.push_back(m.node_name(n));
  return out;
}

shown_text as_text(const collector& c, const model& m) {
  shown_text out;
  for (auto& x : c.done()) {
    const auto& node = x.who.node;
    out += x.files == 0
               ? say("{}: is in the run directory already; {} was left alone\n", node, x.from.string())
               : say("{}: {}, {}, from {}\n", node, counted(x.files, "file"), bytes_text(x.bytes),
                     x.from.string());
  }
  out += render_remarks(m);
  const auto missing = missing_nodes(m);
  if (!missing.empty())
    out += say("there is no trace of {}; name where it lies, or a copy of it, with --from PATH\n",
               fmt::format("{}", fmt::join(missing, ", ")));
  return out;
}

std::string as_json(const collector& c, const model& m) {
  std::string out;
  json_writer j{out};
  j.object().member("complete", m.complete());
  j.key("collected").array();
  for (auto& x : c.done())
    j.object()
        .member("node", x.who.node)
        .member("incarnation", fmt::format("{:016x}", x.who.incarnation))
        .member("from", x.from.string())
        .member("files", x.files)
        .member("bytes", x.bytes)
        .end();
  j.end().key("missing").array();
  for (auto& node : missing_nodes(m))
    j.value(node);
  j.end().key("problems").array();
  for (auto& problem : c.problems())
    j.value(problem);
  j.end().end();
  return out + "\n";
}

} // namespace

int collect(const trace_query& q, output& out, output& err) {
  return guarded(err, [&] {
    std::error_code error;
    if (q.inputs.size() != 1 || !fs::is_directory(q.inputs.front(), error))
      throw usage_error("traces are collected into one run directory; where they come from is named with "
                        "--from PATH");
    collector c{q.inputs.front()};
    for (auto& source : q.sources)
      c.take(source);
    const auto m = load(q.inputs);
    for (auto& problem : c.problems())
      err.show(say("{}\n", problem));
    put(
        out, q, [&] { return as_json(c, m); }, [&] { return as_text(c, m); });
    if (!c.problems().empty()) return 2;
    return q.sources.empty() && !missing_nodes(m).empty() ? 1 : 0;
  });
}

} // namespace troupe::trace
