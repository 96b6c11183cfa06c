// A node in a process of its own: location_child LISTEN JOIN NAME [no-secret | flood=DIRECTORY].
// Publishes "server" and "squarer", leaves when it is told to. Under a flood it has the limits
// of flood_roles.hpp, and its books in DIRECTORY.
#include "tests/distributed/flood_roles.hpp"
#include "tests/distributed/location_user.hpp"

#include <condition_variable>
#include <csignal>
#include <cstdio>
#include <mutex>
#include <string_view>
#include <sys/prctl.h>

using namespace troupe;
using namespace troupe::testing;

int main(int argc, char** argv) {
  if (argc < 4) return 2;
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  std::mutex mutex;
  std::condition_variable changed;
  bool leave = false;
  auto end = [&] {
    std::lock_guard lock{mutex};
    leave = true;
    changed.notify_all();
  };
  node_options options;
  options.listen = argv[1];
  options.name = argv[3];
  options.on_leave = end;
  const std::string_view option{argc > 4 ? argv[4] : ""};
  if (option.starts_with("flood=")) {
    options.run_dir = option.substr(6);
    options.threads = flood_threads;
    options.arrivals_bytes_max = flood_arrivals;
    options.hub.queue_bytes_max = flood_queue;
    options.hub.window_bytes = flood_window;
  }
  auto roles = user_roles();
  roles.emplace("flooder", make_role(flooder));
  roles.emplace("slow", make_role(slow));
  node self{std::move(options),
            user_catalog(option != "no-secret"),
            std::move(roles),
            {},
            [&](const known_node& who, transport::down_reason, const std::string&) {
              if (who.identity.name == "main") end();
            }};
  self.publish("server", self.system().spawn(server));
  self.publish("squarer", self.system().spawn(typed_server));
  auto joined = self.connect(argv[2], std::chrono::seconds{60});
  if (!joined) {
    std::fprintf(stderr, "%s\n", caf::to_string(joined.error()).c_str());
    return 1;
  }
  std::unique_lock lock{mutex};
  changed.wait(lock, [&] { return leave; });
  lock.unlock();
  self.stop(std::chrono::milliseconds{100});
  return 0;
}
