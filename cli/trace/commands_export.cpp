#include "base/text.hpp"
#include "base/words.hpp"
#include "cli/trace/command_support.hpp"
#include "trace/export/database.hpp"
#include "trace/export/export.hpp"
#include "trace/query/graph.hpp"

#include <cerrno>
#include <cstring>
#include <fmt/format.h>
#include <memory>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

extern char** environ;

namespace troupe::trace {
namespace {

using file = std::unique_ptr<std::FILE, int (*)(std::FILE*)>;

/// Runs Graphviz over the text; files on both sides, so that neither waits for the other.
std::string svg_of(const std::string& dot) {
  file in{std::tmpfile(), &std::fclose}, out{std::tmpfile(), &std::fclose};
  if (!in || !out) throw export_error(fmt::format("cannot make a temporary file: {}", std::strerror(errno)));
  output to{in.get()};
  to.text(dot);
  if (!to.flush())
    throw export_error(fmt::format("cannot make a temporary file: {}", std::strerror(to.error())));
  std::rewind(in.get());
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_adddup2(&actions, fileno(in.get()), 0);
  posix_spawn_file_actions_adddup2(&actions, fileno(out.get()), 1);
  const char* arguments[] = {"dot", "-Tsvg", nullptr};
  pid_t child = 0;
  int error = posix_spawnp(&child, "dot", &actions, nullptr, const_cast<char**>(arguments), environ);
  posix_spawn_file_actions_destroy(&actions);
  if (error == ENOENT)
    throw export_error(
        "SVG needs Graphviz, and its program \"dot\" is not installed; --format dot needs nothing");
  if (error != 0) throw export_error(fmt::format("cannot run Graphviz: {}", std::strerror(error)));
  int status = 0;
  while (waitpid(child, &status, 0) < 0 && errno == EINTR) {
  }
  if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) throw export_error("Graphviz failed; try --format dot");
  std::rewind(out.get());
  std::string svg(1 << 16, '\0'), all;
  while (auto n = std::fread(svg.data(), 1, svg.size(), out.get()))
    all.append(svg, 0, n);
  if (std::ferror(out.get()) != 0 || all.empty()) throw export_error("Graphviz failed; try --format dot");
  return all;
}

using exporter = void (*)(const model&, const selection&, output&, std::vector<std::string>&);

constexpr std::pair<std::string_view, exporter> exporters[] = {{"perfetto", export_perfetto},
                                                               {"otlp", export_otlp},
                                                               {"shiviz", export_shiviz},
                                                               {"mermaid", export_mermaid}};

constexpr std::string_view export_formats[] = {"sqlite", "csv",     "perfetto", "otlp",
                                               "shiviz", "mermaid", "dot"};
constexpr std::string_view graph_formats[] = {"text", "dot", "svg"};

void check_format(const std::string& format, std::span<const std::string_view> known) {
  for (auto name : known)
    if (name == format) return;
  auto near = nearest(format, known);
  throw usage_error(
      format.empty() ? fmt::format("a format is needed; formats are {}", fmt::join(known, ", "))
      : near.empty()
          ? fmt::format("there is no format \"{}\"; formats are {}", format, fmt::join(known, ", "))
          : fmt::format("there is no format \"{}\"; did you mean \"{}\"?", format, near));
}

void write_export(const trace_query& q, const model& m, const filter& f, output& out,
                  std::vector<std::string>& notes) {
  if (q.format == "sqlite") {
    if (!f.everything())
      throw usage_error("a SQLite export holds the whole run; leave the filter out and select in SQL");
    return database{m, q.output}.keep();
  }
  auto wanted = matching_messages(m, f);
  if (q.format == "csv") return export_csv(m, wanted, q.output, notes);
  if (q.format == "dot")
    return write_to(q.output, out, [&](output& to) { to.text(render_dot(who_talks_to_whom(m, f, q.by))); });
  for (auto& [name, write] : exporters)
    if (name == q.format)
      return write_to(q.output, out, [&, write = write](output& to) { write(m, wanted, to, notes); });
}

} // namespace

int graph(const trace_query& q, output& out, output& err) {
  return guarded(err, [&] {
    auto format = q.format.empty() ? std::string{"text"} : q.format;
    check_format(format, graph_formats);
    auto f = combined_filter(q);
    auto m = load_for(q, err);
    f.bind(m);
    auto report = who_talks_to_whom(m, f, q.by);
    const auto drawing = format == "text" ? std::string{} : render_dot(report);
    const auto svg = format == "svg" && !q.json ? svg_of(drawing) : std::string{};
    write_to(q.output, out, [&](output& to) {
      if (q.json)
        to.json(render_json(report));
      else if (format == "text")
        to.show(render_text(report, to_file(q.output) ? 0 : q.width));
      else
        to.text(format == "dot" ? drawing : svg);
    });
    return 0;
  });
}

int export_trace(const trace_query& q, output& out, output& err) {
  return guarded(err, [&] {
    check_format(q.format, export_formats);
    if (!to_file(q.output) && (q.format == "sqlite" || q.format == "csv"))
      throw usage_error(fmt::format("{}: {}", q.output.empty() ? "-o is needed" : "-o cannot be stdout",
                                    q.format == "csv" ? "a directory for the files" : "the file to write"));
    auto f = combined_filter(q);
    auto m = load_for(q, err);
    f.bind(m);
    std::vector<std::string> notes;
    write_export(q, m, f, out, notes);
    for (auto& n : notes)
      err.show(say("{}\n", n));
    if (to_file(q.output)) err.show(say("wrote {}\n", q.output));
    return 0;
  });
}

} // namespace troupe::trace
