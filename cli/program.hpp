// The whole program, for everyone who has scenarios: `main` calls this and returns.
#pragma once

#include <vector>

namespace troupe::scenarios {
class scenario;
}

namespace troupe::cli {

/// All commands of troupe under the name of the calling program, with these scenarios,
/// which must outlive the call. Call it first thing in main, before any thread is
/// started; the program starts itself again for its worker nodes. Returns the exit code. Where
/// the scenarios have mistakes, all of them are told, whatever the command, and the code is 2.
int run_program(int argc, char** argv, const std::vector<const scenarios::scenario*>& scenarios);

} // namespace troupe::cli
