#include "cli/program.hpp"
#include "base/words.hpp"

#include "base/text.hpp"
#include "cli/commands/commands.hpp"
#include "cli/process/guard.hpp"
#include "cli/process/run_directory.hpp"
#include "cli/terminal/console.hpp"
#include "cli/trace/trace.hpp"
#include "runner/api/scenario.hpp"
#include "runner/run/runner.hpp"
#include "runner/toml/mistakes.hpp"

#include <CLI/CLI.hpp>
#include <csignal>
#include <cstdio>
#include <fcntl.h>
#include <fmt/format.h>
#include <sstream>

namespace troupe::cli {
namespace {

constexpr const char* run_footer = R"(Exit codes:
    0  passed
    1  a check failed
    2  bad usage, a mistake in the file, or a result that could not be written
    3  deadlock, stalled or deadline
    4  a node was lost for good
  130  interrupted

Example:
  {0} run config/worker_pool.toml --nodes 3 --set workers=6)";

// A program that was started with a closed stdin, stdout or stderr would otherwise find
// its own files under these numbers.
void open_standard_descriptors() {
  int fd = -1;
  do
    fd = ::open("/dev/null", O_RDWR);
  while (fd >= 0 && fd < 3);
  if (fd >= 0) ::close(fd);
}

std::string example(const std::string& program, std::string_view text) {
  return fmt::format("Example:\n  {} {}", program, text);
}

/// The parsed command line.
struct command_line {
  explicit command_line(context known) : who(std::move(known)), app("", who.program) {
    app.description(
        "Actors that exchange messages, in one process or over ZeroMQ in many: one scenario file,\n"
        "one run, one verdict.");
    app.set_version_flag("--version", version());
    app.set_help_flag("-h,--help", "Show this help");
    app.footer(fmt::format("{0} COMMAND --help tells more.\n\n{1}", who.program,
                           example(who.program, "run config/worker_pool.toml")));
    add_run();
    add_sweep();
    add_check();
    add_list();
    add_node();
    add_keygen();
    auto* schema_command =
        command("schema", "Print the JSON Schema of scenario files", "schema > scenario.schema.json");
    schema_command->callback([this] { action = [this] { return schema(who); }; });
    add_trace(app, who, action);
    command("guard", "", "")->group("")->callback([this] { action = [] { return serve_guard(); }; });
  }

  std::string version() const {
    const std::string library =
        "troupe " TROUPE_VERSION " (CAF " TROUPE_CAF_VERSION ", ZeroMQ " TROUPE_ZMQ_VERSION ")";
    return who.program == "troupe" ? library : fmt::format("{}, built on {}", who.program, library);
  }

  CLI::App* command(const std::string& name, const std::string& about, std::string_view how) {
    auto* added = app.add_subcommand(name, about);
    added->footer(example(who.program, how));
    return added;
  }

  void add_overrides(CLI::App* to, scenarios::overrides& into) {
    to->add_option("--set", into.set, "Set a parameter, or a key such as topology.threads, for this time")
        ->type_name("KEY=VALUE")
        ->allow_extra_args(false);
    to->add_option("--nodes", into.nodes, "Worker processes; 0: everything in one process")->type_name("N");
    to->add_option("--trace", into.trace, "What is recorded: off, headers or payloads")->type_name("LEVEL");
    to->add_option("--sample", into.sample, "Record this share of the causal trees: 0.1")->type_name("SHARE");
    to->add_option("--seed", into.seed, "Seed of everything that is drawn")->type_name("S");
    to->add_option("--deadline", into.deadline, "End the run after this time: 30s, 5min")->type_name("TIME");
  }

  void add_run() {
    auto* run_command = command("run", "Run a scenario file", "");
    run_command->footer(fmt::format(fmt::runtime(run_footer), who.program));
    run_command->add_option("file", to_run.file, "The scenario file (TOML)")->required()->type_name("FILE");
    add_overrides(run_command, to_run.changes);
    run_command->add_option("--out", to_run.out, "Where run directories are made")
        ->type_name("DIR")
        ->capture_default_str();
    run_command->add_flag("--json", to_run.json,
                          "Print the object of result.json, and nothing else, to stdout");
    run_command->add_flag("--quiet", to_run.quiet, "Print nothing but what went wrong");
    run_command->add_flag("--watch", to_run.watch,
                          "Show nodes, mailboxes and message rates on the whole terminal until q is typed");
    run_command
        ->add_option(
            "--metrics", to_run.metrics,
            "Serve Prometheus metrics of the run there: HOST:PORT, or a PORT of this host alone; the port "
            "* is chosen and told")
        ->type_name("ADDRESS");
    run_command->callback([this] { action = [this] { return run(who, to_run); }; });
  }

  void add_sweep() {
    auto* added =
        command("sweep", "Run a scenario file over the values of a key, and tell speed-up and serial share",
                "sweep config/worker_pool_many.toml --vary workers=1..4 --repeat 3");
    added->add_option("file", to_sweep.file, "The scenario file (TOML)")->required()->type_name("FILE");
    added
        ->add_option(
            "--vary", to_sweep.vary,
            "What varies: KEY=FROM..TO, FROM..TO:STEP, FROM..TO:*FACTOR or A,B,C; several make a grid")
        ->required()
        ->type_name("KEY=VALUES")
        ->allow_extra_args(false);
    added->add_option("--repeat", to_sweep.repeat, "Runs for each combination")
        ->check(CLI::Range(1, 1000))
        ->type_name("R")
        ->capture_default_str();
    add_overrides(added, to_sweep.changes);
    added->add_option("--out", to_sweep.out, "Where the directory of the sweep is made")
        ->type_name("DIR")
        ->capture_default_str();
    added->add_flag("--json", to_sweep.json, "Print JSON, and nothing else, to stdout");
    added->callback([this] { action = [this] { return sweep(who, to_sweep); }; });
  }

  void add_check() {
    auto* check_command =
        command("check", "Check a scenario file and print the plan, without starting anything",
                "check config/worker_pool.toml --nodes 2");
    check_command->add_option("file", to_check.file, "The scenario file (TOML)")
        ->required()
        ->type_name("FILE");
    add_overrides(check_command, to_check.changes);
    check_command->add_flag("--json", to_check.json, "Print the plan as JSON");
    check_command->callback([this] { action = [this] { return check(who, to_check); }; });
  }

  void add_list() {
    auto* list_command =
        command("list", "The scenarios, or one of them with its parameters", "list worker_pool");
    list_command->add_option("scenario", listed, "One scenario")->type_name("SCENARIO");
    list_command->add_flag("--json", list_json, "Print JSON");
    list_command->callback([this] { action = [this] { return list(who, listed, list_json); }; });
  }

  void add_node() {
    auto* node_command = command("node", "Be one worker node, here or on another host, of a run elsewhere",
                                 "node --join tcp://192.0.2.1:5555 --name w1");
    node_command->add_option("--join", to_be.join, "Where the launching node listens")
        ->required()
        ->type_name("ENDPOINT");
    node_command->add_option("--name", to_be.name, "The name of this node in the run")
        ->required()
        ->type_name("NAME");
    node_command->add_option("--key", to_be.key, "This node's key pair, which keygen made, for tcp")
        ->type_name("FILE");
    node_command
        ->add_option("--server-key", to_be.server_key,
                     "The launcher's public key, or its file, where ENDPOINT does not end in |KEY")
        ->type_name("KEY");
    node_command->add_flag("--plaintext", to_be.plaintext,
                           "Go beyond loopback without keys, as the run's file allows");
    node_command
        ->add_option("--trace-dir", to_be.trace_dir,
                     "Keep the trace there while the run is on; at its end it goes to the launcher. Default: "
                     "the run directory where this node can write to it, else trace-NAME")
        ->type_name("DIR");
    node_command->callback([this] { action = [this] { return node(who, to_be); }; });
  }

  void add_keygen() {
    auto* keygen_command =
        command("keygen", "Make a key pair for nodes that talk over tcp, and print its public key",
                "keygen -o gpu-1.key");
    keygen_command
        ->add_option("-o,--output", to_make.file, "For the pair; the public key also goes to FILE.pub")
        ->type_name("FILE")
        ->capture_default_str();
    keygen_command->add_flag("--force", to_make.force, "Replace what is there");
    keygen_command->callback([this] { action = [this] { return keygen(who, to_make); }; });
  }

  context who;
  CLI::App app;
  std::function<int()> action;
  run_arguments to_run;
  sweep_arguments to_sweep;
  check_arguments to_check;
  std::optional<std::string> listed;
  bool list_json = false;
  node_arguments to_be;
  keygen_arguments to_make;
};

CLI::App* command_below(CLI::App& app, const std::string& name) {
  for (auto* each : app.get_subcommands([](const CLI::App*) { return true; }))
    if (each->get_name() == name) return each;
  return nullptr;
}

/// The innermost command that the words name, and how to call it.
struct named_command {
  CLI::App* app;
  std::string words;
};
named_command command_of(CLI::App& app, int argc, char** argv) {
  named_command at{&app, app.get_name()};
  for (int i = 1; i < argc; ++i)
    if (auto* below = command_below(*at.app, argv[i])) at = {below, at.words + " " + argv[i]};
  return at;
}

std::vector<std::string> names_of(CLI::App& app, bool options) {
  std::vector<std::string> names;
  if (options)
    for (const auto* option : app.get_options())
      for (const auto& name : option->get_lnames())
        names.push_back("--" + name);
  else
    for (const auto* sub : app.get_subcommands([](const CLI::App* sub) { return !sub->get_group().empty(); }))
      names.push_back(sub->get_name());
  return names;
}

// A word where a command belongs that is none: CLI11 would only say that one is missing.
std::optional<std::string> unknown_command(CLI::App& app, int argc, char** argv) {
  CLI::App* at = &app;
  for (int i = 1; i < argc && !names_of(*at, false).empty(); ++i) {
    if (argv[i][0] == '-') return std::nullopt;
    auto* below = command_below(*at, argv[i]);
    if (!below)
      return fmt::format("there is no command {}; {}", tick(argv[i]),
                         suggest(argv[i], names_of(*at, false), "commands"));
    at = below;
  }
  return std::nullopt;
}

std::string explain(CLI::App& app, const CLI::ParseError& error, int argc, char** argv) {
  auto* at = command_of(app, argc, argv).app;
  const auto rest = app.remaining(true);
  if (dynamic_cast<const CLI::ExtrasError*>(&error) && !rest.empty()) {
    const auto& word = rest.front();
    if (!word.starts_with('-')) return fmt::format("{} is one argument too many", tick(word));
    return fmt::format("there is no option {}; {}", tick(word),
                       suggest(word.substr(0, word.find('=')), names_of(*at, true), "options"));
  }
  return error.what();
}

int parse_and_act(command_line& line, int argc, char** argv) {
  const auto refuse = [&](const std::string& message) {
    complain(line.who,
             say("{}\n{} --help shows what there is", message, command_of(line.app, argc, argv).words));
    return exit_bad_usage;
  };
  if (const auto message = unknown_command(line.app, argc, argv)) return refuse(*message);
  try {
    line.app.parse(argc, argv);
  } catch (const CLI::Success& help) {
    std::ostringstream text, nothing;
    const int code = line.app.exit(help, text, nothing); // the help or the version
    line.who.out.text(text.str());
    line.who.out.flush();
    return code;
  } catch (const CLI::ParseError& error) {
    return refuse(explain(line.app, error, argc, argv));
  }
  if (line.action) return line.action();
  auto* at = command_of(line.app, argc, argv).app;
  line.who.err.text(at->help(at == &line.app ? "" : line.who.program));
  return exit_bad_usage;
}

} // namespace

int run_program(int argc, char** argv, const std::vector<const scenarios::scenario*>& all) {
  open_standard_descriptors();
  // A file that may not grow further (ulimit -f) is an error like a full disk.
  ::signal(SIGXFSZ, SIG_IGN);
  output out(stdout, wants_colour(1)), err(stderr, wants_colour(2));
  const auto who = make_context(out, err, own_name(), all);
  int code = exit_bad_usage;
  try {
    if (const auto mistakes = scenarios::mistakes_in(all); !mistakes.empty()) {
      for (const auto& sentence : mistakes)
        complain(who, sentence);
      complain(who, counted(mistakes.size(), "mistake") + " of the program itself; nothing was started");
      return exit_bad_usage;
    }
    command_line line(who);
    code = parse_and_act(line, argc, argv);
  } catch (const std::exception& e) {
    complain(who, e.what());
  }
  return flush_stdout(who, code);
}

} // namespace troupe::cli
