// The frames of the wire protocol, decoded, and their coding. docs/wire.md is the text.
#pragma once

#include "transport/frames/frame_buffer.hpp"
#include "transport/frames/peer.hpp"

#include <string>
#include <variant>

namespace troupe::transport {

/// First byte of every frame.
enum class frame_kind : std::uint8_t {
  hello = 0x01,
  welcome = 0x02,
  confirm = 0x03,
  refuse = 0x04,
  data = 0x10,
  goodbye = 0x11,
  ack = 0x12,
  heartbeat = 0x13,
};

/// Why a connection, or the session on it, was not wanted. The dialler tries again after
/// those marked (again).
enum class refusal : std::uint8_t {
  version = 1,        ///< no common protocol version
  malformed = 2,      ///< a frame could not be read, or came when it must not
  itself = 3,         ///< the dialler reached its own node
  other_node = 4,     ///< another node lives at this endpoint than the one asked for
  superseded = 5,     ///< a newer incarnation of the same name has already been here
  stopping = 6,       ///< the node is leaving
  too_many_peers = 7, ///< peers_max
  frame_limit = 8,    ///< frames were queued that are over the other side's limit
  stale = 9,          ///< (again) the two sides remember different sessions
  crossed = 10,       ///< (again) both sides dialled, and the other connection stands
  unconfirmed = 11,   ///< (again) session frames on a connection that carries no session
  not_allowed = 12,   ///< nobody of this name is awaited, or the key it showed is not for it
  reset = 13,         ///< (again) the connection is given up, the session is not
  name_taken = 14,    ///< a node of this name is there, and alive
  over_limit = 15,    ///< more of something than one peer may have
};
std::string_view to_string(refusal);
constexpr bool is_retried(refusal code) {
  return code == refusal::stale || code == refusal::crossed || code == refusal::unconfirmed
         || code == refusal::reset;
}

struct hello_frame {
  std::uint16_t version_min = 0;
  std::uint16_t version_max = 0;
  std::uint32_t frame_bytes_max = 0; ///< what the sender is willing to receive
  peer_hello self;                   ///< its `version` is not sent
  node_identity wanted;              ///< whom the dialler expects; incarnation 0: anybody
};

/// Where one side stands in its session with the other.
struct session_position {
  std::uint32_t epoch = 0;      ///< which session with this incarnation it is, counted by the sender from 1
  std::uint32_t seen_epoch = 0; ///< the other side's epoch, as far as known; 0: not known
  std::uint32_t generation = 0; ///< how many connections the session has had
  std::uint64_t received = 0;   ///< number of the last frame received in order
  std::uint64_t credit = 0;     ///< bytes of numbered frames it takes, since the session began
};

struct welcome_frame {
  std::uint16_t version = 0;
  std::uint32_t frame_bytes_max = 0;
  peer_hello self;
  session_position position;
};
struct confirm_frame {
  session_position position;
};
struct refuse_frame {
  refusal code = refusal::malformed;
  std::string detail;
};
struct data_frame {
  std::uint64_t number = 0;
  std::uint64_t ack = 0;
  std::span<const char> envelopes; ///< not checked yet
};
struct goodbye_frame {
  std::uint64_t number = 0;
  std::uint64_t ack = 0;
};
struct ack_frame {
  std::uint64_t ack = 0;
  std::uint64_t credit = 0;
};
struct heartbeat_frame {
  std::uint64_t ack = 0;
  std::uint64_t credit = 0;
  std::uint64_t sent = 0;          ///< number of the last frame transmitted: shows a lost tail
  std::uint64_t time_ns = 0;       ///< the sender's monotonic clock now
  std::uint64_t echo_ns = 0;       ///< time_ns of the last heartbeat it received; 0: none yet
  std::uint64_t echo_delay_ns = 0; ///< how long ago that was
};

/// What is wrong with a frame; text for a log.
struct malformed_frame {
  const char* what = "";
};

using decoded_frame = std::variant<malformed_frame, hello_frame, welcome_frame, confirm_frame, refuse_frame,
                                   data_frame, goodbye_frame, ack_frame, heartbeat_frame>;

/// Never throws anything but std::bad_alloc; allocates at most the size of `bytes`.
decoded_frame decode_frame(std::span<const char> bytes);

frame_ptr encode(const hello_frame&);
frame_ptr encode(const welcome_frame&);
frame_ptr encode(const confirm_frame&);
frame_ptr encode(const refuse_frame&);
frame_ptr encode(const ack_frame&);
frame_ptr encode(const heartbeat_frame&);

/// Data frames and goodbyes are built in place: room first, numbers when they are known.
void begin_numbered(byte_buffer&, frame_kind);
void set_number(byte_buffer&, std::uint64_t);
void set_ack(byte_buffer&, std::uint64_t);

} // namespace troupe::transport
