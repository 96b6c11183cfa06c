// `troupe run`: one scenario file, one run, one verdict.
#include "base/cores.hpp"
#include "base/process_limits.hpp"
#include "base/thread_name.hpp"
#include "cli/commands/commands.hpp"
#include "cli/commands/report.hpp"
#include "cli/process/node_log.hpp"
#include "cli/process/process.hpp"
#include "cli/process/run_directory.hpp"
#include "cli/terminal/console.hpp"
#include "cli/terminal/interrupts.hpp"
#include "cli/terminal/progress.hpp"
#include "cli/watch/metrics.hpp"
#include "cli/watch/watch_view.hpp"
#include "runner/plan/json_text.hpp"
#include "transport/frames/standstill.hpp"

#include <condition_variable>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <fcntl.h>
#include <fmt/format.h>
#include <iostream>

namespace troupe::cli {
namespace {

using namespace std::chrono_literals;

constexpr int exit_interrupted = 130;
// Of signals, the terminal and the launcher.
constexpr std::size_t threads_of_run = 4;
// What a run that was told twice to stop may still take before it is ended here.
constexpr auto last_resort = 5s;

/// What signals do to a run: the first drains, the second kills, and where even that
/// does not end it in time, or a third comes, this process ends itself; its children
/// die with it.
class stopper {
 public:
  /// Keys come from the terminal of the view, where there is one, else from stdin.
  stopper(const context& who, console& out, interrupt_counter& interrupts, watch_view* view, int keys)
      : who_(who), out_(out), interrupts_(interrupts), view_(view) {
    interrupts_.watch([this](int count, int number) { on_signal(count, number); },
                      [this](char key) { return on_key(key); }, keys);
  }
  ~stopper() {
    interrupts_.unwatch();
    {
      const std::lock_guard lock(mutex_);
      ended_ = true;
      changed_.notify_all();
    }
    if (watchdog_.joinable()) watchdog_.join();
  }
  stopper(const stopper&) = delete;
  stopper& operator=(const stopper&) = delete;

 private:
  bool on_key(char key) {
    if (view_ && (key == 'q' || key == 'Q')) view_->close();
    return key == '\n' || key == '\r';
  }

  void on_signal(int count, int signal_number) {
    const auto* abbreviation = ::sigabbrev_np(signal_number);
    const auto name =
        signal_number == 0 ? std::string("Enter") : fmt::format("SIG{}", abbreviation ? abbreviation : "?");
    if (count == 1) out_.message(say("{}: {}: stopping in order; once more to kill", who_.program, name));
    if (count == 2) {
      out_.message(say("{}: {} again: killing what is left", who_.program, name));
      watchdog_ = std::thread([this] {
        name_thread("troupe.watchdog");
        watch();
      });
    }
    if (count > 2) give_up();
  }

  void watch() {
    std::unique_lock lock(mutex_);
    transport::waiting_limit limit(last_resort, std::chrono::steady_clock::now());
    while (!changed_.wait_for(lock, 50ms, [this] { return ended_; }))
      if (limit.is_over(std::chrono::steady_clock::now())) give_up();
  }

  [[noreturn]] void give_up() {
    out_.message(say("{}: ended without waiting; the run directory holds what was written", who_.program));
    if (view_) view_->leave();
    out_.flush();
    ::_exit(exit_interrupted);
  }

  const context& who_;
  console& out_;
  interrupt_counter& interrupts_;
  watch_view* const view_; ///< may be null
  std::mutex mutex_;
  std::condition_variable changed_;
  bool ended_ = false;
  std::thread watchdog_;
};

/// While a run is on, what its actors print in this process goes to stderr: stdout is for the result.
class stdout_for_results {
 public:
  stdout_for_results() {
    std::fflush(stdout);
    kept_ = ::fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 3);
    if (kept_ >= 0) ::dup2(STDERR_FILENO, STDOUT_FILENO);
  }
  ~stdout_for_results() {
    if (kept_ < 0) return;
    std::fflush(stdout);
    std::cout.flush();
    ::dup2(kept_, STDOUT_FILENO);
    ::close(kept_);
  }
  stdout_for_results(const stdout_for_results&) = delete;
  stdout_for_results& operator=(const stdout_for_results&) = delete;

 private:
  int kept_ = -1;
};

scenarios::run_observer observer_for(const run_arguments& arguments, const context& who, console& out,
                                     progress_display& bar, const interrupt_counter& interrupts,
                                     run_source* source) {
  const bool silent = arguments.json || arguments.quiet;
  scenarios::run_observer observer;
  observer.on_warning = [&](const std::string& text) { out.message(say("{}: {}", who.program, text)); };
  if (source)
    observer.on_node = [source](const std::string& node, bool up, const std::string& why) {
      source->node_changed(node, up, why);
    };
  observer.on_phase = [&, silent](const std::string& text) {
    if (!silent || interrupts.count() > 0) out.message(say("{}: {}", who.program, text));
  };
  if (!silent || source)
    observer.on_progress = [&, silent, source](std::uint64_t done, std::uint64_t total,
                                               const std::map<std::string, std::uint64_t>& per_node) {
      if (source) source->progressed(done, total);
      if (!silent) bar.update(done, total, per_node, progress_display::clock::now());
    };
  return observer;
}

/// A sentence, or nothing where a run may be watched, or shall not be.
std::string cannot_watch(const run_arguments& arguments) {
  if (!arguments.watch) return {};
  if (arguments.json || arguments.quiet)
    return fmt::format("--watch shows a run to somebody at a terminal, and {}; leave one of them away",
                       arguments.json ? "--json is for a program that reads" : "--quiet shows nothing");
  if (::isatty(STDERR_FILENO) != 1) return "--watch needs a terminal, and stderr is none";
  if (is_terminal(STDERR_FILENO)) return {};
  const char* term = std::getenv("TERM");
  return fmt::format("--watch needs a terminal that can place text, and TERM is {}",
                     term && *term ? fmt::format("\"{}\"", term) : std::string("not set"));
}

} // namespace

int exit_code_of(const scenarios::outcome& outcome) {
  const int code = scenarios::exit_code(outcome.result_verdict);
  return code == 0 && !outcome.not_kept.empty() ? exit_not_written : code;
}

std::optional<scenarios::outcome> run_plan(const context& who, const run_arguments& arguments,
                                           const scenarios::plan& plan, const std::filesystem::path& run_dir,
                                           int& failure_code, run_source* source, full_screen* screen) {
  demand_threads(threads_of_run);
  const stdout_for_results apart;
  interrupt_counter interrupts; // before any thread
  console out(2, screen ? [source](std::string_view line) { source->said(line); }
                        : std::function<void(std::string_view)>());
  std::optional<watch_view> view;
  if (screen) view.emplace(*screen, *source, out);
  const stopper stop(who, out, interrupts, view ? &*view : nullptr, screen ? screen->terminal() : 0);
  node_logs logs(run_dir, [&](const std::string& text) { out.message(say("{}: {}", who.program, text)); });
  progress_display bar(out, progress_display::clock::now());

  launcher_options options;
  options.name = who.program;
  if (plan.topology.cores == scenarios::cores_kind::split)
    options.cores = split_cores(usable_cores(), static_cast<std::size_t>(plan.topology.nodes));
  options.on_line = [&](const std::string& node, std::string_view line) {
    logs.write(node, line);
    if (!arguments.quiet) out.node_line(node, line);
  };
  process_launcher launcher(options);

  scenarios::run_options what;
  what.what = plan;
  what.run_dir = run_dir;
  what.launcher = &launcher;
  what.interrupts = &interrupts.count();
  what.observer = observer_for(arguments, who, out, bar, interrupts, source);
  std::optional<scenarios::outcome> outcome;
  try {
    outcome = scenarios::execute(*find_scenario(who, plan.scenario), what);
  } catch (const std::exception& e) {
    const bool interrupted = interrupts.count() > 0;
    out.message(say("{}: {}: {}", who.program,
                    interrupted ? "interrupted before the run had started" : "the run could not start",
                    e.what()));
    failure_code = interrupted ? exit_interrupted : exit_bad_usage;
  }
  bar.end();
  if (view) view->leave();
  out.flush();
  return outcome;
}

int run(const context& who, const run_arguments& arguments) {
  if (const auto reason = cannot_watch(arguments); !reason.empty()) {
    complain(who, reason);
    return exit_bad_usage;
  }
  const auto loaded = load(who, arguments.file, arguments.changes);
  if (!loaded.result) return tell_mistakes(who, loaded.mistakes);
  std::shared_ptr<run_source> source;
  std::optional<full_screen> screen;
  std::optional<metrics_server> metrics;
  try {
    if (arguments.watch) screen.emplace(STDERR_FILENO);
    if (arguments.metrics || arguments.watch) source = std::make_shared<run_source>(loaded.result->scenario);
    if (arguments.metrics) metrics.emplace(metrics_address::parse(*arguments.metrics), source);
  } catch (const metrics_error& e) {
    complain(who, e.what());
    return exit_bad_usage;
  } catch (const screen_error& e) {
    complain(who, fmt::format("--watch is not possible: {}", e.what()));
    return exit_bad_usage;
  }
  std::filesystem::path run_dir;
  try {
    run_dir = make_run_directory(arguments.out, loaded.result->scenario, std::chrono::system_clock::now());
  } catch (const run_directory_error& e) {
    complain(who, e.what());
    return exit_bad_usage;
  }
  try {
    point_latest_at(run_dir);
  } catch (const run_directory_error& e) {
    complain(who, e.what());
  }
  if (metrics) complain(who, "metrics at " + metrics->url());
  if (source) source->begin(run_dir);
  int code = exit_bad_usage;
  const auto outcome =
      run_plan(who, arguments, *loaded.result, run_dir, code, source.get(), screen ? &*screen : nullptr);
  if (!outcome) return code;
  code = exit_code_of(*outcome);
  if (arguments.quiet && !arguments.json && outcome->result_verdict != scenarios::verdict::passed)
    complain(who, fmt::format("{}: {}", scenarios::to_string(outcome->result_verdict), outcome->reason));
  // A terminal that was stuck gets its codes before the result, which waits for it anyway.
  if (screen && ::isatty(STDOUT_FILENO) == 1) screen->finish(-1ms);
  ::signal(SIGPIPE, SIG_IGN); // a reader that has left changes nothing in the verdict
  if (arguments.json)
    print(who, scenarios::to_json(*outcome));
  else if (!arguments.quiet)
    print(who, render(*outcome));
  return code;
}

} // namespace troupe::cli
