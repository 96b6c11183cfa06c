// `troupe node`: this process as one worker node.
#include "base/process_limits.hpp"
#include "base/text.hpp"
#include "base/words.hpp"
#include "cli/commands/commands.hpp"
#include "cli/process/spawn.hpp"
#include "cli/terminal/interrupts.hpp"
#include "runner/member/member.hpp"
#include "runner/toml/mistakes.hpp"
#include "transport/frames/node_name.hpp"
#include "transport/hub/hub.hpp"

#include <cstdio>
#include <fmt/format.h>
#include <mutex>
#include <sys/prctl.h>

namespace troupe::cli {

namespace {

constexpr std::size_t threads_of_worker = 2; // of signals and the lifeline

scenarios::node_credentials credentials_of(const node_arguments& arguments) {
  auto credentials = scenarios::credentials_from(take_secret()); // of a launcher
  if (!arguments.key.empty()) credentials.keys = transport::read_key_pair(arguments.key);
  if (arguments.plaintext) credentials.plaintext = true;
  if (!arguments.server_key.empty())
    credentials.server_key = transport::is_key(arguments.server_key)
                                 ? arguments.server_key
                                 : transport::read_public_key(arguments.server_key);
  const bool wants_keys = arguments.join.find('|') != std::string::npos || !arguments.server_key.empty();
  if (wants_keys && !credentials.keys)
    throw std::runtime_error(fmt::format(
        "the launcher wants keys: name a file that `{}` made with --key FILE, and list its public key in the "
        "run's [topology.security] allowed_clients",
        own_command("keygen")));
  return credentials;
}

/// Why this process cannot be called that; empty: it can. The launcher knows whom it awaits.
std::string wrong_with_name(const std::string& name) {
  if (const auto* wrong = transport::wrong_with_node_name(name)) return wrong;
  if (name == "main") return "is the launching node's";
  if (name.starts_with(transport::visitor_prefix))
    return "begins with visitor-, which is for who brings files";
  return {};
}

} // namespace

int node(const context& who, const node_arguments& arguments) {
  const auto& name = arguments.name;
  if (const auto wrong = wrong_with_name(name); !wrong.empty()) {
    complain(who, fmt::format("the node name {} {}; a name has 1 to 64 letters, digits, _, - and .",
                              in_quotes(name), wrong));
    return exit_bad_usage;
  }
  // So that ps and top tell the nodes apart; the kernel keeps 15 characters.
  ::prctl(PR_SET_NAME, fmt::format("{}:{}", who.program, name).c_str());
  // What an actor prints is wanted when it is printed, also through a pipe.
  std::setvbuf(stdout, nullptr, _IOLBF, BUFSIZ);
  demand_threads(threads_of_worker);
  interrupt_counter interrupts;
  interrupts.watch();
  watch_lifeline();
  std::mutex telling;
  const auto tell = [&](const std::string& line) {
    const std::lock_guard lock(telling);
    who.err.show(say("{}\n", line));
  };
  try {
    return scenarios::serve_node(who.scenarios, {arguments.join, name, credentials_of(arguments),
                                                 arguments.trace_dir, tell, &interrupts.count()});
  } catch (const std::exception& e) {
    complain(who, fmt::format("node {}: {}", name, e.what()));
    return exit_bad_usage;
  }
}

} // namespace troupe::cli
