// The commands of the program, one function each; every one returns an exit code.
#pragma once

#include "base/output.hpp"
#include "runner/file/scenario_file.hpp"
#include "runner/run/runner.hpp"

#include <optional>

namespace troupe::cli {

inline constexpr int exit_bad_usage = 2;
/// What was asked for is done, but stdout or a file did not take it.
inline constexpr int exit_not_written = 2;
inline constexpr const char* default_out = "runs";

/// What every command knows.
struct context {
  output& out;         ///< data
  output& err;         ///< messages, while no run is on; then its console has them
  std::string program; ///< its name, for messages
  std::vector<const scenarios::scenario*> scenarios;
  std::vector<const scenarios::declaration*> declarations; ///< of the same, in the same order
};

struct run_arguments {
  std::filesystem::path file;
  scenarios::overrides changes;
  std::filesystem::path out = default_out;
  bool json = false;
  bool quiet = false;
  bool watch = false;
  std::optional<std::string> metrics; ///< the address to serve them at
};
int run(const context&, const run_arguments&);

class full_screen;
class run_source;

/// One run of a checked plan in a directory that exists. Nothing where it did not start,
/// which is told, and `failure_code` set. What happens is also told to `source`, if any, and drawn on
/// `screen`, if any (which needs a source).
std::optional<scenarios::outcome> run_plan(const context&, const run_arguments&, const scenarios::plan&,
                                           const std::filesystem::path& run_dir, int& failure_code,
                                           run_source* source = nullptr, full_screen* screen = nullptr);

/// A run's exit code: that of its verdict, but not 0 where its result could not be kept.
int exit_code_of(const scenarios::outcome&);

struct sweep_arguments {
  std::filesystem::path file;
  scenarios::overrides changes;
  std::vector<std::string> vary;
  std::int64_t repeat = 1;
  std::filesystem::path out = default_out;
  bool json = false;
};
int sweep(const context&, const sweep_arguments&);

struct check_arguments {
  std::filesystem::path file;
  scenarios::overrides changes;
  bool json = false;
};
int check(const context&, const check_arguments&);

/// All scenarios, or one with its parameters and roles.
int list(const context&, const std::optional<std::string>& scenario, bool json);
int schema(const context&);

struct node_arguments {
  std::string join, name;
  std::filesystem::path key;
  std::string server_key; ///< itself, or the file that it is in
  bool plaintext = false;
  std::filesystem::path trace_dir;
};
int node(const context&, const node_arguments&);

struct keygen_arguments {
  std::filesystem::path file = "node.key";
  bool force = false;
};
int keygen(const context&, const keygen_arguments&);

context make_context(output& out, output& err, std::string program,
                     const std::vector<const scenarios::scenario*>&);
const scenarios::scenario* find_scenario(const context&, const std::string& name);
/// Loads a scenario file for this program.
scenarios::loaded load(const context&, const std::filesystem::path&, const scenarios::overrides&);

/// "hello: the file has no end": a message on stderr, one line whatever it holds.
void complain(const context&, std::string_view message);
/// The same for one in lines of the program's own.
void complain(const context&, const shown_text& message);
/// Writes to stdout. What that does not take is told at the end, see flush_stdout().
void print(const context&, const shown_text&);
void print(const context&, const nlohmann::json&);
/// The exit code of a program that would end with `code`: another than 0 where stdout did not
/// take everything, which is told here. A reader that has left is no failure.
int flush_stdout(const context&, int code);
/// Tells all mistakes of a file on stderr; returns exit_bad_usage.
int tell_mistakes(const context&, const std::vector<scenarios::diagnostic>&);

} // namespace troupe::cli
