// Starts one child process that cannot outlive its parent.
#pragma once

#include "base/descriptor.hpp"

#include <string>
#include <sys/types.h>
#include <vector>

namespace troupe::cli {

/// The environment variable in which a child finds the number of its lifeline: the read
/// end of a pipe that ends when the launcher is gone.
inline constexpr const char* lifeline_variable = "TROUPE_LIFELINE";

/// The environment variable with the number of the descriptor from which the child reads
/// its secret, and nothing else of it.
inline constexpr const char* secret_variable = "TROUPE_SECRET";

struct spawned {
  pid_t pid = -1;
  descriptor pidfd;  ///< readable once the process has ended
  descriptor output; ///< read end of its stdout, non-blocking
  descriptor errors; ///< read end of its stderr, non-blocking
};

/// Executes `program` with the given argument vector (argv[0] included) as the leader of
/// a process group of its own, with /dev/null as stdin, default signal dispositions and
/// no descriptor of ours but `lifeline` and, where there is a `secret`, one for it (see
/// take_secret), on the given `cores` (the kernel's numbers; none: on those of the caller).
/// The kernel kills it with SIGKILL when the *thread* that called this ends, so call it from
/// one that lives as long as the child may. Throws std::system_error, also when the program cannot be
/// executed.
spawned spawn(const std::string& program, const std::vector<std::string>& arguments, int lifeline,
              const std::string& secret = {}, const std::vector<int>& cores = {});

/// In the child: the secret that the parent gave to spawn(), once; empty if there is none.
/// It lies in memory without a name, which is gone when it has been read.
std::string take_secret();

/// In the child: takes the lifeline out of the environment and watches it in a thread;
/// when it ends, this process and its group are killed. Does nothing in a process that
/// was started by hand.
void watch_lifeline();

/// Two ends of a pipe, both closed on exec and numbered above the standard ones.
struct pipe_ends {
  descriptor read, write;
};
pipe_ends make_pipe();

} // namespace troupe::cli
