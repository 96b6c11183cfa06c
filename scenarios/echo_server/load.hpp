// A load of TCP or ZeroMQ clients: each says a line, waits for its echo, says the next.
#pragma once

#include "actors/codec/histogram_codec.hpp"
#include "runner/plan/times.hpp"

#include <caf/meta/type_name.hpp>

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

namespace troupe::scenarios::echo {

/// What precedes each echo.
inline constexpr std::string_view echo_prefix = "Echoed back: ";

/// What a load sent before it was stopped gets so long to reach the server, which then stops, too.
inline constexpr std::chrono::milliseconds way_to_server{500};

struct line_load_plan {
  std::string address; ///< "127.0.0.1:40123"; of ZeroMQ the endpoint
  std::uint64_t clients = 1;
  std::uint64_t messages = 1;   ///< of each
  std::uint64_t bytes = 0;      ///< of each message, at least
  bool reconnect = false;       ///< for each message
  bool ignores_notices = false; ///< lines that are no echo are none of our business
};

struct line_load_counts {
  std::uint64_t sent = 0;
  std::uint64_t echoed = 0;
  std::uint64_t wrong = 0;      ///< echoes of something else
  std::uint64_t unanswered = 0; ///< sent, and never echoed
  std::uint64_t lost = 0;       ///< connections that could not be made or broke
  histogram latencies;

  void add(const line_load_counts&);
};
TROUPE_FIELDS(line_load_counts, sent, echoed, wrong, unanswered, lost, latencies)

/// The text of a client's `number`-th message.
std::string load_text(const std::string& who, std::uint64_t number, std::uint64_t bytes);

/// What the server says to a client that waits for the echo of a text, or for nothing.
enum class heard : std::uint8_t {
  echo,
  notice,     ///< not for us
  last_words, ///< the server hangs up
  wrong,
};

/// Functions that a load calls on its own thread.
struct load_listener {
  /// Now and then, with how many more were echoed.
  std::function<void(std::uint64_t)> on_progress;
  /// Once, at the end.
  std::function<void(const line_load_counts&)> on_done;
};

/// One client of a load, whatever it is connected through.
struct load_client {
  bool through = false;
  std::uint64_t said = 0;
  std::string asked; ///< the text that waits for its echo; empty: none
  std::chrono::steady_clock::time_point asked_at{};
};

/// What a load has counted so far, and how it is told. Not thread-safe.
class load_tally {
 public:
  using clock = std::chrono::steady_clock;

  load_tally(const line_load_plan& plan, load_listener tell) : plan_(plan), tell_(std::move(tell)) {}

  /// Makes the text that this client says next, from now on.
  void says_next(load_client&, std::size_t index);
  /// What this client read; after an echo it waits for nothing.
  heard reads(load_client&, std::string_view line);
  /// Its connection could not be made, or broke.
  void lost(load_client&);
  /// Tells the progress, if it has not just been told.
  void tell();
  /// The last call: all clients are through.
  void tell_end();

 private:
  const line_load_plan plan_;
  load_listener tell_;
  line_load_counts counts_;
  std::uint64_t told_count_ = 0;
  clock::time_point told_{};
};

/// What a load was asked to do; each is more than the one before.
enum class load_wish : std::uint8_t { go_on, say_nothing_more, end_now };

/// A load that is on, on a thread of its own. Its destructor ends it at once if it is not through.
class line_load {
 public:
  line_load() = default;
  virtual ~line_load() = default;
  line_load(const line_load&) = delete;
  line_load& operator=(const line_load&) = delete;
  /// Sends nothing more; through when what is open is echoed, or nobody will. Thread-safe.
  virtual void stop() = 0;
};

/// Both throw std::exception where the address is none or the system has no room for them.
std::unique_ptr<line_load> make_tcp_load(line_load_plan, load_listener);
std::unique_ptr<line_load> make_zeromq_load(line_load_plan, load_listener);

} // namespace troupe::scenarios::echo
