// What the two halves of the switchboard's implementation share.
#pragma once

#include "transport/session/switchboard.hpp"

namespace troupe::transport {

/// Somebody who is to be connected, over as many attempts as it takes.
struct switchboard::dialling {
  std::string endpoint;
  link_ptr target;                      ///< who is expected; null: whoever is there
  bool resuming = false;                ///< the target was up before; only its silence ends this
  connected done;                       ///< may be empty
  looked seen;                          ///< not empty: only a look is wanted, which the welcome ends
  std::chrono::nanoseconds patience{0}; ///< from its beginning to give_up, which is never without
  time_point give_up = time_point::max();
  time_point not_before{}; ///< until then the other side is expected to dial
  time_point next_attempt{};
  std::chrono::milliseconds delay = limits::redial_delay_min;
  wire_ptr current; ///< the attempt under way; null between two
  std::string last_error = "no answer";
};

//   dialler:   greeting --welcome in, confirm out--> carrying
//   acceptor:  welcomed --confirm in--------------> carrying
struct switchboard::connection {
  enum class stage : std::uint8_t {
    greeting, ///< dialled, hello sent
    welcomed, ///< accepted, welcome sent
    carrying, ///< of `carried`
  };
  wire_ptr line;
  stage now = stage::greeting;
  dialling* attempt = nullptr; ///< while greeting
  peer_hello self;             ///< what the other side said of itself
  std::size_t frame_bytes_max = 0;
  session_position offered; ///< in the welcome
  link_ptr carried;
  time_point deadline = time_point::max();
};

} // namespace troupe::transport
