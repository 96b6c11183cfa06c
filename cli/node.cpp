// `troupe node`: this process as one worker node.
#include "cli/commands.hpp"
#include "cli/interrupts.hpp"
#include "cli/spawn.hpp"

#include <cstdio>
#include <fmt/format.h>
#include <sys/prctl.h>

namespace troupe::cli {

int node(const context& who, const std::string& join_endpoint, const std::string& name) {
  // So that ps and top tell the nodes apart; the kernel keeps 15 characters.
  ::prctl(PR_SET_NAME, fmt::format("{}:{}", who.program, name).c_str());
  // What an actor prints is wanted when it is printed, also through a pipe.
  std::setvbuf(stdout, nullptr, _IOLBF, BUFSIZ);
  interrupt_counter interrupts;
  interrupts.watch();
  watch_lifeline();
  try {
    return scenarios::serve_node(who.scenarios, join_endpoint, name, &interrupts.count());
  } catch (const std::exception& e) {
    complain(who, fmt::format("node {}: {}", name, e.what()));
    return exit_bad_usage;
  }
}

} // namespace troupe::cli
