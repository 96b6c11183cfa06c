// What nodes say to each other, and what a node knows of another one.
#pragma once

#include "trace/record/recorder.hpp"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

namespace troupe::transport {

/// Bytes that are being built; CAF's serializers want exactly this type.
using byte_buffer = std::vector<char>;

/// A node: its name in the run, and the random number that one start of it drew.
struct node_identity {
  std::string name;
  std::uint64_t incarnation = 0;
  bool operator==(const node_identity&) const = default;
};
/// A random incarnation, never 0. Thread-safe.
std::uint64_t draw_incarnation();

/// Begins the names of peers that only bring files; they are no nodes of the run, and the
/// trace does not mention them. No node has such a name.
inline constexpr std::string_view visitor_prefix = "visitor-";
inline bool is_visitor(const node_identity& who) { return who.name.starts_with(visitor_prefix); }

/// A visitor with this capability brings files; a node with it takes them.
inline constexpr std::uint64_t capability_upload = 2;
/// A node with this capability keeps a trace of what it does. Where one without it took part, the traces
/// of the others say that there is none to look for.
inline constexpr std::uint64_t capability_trace = 4;

/// What a peer said of itself in its hello.
struct peer_hello {
  node_identity identity;
  std::uint16_t version = 0;
  std::uint64_t capabilities = 0;
  std::string endpoint;       ///< where it listens, as others can reach it; empty: nowhere
  std::vector<char> greeting; ///< opaque here; the gateway's own (registered types, agent)
};

/// The kinds that carry one actor message count in the ledger; the others are control
/// records of the gateway, which ride in the same order and are never dropped.
enum class envelope_kind : std::uint8_t {
  message = 1,   ///< payload: the message's elements, encoded by the type's codec
  signature = 2, ///< defines `type` for this direction of the session; payload: its type names
  watch = 3,     ///< tell me when `receiver` ends
  ended = 4,     ///< `sender` has ended; payload: the exit reason
  link = 5,
  unlink = 6,
  node = 7,     ///< defines a third node's index (`type`); payload: name, incarnation, endpoint
  bounce = 8,   ///< request `mid` of `receiver` cannot be served; payload: the error
  probe = 9,    ///< how busy are you? `request`: round, `type`: 1 to be told who waits for whom
  report = 10,  ///< the answer; payload: an activity report
  upload = 11,  ///< of a visitor that brings files: see transport/trace_upload/upload_receiver.hpp
  receipt = 12, ///< the answer
};

/// One actor message on the wire, without its payload.
struct envelope_header {
  envelope_kind kind = envelope_kind::message;
  std::uint8_t flags = 0;       ///< gateway's; opaque here
  std::uint64_t sender = 0;     ///< actor id on the sending node; 0: anonymous
  std::uint64_t receiver = 0;   ///< actor id on the receiving node
  std::uint64_t request = 0;    ///< correlates request and response; 0: plain message
  std::uint32_t type = 0;       ///< the session's number of the type signature
  std::uint64_t number = 0;     ///< trace number of the message at the sending node; 0: untraced
  trace::timestamp sent_at = 0; ///< sender's hybrid logical clock
};

struct envelope_view {
  envelope_header header;
  std::span<const char> payload; ///< valid as long as its frame
};

/// A batch of envelopes, in the order they were sent: one that arrived, or one that was to be sent and
/// was not taken. Movable; owns its bytes. next() has checked every bound: a frame that does not parse
/// never gets here.
class inbound_frame {
 public:
  inbound_frame(inbound_frame&&) noexcept;
  inbound_frame& operator=(inbound_frame&&) noexcept;
  ~inbound_frame();
  /// False at the end.
  bool next(envelope_view&);
  std::size_t size_bytes() const;

 private:
  friend struct inbound_frame_access;
  struct impl;
  explicit inbound_frame(std::unique_ptr<impl>);
  std::unique_ptr<impl> impl_;
};

enum class down_reason : std::uint8_t {
  left,        ///< it said goodbye
  silent,      ///< nothing heard for the liveness interval, or the resume window passed
  replaced,    ///< the same name came back with a new incarnation
  unreachable, ///< it could not be connected in time
  refused,     ///< it refused us, or we refused it
  protocol,    ///< it broke the protocol
  stopped,     ///< this hub is stopping
};
std::string_view to_string(down_reason);

enum class send_result : std::uint8_t { ok, too_large, queue_full, peer_down, encode_failed };

/// A node that this one talks to, or is about to. Thread-safe. Alive as long as
/// somebody holds it; after on_peer_down every send answers peer_down.
class peer {
 public:
  virtual ~peer();
  virtual const node_identity& identity() const = 0;
  /// The peer's hello; empty fields until it is up.
  virtual const peer_hello& hello() const = 0;
  virtual bool is_up() const = 0;
  /// Index of this node in the recorder's table.
  virtual trace::node_index index() const = 0;
  /// Of one message; more is too_large. The smaller of what either side allows, once it is up.
  virtual std::size_t payload_bytes_max() const = 0;

  /// Queues one envelope; before the peer is up it waits. `encode(buffer)` appends the
  /// payload and returns false if it cannot, in which case nothing is sent. It runs
  /// under this peer's lock, straight into the outgoing batch, and must not send.
  /// Control kinds are exempt from the queue's limit. Never blocks on the network.
  template <class Encode>
  send_result send(const envelope_header& header, Encode&& encode) {
    struct thunk {
      static bool call(void* f, byte_buffer& out) {
        return (*static_cast<std::remove_reference_t<Encode>*>(f))(out);
      }
    };
    return do_send(header, const_cast<void*>(static_cast<const void*>(&encode)), &thunk::call);
  }

  /// What was queued for it or sent to it and never acknowledged, in order. Once, when it is down.
  virtual std::vector<inbound_frame> take_unacknowledged() = 0;

  /// Free for the gateway's own use: its state for this peer.
  std::shared_ptr<void> attachment;

 protected:
  virtual send_result do_send(const envelope_header&, void* encoder, bool (*encode)(void*, byte_buffer&)) = 0;
};
using peer_ptr = std::shared_ptr<peer>;

/// What the hub tells the gateway. Called on the I/O thread, never concurrently and in
/// order per peer: up, frames, down. Must return quickly and must not throw.
class hub_listener {
 public:
  virtual ~hub_listener() = default;
  virtual void on_peer_up(const peer_ptr&) = 0;
  virtual void on_frame(const peer_ptr&, inbound_frame) = 0;
  /// After the last frame of that peer. Last call for it. Also for peers that were
  /// never up (see hub::open). `messages_lost` counts the envelopes of kind message
  /// that this node had queued or sent without an acknowledgement; see peer::take_unacknowledged.
  virtual void on_peer_down(const peer_ptr&, down_reason, std::string_view detail,
                            std::uint64_t messages_lost) = 0;
};

enum class log_level : std::uint8_t { debug, info, warning };

} // namespace troupe::transport
