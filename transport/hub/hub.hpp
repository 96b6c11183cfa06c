// All links of one node: the only door of this room.
#pragma once

#include "trace/ledger.hpp"
#include "trace/recorder.hpp"
#include "transport/keys.hpp"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
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
  node = 7,      ///< defines a third node's index (`type`); payload: name, incarnation, endpoint
  bounce = 8,    ///< request `mid` of `receiver` cannot be served; payload: the error
  probe = 9,     ///< how busy are you? `request`: round, `type`: 1 to be told who waits for whom
  report = 10,   ///< the answer; payload: an activity report
  delivery = 11, ///< of a visitor that brings files: see transport/delivery.hpp
  receipt = 12,  ///< the answer
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

struct hub_options {
  node_identity identity;
  /// Where to listen: "ipc://PATH", "tcp://HOST:PORT" (port * = any), "inproc://NAME";
  /// empty: only connect.
  std::string listen;
  /// What others are told to connect to, where it is not what `listen` was bound to.
  std::string advertise;
  std::vector<char> greeting;
  std::uint64_t capabilities = 0;
  std::size_t queue_bytes_max = 64U << 20; ///< per peer, queued or unacknowledged
  std::size_t frame_bytes_max = 16U << 20;
  std::size_t batch_bytes_max = 64U << 10; ///< a frame is closed beyond this
  /// Incoming, per peer: received, but its inbound_frame not yet destroyed. Beyond this
  /// the peer stops sending, so whoever keeps frames slows their sender down.
  std::size_t window_bytes = 32U << 20;
  std::chrono::milliseconds heartbeat{500};
  std::chrono::milliseconds liveness{5000}; ///< silent for this long: down
  std::chrono::milliseconds connect_timeout{5000};
  std::size_t peers_max = 1024;
  /// Keys for tcp; without them tcp works on loopback only, unless `plaintext` says that
  /// anybody who can reach the port may read, write and take part.
  std::optional<security_options> security;
  bool plaintext = false;
  void* zmq_context = nullptr; ///< share one to use inproc endpoints; null: an own one
  /// This process has not run for a while: it was stopped, or its machine stood still. Nobody was
  /// called silent for that. Called on the I/O thread, must not throw and not block; may be empty.
  std::function<void(std::chrono::nanoseconds)> on_standstill;
  /// What an operator may want to read: refusals, peers that went down, strangers. Called
  /// on the I/O thread, must not throw and not block; may be empty.
  std::function<void(log_level, std::string_view)> log;
  /// Why a node that said this in its hello gets no session, as a sentence for both sides'
  /// logs; an empty text: it gets one. Asked on the I/O thread for who is not known yet; must
  /// not block. May be empty: everybody gets one.
  std::function<std::string(const peer_hello&)> admit;
  /// What tells a node from another one of its name, for people: "pid 42". On the I/O thread.
  std::function<std::string(const peer_hello&)> describe;
};

/// Owns the sockets and the one I/O thread. All calls are thread-safe and none blocks,
/// except the constructor, stop() and the destructor.
class hub {
 public:
  /// Binds and starts the thread. Throws std::runtime_error saying what could not be
  /// bound and why. `listener`, `recorder` and `books` must outlive the hub.
  hub(hub_options, hub_listener& listener, trace::recorder& recorder, trace::ledger& books);
  /// Without stop() before, it ends like a process that is killed: no goodbye is said.
  ~hub();
  hub(const hub&) = delete;
  hub& operator=(const hub&) = delete;

  const node_identity& identity() const;
  /// The endpoint others can connect to: with the port that the system chose, and with this
  /// node's public key if it has one.
  std::string endpoint() const;

  /// The peer of that identity, known or not yet: connects to `endpoint` if there is
  /// no link. If it cannot be reached, on_peer_down(unreachable) follows.
  peer_ptr open(const node_identity&, const std::string& endpoint);

  /// Asks whoever listens at `endpoint` what it says of itself and whether it would take this
  /// node, trying until the time is up, and hangs up. `done` runs as that of connect(), with the
  /// other node's hello or null and why not.
  void look(const std::string& endpoint, std::chrono::milliseconds timeout,
            std::function<void(const peer_hello*, std::string_view why_not)> done);

  /// Connects to whoever listens at `endpoint`, trying until the time is up. `done`
  /// runs on the I/O thread, once, with the peer (already up) or null and why not. After
  /// stop() it runs at once, on the caller's thread.
  void connect(const std::string& endpoint, std::chrono::milliseconds timeout,
               std::function<void(peer_ptr, std::string_view why_not)> done);

  std::vector<peer_ptr> peers() const;

  /// Cuts the connection to a peer without telling it, for fault injection; the
  /// session resumes it.
  void cut(const peer_ptr&);

  /// Ends the session with a peer that is over a limit. It is told why, and what it is called
  /// now does not come back; both sides log it.
  void cut_off(const peer_ptr&, const std::string& why);

  /// For who knows from elsewhere that the peer's process has ended: what has arrived is
  /// still delivered, then a silence of limits::local_last_words is enough to call it down.
  void expect_no_more(const peer_ptr&);

  /// Sends what is queued, says goodbye, and ends the thread; waits at most `linger`.
  void stop(std::chrono::milliseconds linger);

 private:
  struct impl;
  std::unique_ptr<impl> impl_;
};

} // namespace troupe::transport
