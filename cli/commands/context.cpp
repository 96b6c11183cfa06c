// The only file of this room that knows what a scenario is made of.
#include "base/files.hpp"
#include "cli/commands/commands.hpp"
#include "runner/api/scenario.hpp"
#include "runner/plan/json_text.hpp"

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <fmt/format.h>
#include <unistd.h>

namespace troupe::cli {
namespace {

std::optional<std::string> environment_variable(const std::string& name) {
  const char* value = std::getenv(name.c_str());
  return value ? std::optional<std::string>(value) : std::nullopt;
}

} // namespace

context make_context(output& out, output& err, std::string program,
                     const std::vector<const scenarios::scenario*>& all) {
  return {out, err, std::move(program), all, {all.begin(), all.end()}};
}

const scenarios::scenario* find_scenario(const context& who, const std::string& name) {
  const auto found = std::find_if(who.scenarios.begin(), who.scenarios.end(),
                                  [&](const scenarios::scenario* each) { return each->name == name; });
  return found == who.scenarios.end() ? nullptr : *found;
}

scenarios::loaded load(const context& who, const std::filesystem::path& file,
                       const scenarios::overrides& changes) {
  auto all = changes;
  for (char** variable = environ; variable && *variable; ++variable) {
    const std::string_view text = *variable;
    if (text.starts_with(scenarios::set_variable)) all.variables.emplace_back(text.substr(0, text.find('=')));
  }
  return scenarios::load(file, who.declarations, all, environment_variable);
}

void complain(const context& who, const shown_text& message) {
  who.err.show(say("{}: {}\n", who.program, message));
  who.err.flush();
}

void complain(const context& who, std::string_view message) { complain(who, shown_text{message}); }

void print(const context& who, const shown_text& text) { who.out.show(text); }

void print(const context& who, const nlohmann::json& value) {
  who.out.json(scenarios::json_text(value, 2) + '\n');
}

int flush_stdout(const context& who, int code) {
  errno = 0;
  const bool taken = who.out.flush() && std::fflush(stdout) == 0 && std::ferror(stdout) == 0;
  const int why = who.out.error() != 0 ? who.out.error() : errno;
  if (taken || why == EPIPE) return code;
  complain(who, file_error("to stdout", why).what());
  return code == 0 ? exit_not_written : code;
}

int tell_mistakes(const context& who, const std::vector<scenarios::diagnostic>& mistakes) {
  for (const auto& mistake : mistakes)
    who.err.show(render(mistake));
  complain(who, fmt::format("{} mistake{}; nothing was started", mistakes.size(),
                            mistakes.size() == 1 ? "" : "s"));
  return exit_bad_usage;
}

} // namespace troupe::cli
