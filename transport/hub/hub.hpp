// All links of one node: the only door of this room.
#pragma once

#include "trace/record/ledger.hpp"
#include "transport/frames/peer.hpp"
#include "transport/hub/keys.hpp"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace troupe::transport {

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

  /// Returns when nothing more is taken from any peer. What they have sent and get no acknowledgement for
  /// they know to be lost, once this node has said goodbye. What is sent from here still leaves. For a node
  /// that is about to tell what became of all it got, before stop().
  void take_no_more();

  /// Sends what is queued, says goodbye, and ends the thread; waits at most `linger`.
  void stop(std::chrono::milliseconds linger);

 private:
  struct impl;
  std::unique_ptr<impl> impl_;
};

} // namespace troupe::transport
