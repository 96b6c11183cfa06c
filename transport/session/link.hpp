// A peer and the session with it: what peer::send works on.
#pragma once

#include "transport/session/session.hpp"
#include "transport/session/wire.hpp"

#include <functional>
#include <mutex>

namespace troupe::transport {

class link;

/// Whom a link tells that it has something to transmit. Thread-safe; outlives its links.
class output_sink {
 public:
  virtual ~output_sink() = default;
  virtual void ready(const std::shared_ptr<link>&) = 0;
  /// A link may transmit on the sender's thread instead, if it tells of input it comes upon.
  virtual bool allows_direct() const { return false; }
  virtual void wake() {}
};

/// Locks are taken in the order transmit_mutex_, mutex_, then a wire's own.
class link final : public peer, public std::enable_shared_from_this<link> {
 public:
  link(node_identity, trace::node_index, const session_options&, std::uint32_t epoch,
       std::shared_ptr<output_sink>);

  const node_identity& identity() const override { return identity_; }
  const peer_hello& hello() const override;
  bool is_up() const override { return established_.load(std::memory_order_acquire) && !closed_.load(); }
  trace::node_index index() const override { return index_; }
  std::vector<inbound_frame> take_unacknowledged() override;
  std::size_t payload_bytes_max() const override;

  // -- any thread --------------------------------------------------------------------
  /// Transmits what is due, at most `frames_max` frames; false when the wire broke.
  /// `more` tells whether something is left that could go now.
  bool flush(time_point now, std::size_t frames_max, bool& more);
  /// Something was queued: transmits it here, or leaves it to the I/O thread.
  void transmit_soon();
  session_state state() const;
  /// Runs `f(session&)` under the lock.
  template <class F>
  auto with_session(F&& f) {
    const std::lock_guard guard(mutex_);
    return f(session_);
  }

  // -- I/O thread ----------------------------------------------------------------------
  /// The wire in use, null while waiting or cut.
  const wire_ptr& current_wire() const { return wire_; }
  std::uint32_t carry(wire_ptr, const session_position&, std::uint32_t generation,
                      std::size_t peer_frame_bytes_max, time_point now);
  /// Stops using the wire, which is handed back.
  wire_ptr drop_wire();
  /// An actor's message has arrived: what is sent next is most likely the answer.
  void expect_answer() { answer_expected_.store(true, std::memory_order_relaxed); }
  /// Ends the session; returns the number of messages lost with it.
  std::uint64_t close();
  void set_hello(peer_hello);
  const std::shared_ptr<std::function<void()>>& on_credit() const { return on_credit_; }

  // Switchboard's notes; I/O thread only.
  std::uint64_t dialled_by = 0; ///< incarnation of the node that dialled the last connection
  std::string dial_endpoint;    ///< where we reached it, if we did; else where it says it listens
  bool was_up = false;
  /// Of a visitor: without a piece of a file until then, it has to go.
  time_point visit_ends = time_point::max();
  std::optional<clock_sample> best_clock;

  std::atomic<bool> marked_ready{false}; ///< output_sink's: it is in the list already
  /// The peer leaves more control records untaken than are kept for it.
  std::atomic<bool> overfull{false};

 protected:
  send_result do_send(const envelope_header&, void* encoder, bool (*encode)(void*, byte_buffer&)) override;

 private:
  bool transmit_directly();

  const node_identity identity_;
  const trace::node_index index_;
  const std::shared_ptr<output_sink> sink_;
  std::shared_ptr<std::function<void()>> on_credit_;
  peer_hello hello_; ///< written before established_ is set
  std::atomic<bool> established_{false};
  std::atomic<bool> closed_{false};
  std::atomic<bool> answer_expected_{false};

  std::mutex transmit_mutex_; ///< order of frames on the wire
  wire_ptr wire_;             ///< written under transmit_mutex_ by the I/O thread only
  mutable std::mutex mutex_;  ///< the session
  session session_;
};
using link_ptr = std::shared_ptr<link>;

} // namespace troupe::transport
