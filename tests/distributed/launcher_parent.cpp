// A launcher in a process of its own, to be killed by the tests: PROGRAM SOCKETS MODE.
// Is to clean up the directory SOCKETS, starts one child with a child of its own and one that ignores
// signals, passes their lines on, and waits, or ends where MODE is "return".
#include "cli/process/process.hpp"

#include <csignal>
#include <cstdio>
#include <thread>
#include <unistd.h>

int main(int, char** argv) {
  using namespace troupe;
  ::signal(SIGSEGV, SIG_DFL); // AddressSanitizer would make an exit code of it
  cli::launcher_options options;
  options.program = argv[1];
  options.arguments = [](const std::string& node, const std::string&) {
    return node == "w1" ? std::vector<std::string>{"child", "family", "stay"}
                        : std::vector<std::string>{"child", "stubborn"};
  };
  options.on_line = [](const std::string&, std::string_view line) {
    std::printf("%.*s\n", static_cast<int>(line.size()), line.data());
    std::fflush(stdout);
  };
  cli::process_launcher launcher(options);
  // From a thread that ends at once: the children must not die with it.
  std::thread([&] {
    launcher.clean_up_after(argv[2]);
    launcher.start("w1", "");
    launcher.start("w2", "");
  }).join();
  if (std::string_view(argv[3]) == "return") return 0; // the destructor ends them
  while (true)
    ::pause();
}
