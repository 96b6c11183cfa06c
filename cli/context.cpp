// The only file of this room that knows what a scenario is made of.
#include "cli/commands.hpp"
#include "cli/console.hpp"
#include "scenarios/scenario.hpp"
#include "trace/files.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <fmt/format.h>

namespace troupe::cli {
namespace {

std::optional<std::string> environment_variable(const std::string& name) {
  const char* value = std::getenv(name.c_str());
  return value ? std::optional<std::string>(value) : std::nullopt;
}

} // namespace

context make_context(std::string program, const std::vector<const scenarios::scenario*>& all) {
  context who;
  who.program = std::move(program);
  who.scenarios = all;
  who.declarations.assign(all.begin(), all.end());
  return who;
}

const scenarios::scenario* find_scenario(const context& who, const std::string& name) {
  const auto found = std::find_if(who.scenarios.begin(), who.scenarios.end(),
                                  [&](const scenarios::scenario* each) { return each->name == name; });
  return found == who.scenarios.end() ? nullptr : *found;
}

scenarios::loaded load(const context& who, const std::filesystem::path& file,
                       const scenarios::overrides& changes) {
  return scenarios::load(file, who.declarations, changes, environment_variable);
}

void complain(const context& who, const std::string& message) {
  fmt::print(stderr, "{}: {}\n", who.program, message);
}

void print(std::string_view text) { std::fwrite(text.data(), 1, text.size(), stdout); }

int flush_stdout(const std::string& program, int code) {
  // Of a write that failed and ended a command, whose text is gone: nothing has failed since.
  int why = errno;
  errno = 0;
  const bool taken = std::fflush(stdout) == 0 && std::ferror(stdout) == 0;
  if (errno != 0) why = errno;
  constexpr std::array of_writes{ENOSPC, EDQUOT, EFBIG, EIO, EPIPE};
  if (std::find(of_writes.begin(), of_writes.end(), why) == of_writes.end()) why = 0;
  if (taken || why == EPIPE) return code;
  fmt::print(stderr, "{}: {}\n", program, trace::file_error("to stdout", why).what());
  return code == 0 ? exit_not_written : code;
}

int tell_mistakes(const context& who, const std::vector<scenarios::diagnostic>& mistakes) {
  const bool colour = wants_colour(2);
  for (const auto& mistake : mistakes) {
    auto text = render(mistake, colour);
    if (text.empty() || text.back() != '\n') text += '\n';
    fmt::print(stderr, "{}", text);
  }
  complain(who, fmt::format("{} mistake{}; nothing was started", mistakes.size(),
                            mistakes.size() == 1 ? "" : "s"));
  return exit_bad_usage;
}

} // namespace troupe::cli
