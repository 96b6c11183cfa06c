#include "cli/trace.hpp"

#include "cli/console.hpp"
#include "cli/run_directory.hpp"
#include "trace/commands.hpp"

#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <sys/ioctl.h>
#include <unistd.h>

namespace troupe::cli {
namespace {

struct trace_arguments {
  trace::trace_query query;
  std::vector<std::string> runs;
  /// What stands on the line beside the runs: a message, a query, a second run.
  enum class extra_kind : std::uint8_t { none, message, sql, second_run } extra = extra_kind::none;
  std::filesystem::path out = default_out;
};

using trace_function = int (*)(const trace::trace_query&, std::FILE*, std::FILE*);

int terminal_width() {
  winsize size{};
  return ::isatty(1) == 1 && ::ioctl(1, TIOCGWINSZ, &size) == 0 ? size.ws_col : 0;
}

/// Takes the last word off the list of runs, where it is not one. False: it is missing.
bool take_extra(const context& who, trace_arguments& arguments) {
  using kind = trace_arguments::extra_kind;
  auto& runs = arguments.runs;
  if (arguments.extra == kind::none) return true;
  const char* what = arguments.extra == kind::message ? "a message, as `trace show` prints it: w1:17"
                     : arguments.extra == kind::sql   ? "a query: 'select * from messages limit 5'"
                                                      : "two runs";
  const std::size_t needed = arguments.extra == kind::second_run ? 2 : 1;
  if (runs.size() < needed) {
    complain(who, fmt::format("say {}", what));
    return false;
  }
  auto last = std::move(runs.back());
  runs.pop_back();
  if (arguments.extra == kind::message)
    arguments.query.message = std::move(last);
  else if (arguments.extra == kind::sql)
    arguments.query.sql = std::move(last);
  else
    arguments.query.against.push_back(resolve_run(last, arguments.out));
  return true;
}

int call(const context& who, trace_arguments& arguments, trace_function function) {
  try {
    if (!take_extra(who, arguments)) return exit_bad_usage;
    if (arguments.runs.empty()) arguments.runs.emplace_back();
    for (const auto& run : arguments.runs)
      arguments.query.inputs.push_back(resolve_run(run, arguments.out));
  } catch (const run_directory_error& e) {
    complain(who, e.what());
    return exit_bad_usage;
  }
  arguments.query.colour = wants_colour(1);
  arguments.query.width = terminal_width();
  return function(arguments.query, stdout, stderr);
}

/// The commands beyond summary and show; `add` and `add_filters` are those of add_trace.
void add_questions(const auto& add, const auto& add_filters, trace::trace_query& query) {
  using kind = trace_arguments::extra_kind;
  add("follow", "What caused a message, back to the root, and what it caused: [RUN] MESSAGE", "follow w1:17",
      trace::follow, kind::message);
  add("path", "The critical path: what determined how long the run took", "path", trace::critical_path);
  auto* stats =
      add("stats", "Rates and times per actor, role, node and type", "stats --node w1", trace::stats);
  add_filters(stats);
  auto* graph = add("graph", "Who talks to whom", "graph --format dot -o graph.dot", trace::graph);
  graph->add_option("--format", query.format, "text, dot or svg")->type_name("FORMAT");
  graph->add_option("--by", query.by, "actor, role or node")->type_name("WHAT");
  graph->add_option("-o,--output", query.output, "Where to write it; default: standard output")
      ->type_name("FILE");
  add("check", "What went wrong: lost, doubled, reordered, unanswered, waiting in a circle", "check",
      trace::check);
  add("diff", "What one run has that the other has not: RUN RUN", "diff runs/one runs/other", trace::diff,
      kind::second_run);
  add("query", "Ask the trace in SQL: [RUN] SQL", "query 'select type, count(*) from messages group by type'",
      trace::query, kind::sql);
  auto* out = add("export", "For other tools: sqlite, csv, perfetto, otlp, shiviz, mermaid, dot",
                  "export --format perfetto -o trace.json", trace::export_trace);
  out->add_option("--format", query.format, "sqlite, csv, perfetto, otlp, shiviz, mermaid or dot")
      ->type_name("FORMAT")
      ->required();
  out->add_option("-o,--output", query.output, "Where to write it (csv: a directory)")
      ->type_name("FILE")
      ->required();
}

} // namespace

std::filesystem::path resolve_run(const std::string& named, const std::filesystem::path& out) {
  namespace fs = std::filesystem;
  if (named.empty()) return find_run(out / "latest");
  std::error_code ignored;
  if (fs::is_regular_file(named, ignored)) return named; // a trace copied from elsewhere
  if (!fs::exists(named, ignored) && fs::path(named).filename() == named
      && fs::is_directory(out / named, ignored))
    return find_run(out / named);
  return find_run(named);
}

void add_trace(CLI::App& app, const context& who, std::function<int()>& action) {
  auto arguments = std::make_shared<trace_arguments>();
  auto* all = app.add_subcommand("trace", "Look at the messages of a run");
  all->footer(fmt::format("RUN is a run directory, its name, or trace files; without it, the latest run.\n\n"
                          "Example:\n  {0} trace show --actor 'worker*' --limit 20",
                          who.program));
  const auto add = [&](const std::string& name, const std::string& about, const std::string& how,
                       trace_function function,
                       trace_arguments::extra_kind extra = trace_arguments::extra_kind::none) {
    auto* one = all->add_subcommand(name, about);
    one->footer(fmt::format("Example:\n  {} trace {}", who.program, how));
    one->add_option("run", arguments->runs,
                    "Run directory, its name, or trace files; default: the latest run")
        ->type_name("RUN");
    one->add_option("--out", arguments->out, "Where run directories are")
        ->type_name("DIR")
        ->capture_default_str();
    one->add_flag("--json", arguments->query.json, "Print JSON");
    one->callback([&who, &action, arguments, function, extra] {
      arguments->extra = extra;
      action = [&who, arguments, function] { return call(who, *arguments, function); };
    });
    return one;
  };
  const auto add_filters = [&](CLI::App* to) {
    auto& query = arguments->query;
    to->add_option("--where", query.where,
                   "Only events for which this holds: 'type=assign_task and wait>2ms'")
        ->type_name("FILTER");
    to->add_option("--actor", query.actor, "Only events of actors with this name; * and ? match")
        ->type_name("NAME");
    to->add_option("--node", query.node, "Only events of this node")->type_name("NAME");
    to->add_option("--type", query.type, "Only messages of this type")->type_name("TYPE");
    to->add_option("--from", query.from, "Only what came later than this after the start: 1.5s")
        ->type_name("TIME");
    to->add_option("--to", query.to, "Only what came earlier than this after the start")->type_name("TIME");
  };
  add("summary", "Nodes, actors, messages by type, the books, and whether the trace is complete", "summary",
      trace::summary);
  auto* show = add("show", "One line an event, in causal order over all nodes", "show --node w1 --limit 20",
                   trace::show);
  add_filters(show);
  show->add_option("--limit", arguments->query.limit, "At most this many; 0: all")->type_name("N");
  add_questions(add, add_filters, arguments->query);
}

} // namespace troupe::cli
