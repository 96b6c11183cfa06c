#include "cli/trace/trace.hpp"

#include "cli/process/run_directory.hpp"
#include "cli/trace/commands.hpp"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <fmt/format.h>
#include <sys/ioctl.h>
#include <unistd.h>

namespace troupe::cli {
namespace {

struct trace_arguments {
  trace::trace_query query;
  std::vector<std::string> runs;
  std::vector<std::string> words; ///< of follow and query: runs, and what is asked
  std::filesystem::path out = default_out;
};

using trace_function = int (*)(const trace::trace_query&, output&, output&);

int terminal_width() {
  winsize size{};
  return ::isatty(1) == 1 && ::ioctl(1, TIOCGWINSZ, &size) == 0 ? size.ws_col : 0;
}

bool is_run(const std::string& word, const std::filesystem::path& out) {
  std::error_code ignored;
  return std::filesystem::exists(word, ignored) || std::filesystem::is_directory(out / word, ignored);
}

// The question is the last word; a message may also stand in front of its run.
void take_question(trace_arguments& arguments, bool is_message) {
  auto& words = arguments.words;
  if (is_message && words.size() > 1 && is_run(words.back(), arguments.out)
      && !is_run(words.front(), arguments.out))
    std::rotate(words.begin(), words.begin() + 1, words.end());
  (is_message ? arguments.query.message : arguments.query.sql) = words.back();
  arguments.runs.assign(words.begin(), words.end() - 1);
}

int call(const context& who, trace_arguments& arguments, trace_function function) {
  try {
    if (!arguments.words.empty()) take_question(arguments, function == trace::follow);
    if (arguments.runs.empty()) arguments.query.inputs.push_back(find_run(arguments.out / "latest"));
    for (const auto& run : arguments.runs)
      arguments.query.inputs.push_back(resolve_run(run, arguments.out));
    if (function == trace::diff) {
      arguments.query.against = {arguments.query.inputs.back()};
      arguments.query.inputs.pop_back();
    }
  } catch (const run_directory_error& e) {
    complain(who, e.what());
    return exit_bad_usage;
  }
  arguments.query.width = terminal_width();
  return function(arguments.query, who.out, who.err);
}

/// Adds the commands of `trace`, which share one set of arguments: only one is given.
class trace_commands {
 public:
  trace_commands(CLI::App& all, const context& who, std::function<int()>& action)
      : all_(all), who_(who), action_(action) {}

  /// A command whose runs are its last, optional words.
  CLI::App* add(const std::string& name, const std::string& about, const std::string& how,
                trace_function function) {
    auto* one = add_bare(name, about, how, function);
    one->add_option("run", arguments_->runs,
                    "Run directory, its name, or trace files; default: the latest run")
        ->type_name("RUN");
    return one;
  }

  void add_follow() {
    auto* one = add_bare("follow", "What caused a message, back to the root, and what it caused",
                         "follow w1:17", trace::follow);
    add_words(one, "message", "MESSAGE", "The message, as show prints it");
    add_limit(one);
  }

  void add_diff() {
    auto* one =
        add_bare("diff", "What one run has that the other has not", "diff FIRST_RUN SECOND_RUN", trace::diff);
    one->add_option("runs", arguments_->runs, "Two runs")->required()->expected(2)->type_name("RUN");
    add_limit(one);
  }

  void add_page(CLI::App* one) {
    one->add_option("-o,--output", arguments_->query.output,
                    "Where to; default: trace.html in the run directory")
        ->type_name("FILE");
  }

  void add_query() {
    auto* one = add_bare("query", "Ask in SQL; the tables are described in docs/trace.md",
                         "query 'select type, count(*) from messages group by type'", trace::query);
    add_words(one, "sql", "SQL", "The statement");
  }

  void add_graph() {
    auto* one = add("graph", "Who talks to whom, with counts and bytes", "graph --format svg -o graph.svg",
                    trace::graph);
    one->add_option("--format", arguments_->query.format, "text, dot or svg")->type_name("FORMAT");
    one->add_option("--by", arguments_->query.by, "actor, role or node")->type_name("WHAT");
    one->add_option("-o,--output", arguments_->query.output, "Where to; default: stdout")->type_name("FILE");
    add_filters(one);
  }

  void add_export() {
    auto* one = add("export", "The trace for other tools", "export --format perfetto -o trace.json",
                    trace::export_trace);
    one->add_option("--format", arguments_->query.format,
                    "sqlite, csv, perfetto, otlp, shiviz, mermaid or dot")
        ->required()
        ->type_name("FORMAT");
    one->add_option("-o,--output", arguments_->query.output, "Where to; default: stdout")->type_name("FILE");
    add_filters(one);
  }

  void add_collect() {
    auto* one = add("collect",
                    "Bring traces that nodes kept elsewhere into the run directory, and tell what is missing",
                    "collect latest --from /mnt/gpu-1/trace-w1", trace::collect);
    one->add_option("--from", arguments_->query.sources,
                    "A trace of a node of this run, or a directory with such, or a copy; may be repeated")
        ->type_name("PATH")
        ->allow_extra_args(false);
    one->get_option("run")->description("Run directory or its name; default: the latest run");
  }

  void add_filters(CLI::App* to) {
    auto& query = arguments_->query;
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
  }

  void add_limit(CLI::App* to) {
    to->add_option("--limit", arguments_->query.limit, "At most this many rows; 0: all")->type_name("N");
  }

 private:
  void add_words(CLI::App* to, const std::string& name, const std::string& type, const std::string& about) {
    to->add_option(name, arguments_->words, about + ", after the run; without a run, the latest")
        ->required()
        ->type_name("[RUN] " + type);
  }

  CLI::App* add_bare(const std::string& name, const std::string& about, const std::string& how,
                     trace_function function) {
    auto* one = all_.add_subcommand(name, about);
    one->footer(fmt::format("Example:\n  {} trace {}", who_.program, how));
    one->add_option("--out", arguments_->out, "Where run directories are")
        ->type_name("DIR")
        ->capture_default_str();
    one->add_flag("--json", arguments_->query.json, "Print JSON");
    one->callback([&who = who_, &action = action_, arguments = arguments_, function] {
      action = [&who, arguments, function] { return call(who, *arguments, function); };
    });
    return one;
  }

  CLI::App& all_;
  const context& who_;
  std::function<int()>& action_;
  std::shared_ptr<trace_arguments> arguments_ = std::make_shared<trace_arguments>();
};

} // namespace

std::filesystem::path resolve_run(const std::string& named, const std::filesystem::path& out) {
  namespace fs = std::filesystem;
  if (named.empty()) // an unset variable of a script, most likely
    throw run_directory_error("the name of the run is empty; leave it out for the latest run");
  std::error_code ignored;
  if (fs::is_regular_file(named, ignored)) return named; // a trace copied from elsewhere
  if (!fs::exists(named, ignored) && fs::path(named).filename() == named
      && fs::is_directory(out / named, ignored))
    return find_run(out / named);
  return find_run(named);
}

void add_trace(CLI::App& app, const context& who, std::function<int()>& action) {
  auto* all = app.add_subcommand("trace", "Look at the messages of a run");
  all->footer(fmt::format("RUN is a run directory, its name, or trace files; without it, the latest run.\n\n"
                          "Example:\n  {0} trace show --actor 'worker*' --limit 20",
                          who.program));
  trace_commands commands(*all, who, action);
  commands.add("summary", "Nodes, actors, messages by type, the books, and whether the trace is complete",
               "summary", trace::summary);
  auto* show = commands.add("show", "One line an event, in causal order over all nodes",
                            "show --node w1 --limit 20", trace::show);
  commands.add_filters(show);
  commands.add_limit(show);
  commands.add_follow();
  auto* path =
      commands.add("path", "The chain of messages and handlers that determined the length of the run", "path",
                   trace::critical_path);
  commands.add_filters(path);
  commands.add_limit(path);
  auto* stats = commands.add("stats", "Rates and times by actor, role, node and type",
                             "stats --type assign_task", trace::stats);
  commands.add_filters(stats);
  commands.add_limit(stats);
  commands.add_graph();
  commands.add("check", "What went wrong: lost, doubled, reordered, unanswered, waiting in a circle", "check",
               trace::check);
  commands.add_diff();
  commands.add_query();
  commands.add_export();
  auto* view = commands.add("view", "Write the run as one HTML file: lanes, messages, causes, search",
                            "view -o run.html", trace::view);
  commands.add_page(view);
  commands.add_collect();
}

} // namespace troupe::cli
