// Which threads of this process belong to the program and its libraries, and which to nobody known.
#pragma once

#include <caf/thread_hook.hpp>

#include <cstdint>

namespace troupe {

/// To be added to the configuration of an actor system: knows the threads that CAF makes.
class thread_register final : public caf::thread_hook {
 public:
  void init(caf::actor_system&) override {}
  void thread_started() override;
  void thread_terminates() override;
};

/// Threads of this process that may hold handles of actors without anybody knowing: all but the main thread,
/// the calling one, CAF's, and those whose name begins with "troupe." or is one of ZeroMQ's.
std::int64_t threads_of_nobody();

} // namespace troupe
