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
  std::filesystem::path out = default_out;
};

using trace_function = int (*)(const trace::trace_query&, std::FILE*, std::FILE*);

int terminal_width() {
  winsize size{};
  return ::isatty(1) == 1 && ::ioctl(1, TIOCGWINSZ, &size) == 0 ? size.ws_col : 0;
}

int call(const context& who, trace_arguments& arguments, trace_function function) {
  try {
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
                       trace_function function) {
    auto* one = all->add_subcommand(name, about);
    one->footer(fmt::format("Example:\n  {} trace {}", who.program, how));
    one->add_option("run", arguments->runs,
                    "Run directory, its name, or trace files; default: the latest run")
        ->type_name("RUN");
    one->add_option("--out", arguments->out, "Where run directories are")
        ->type_name("DIR")
        ->capture_default_str();
    one->add_flag("--json", arguments->query.json, "Print JSON");
    one->callback([&who, &action, arguments, function] {
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
}

} // namespace troupe::cli
