// A load of plain TCP clients: each says a line, waits for its echo, says the next.
#pragma once

#include "scenarios/waiting_times.hpp"

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

namespace troupe::scenarios::echo {

struct tcp_load_plan {
  std::string address; ///< "127.0.0.1:40123"
  std::uint64_t clients = 1;
  std::uint64_t messages = 1;   ///< of each
  std::uint64_t bytes = 0;      ///< of each message, at least
  bool reconnect = false;       ///< for each message
  bool ignores_notices = false; ///< lines that are no echo are none of our business
};

struct tcp_load_counts {
  std::uint64_t sent = 0;
  std::uint64_t echoed = 0;
  std::uint64_t wrong = 0;      ///< echoes of something else
  std::uint64_t unanswered = 0; ///< sent, and never echoed
  std::uint64_t lost = 0;       ///< connections that could not be made or broke
  waiting_times latencies;
};

/// The text of a client's `number`-th message.
std::string load_text(const std::string& who, std::uint64_t number, std::uint64_t bytes);

/// Runs on a thread of its own.
class tcp_load {
 public:
  struct listener {
    /// Now and then, with how many more were echoed; on the load's thread.
    std::function<void(std::uint64_t)> on_progress;
    /// Once, at the end.
    std::function<void(const tcp_load_counts&)> on_done;
  };
  tcp_load(tcp_load_plan, listener);
  /// Ends at once if it is not through.
  ~tcp_load();
  tcp_load(const tcp_load&) = delete;
  tcp_load& operator=(const tcp_load&) = delete;
  /// Sends nothing more; through when what is open is echoed, or its connection ends.
  void stop();

 private:
  class loop;
  std::unique_ptr<loop> loop_;
};

} // namespace troupe::scenarios::echo
