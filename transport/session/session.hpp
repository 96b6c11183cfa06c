// One session with one peer: numbers, acknowledges, keeps and repeats frames. Bytes and
// time go in, bytes and verdicts come out; it knows no socket, no thread and no clock.
#pragma once

#include "transport/frames/frames.hpp"
#include "transport/frames/limits.hpp"

#include <atomic>
#include <chrono>
#include <deque>
#include <memory>
#include <optional>

namespace troupe::transport {

using time_point = std::chrono::steady_clock::time_point;

struct session_options {
  std::size_t queue_bytes_max = 64U << 20; ///< outgoing, queued or unacknowledged
  std::size_t frame_bytes_max = 16U << 20; ///< either way
  std::size_t batch_bytes_max = 64U << 10;
  std::size_t window_bytes = 32U << 20; ///< incoming, received but not yet consumed
  std::chrono::milliseconds heartbeat{500};
  std::chrono::milliseconds liveness{5000};
};

//                 attach              detach
//      waiting ----------->   up   <----------->  cut
//         |                    |      attach       |
//         |  close             |  close            |  close
//         +---------------> closed <---------------+
//
// waiting: never had a connection; what is sent is queued.
// up:      a connection carries it.
// cut:     the connection is lost; everything unacknowledged is kept for the next one.
// closed:  over for good; nothing is accepted any more.
enum class session_state : std::uint8_t { waiting, up, cut, closed };
std::string_view to_string(session_state);

/// How many bytes the owner of incoming frames has done with. Thread-safe; outlives the
/// session as long as a frame does.
class credit_account {
 public:
  explicit credit_account(std::size_t window_bytes) : wake_step_(window_bytes / 4) {}
  std::uint64_t consumed() const { return consumed_.load(std::memory_order_acquire); }
  /// True when so much has come together that the peer should hear of it.
  bool consume(std::size_t bytes) {
    const auto now = consumed_.fetch_add(bytes, std::memory_order_acq_rel) + bytes;
    return now - told_.load(std::memory_order_relaxed) >= wake_step_;
  }
  void told(std::uint64_t consumed) { told_.store(consumed, std::memory_order_relaxed); }
  bool worth_telling() const { return consumed() - told_.load(std::memory_order_relaxed) >= wake_step_; }

 private:
  const std::uint64_t wake_step_;
  std::atomic<std::uint64_t> consumed_{0};
  std::atomic<std::uint64_t> told_{0};
};

/// An estimate of how far the peer's monotonic clock is ahead of this node's.
struct clock_sample {
  std::chrono::nanoseconds offset{0};
  std::chrono::nanoseconds uncertainty{0};
};

/// What became of a frame that was taken.
enum class verdict : std::uint8_t {
  nothing,   ///< it was a control frame or a duplicate
  deliver,   ///< its envelopes are next in order
  left,      ///< the peer said goodbye; nothing follows
  gap,       ///< a frame is missing: give the connection up, resume on a new one
  violation, ///< the peer broke the protocol
};
struct taken {
  verdict what = verdict::nothing;
  const char* detail = "";
  std::optional<clock_sample> clock;
};

/// Not thread-safe: whoever owns it locks around it.
class session {
 public:
  session(const session_options&, std::uint32_t epoch);
  session(const session&) = delete;
  session& operator=(const session&) = delete;

  session_state state() const { return state_; }
  std::uint32_t epoch() const { return epoch_; }
  std::uint32_t peer_epoch() const { return peer_epoch_; }
  std::uint32_t generation() const { return generation_; }

  // -- connections -----------------------------------------------------------------
  /// What this side says of itself in a welcome or a confirm.
  session_position position() const;
  /// Whether the peer's position goes together with this one's: null, or why not.
  const char* contradiction(const session_position& theirs, std::size_t peer_frame_bytes_max) const;
  /// A connection carries the session from now on; returns how many frames are to be
  /// transmitted again. Precondition: no contradiction, not closed.
  std::uint32_t attach(const session_position& theirs, std::uint32_t generation,
                       std::size_t peer_frame_bytes_max, time_point now);
  void detach();
  void close();

  // -- sending -----------------------------------------------------------------------
  send_result push(const envelope_header&, void* encoder, bool (*encode)(void*, byte_buffer&));
  /// The last frame of this side. From when it is first transmitted, nothing more is
  /// accepted, so that the peer knows exactly what arrived.
  void push_goodbye();
  bool is_leaving() const { return goodbye_number_ != 0; }
  /// From now on nothing more is accepted, so that this side can tell what became of all that arrived
  /// before it says goodbye. Idempotent.
  void take_no_more() { frozen_ = true; }
  /// The answer to the goodbye of a peer, where this side takes no more and has not said its own: it says
  /// what arrived, and acknowledges nothing else. The session is over with it.
  frame_ptr make_last_goodbye();
  bool takes_no_more() const { return frozen_; }
  bool is_goodbye_acknowledged() const { return goodbye_number_ != 0 && acked_ >= goodbye_number_; }
  /// The next numbered frame to transmit, or null: nothing to send, no credit, not up.
  frame_ptr pull();
  /// The next acknowledgement or heartbeat that is due, or null.
  frame_ptr pull_control(time_point now);
  bool is_control_due(time_point now) const;
  /// An acknowledgement, whether due or not.
  frame_ptr make_ack();
  bool wants_to_send() const;
  std::size_t queued_bytes() const { return queued_bytes_; }
  /// Of one envelope, whatever is in its header.
  std::size_t payload_bytes_max() const {
    return frame_bytes_limit_ - limits::data_header_bytes - 2 * limits::envelope_header_bytes_max
           - limits::envelope_length_bytes;
  }
  /// Envelopes of kind message that the peer has not acknowledged.
  std::uint64_t unacknowledged_messages() const;
  /// The frames with these. Precondition: closed.
  std::deque<frame_ptr> take_unacknowledged();

  // -- receiving -----------------------------------------------------------------------
  /// `frame_bytes` is the size of the whole frame. Envelopes must have been checked.
  taken take(const decoded_frame&, std::size_t frame_bytes, time_point now);
  const std::shared_ptr<credit_account>& credit() const { return credit_account_; }

  // -- time ----------------------------------------------------------------------------
  /// Nothing heard for the liveness interval. Never while waiting.
  bool is_silent(time_point now) const;
  std::chrono::milliseconds liveness() const { return options_.liveness; }
  /// Nothing heard on the present connection for half of that: a new one is worth a try.
  bool is_stale(time_point now) const;
  /// This side did not run itself: the peer gets its whole interval again.
  void stood_still(time_point now);
  /// When pull_control(), is_stale() or is_silent() is to be asked again, unless something happens.
  time_point next_deadline() const;
  /// From now on limits::local_last_words is the liveness interval.
  void expect_no_more();
  time_point last_heard() const { return last_heard_; }

 private:
  taken take_data(std::uint64_t number, std::uint64_t ack, std::size_t bytes, time_point now);
  taken take_goodbye(const goodbye_frame&);
  taken take_heartbeat(const heartbeat_frame&, time_point now);
  const char* acknowledge(std::uint64_t ack);
  bool grant(std::uint64_t credit);
  send_result fit(std::size_t begin, const envelope_header&);
  void seal();
  void append(frame_ptr, std::uint32_t messages);
  frame_ptr make_heartbeat(time_point now);
  std::uint64_t advertise();
  time_point together(time_point) const;
  void acknowledged_by_us();

  session_options options_;
  const std::uint32_t epoch_;
  std::uint32_t peer_epoch_ = 0;
  std::uint32_t generation_ = 0;
  session_state state_ = session_state::waiting;

  // Outgoing. frames_ holds numbers acked_ + 1 … last_number_; those from
  // next_to_transmit_ on have yet to go over the present connection.
  std::deque<frame_ptr> frames_;
  std::uint64_t acked_ = 0;
  std::uint64_t last_number_ = 0;
  std::uint64_t next_to_transmit_ = 1;
  std::uint64_t transmitted_ever_ = 0;
  std::uint64_t sealed_bytes_ever_ = 0;
  std::uint64_t credit_ = 0;
  std::uint64_t goodbye_number_ = 0;
  std::size_t queued_bytes_ = 0;
  std::size_t frame_bytes_limit_;

  // The batch under construction; empty, or a frame's head and at least one envelope.
  byte_buffer open_;
  std::uint32_t open_messages_ = 0;
  struct {
    std::uint64_t number = 0;
    trace::timestamp sent_at = 0;
  } open_context_;

  // Incoming.
  std::uint64_t received_ = 0;
  std::uint64_t received_bytes_ = 0;
  std::uint64_t advertised_credit_ = 0;
  std::uint64_t unacked_frames_ = 0;
  std::size_t unacked_bytes_ = 0;
  bool frozen_ =
      false; ///< what we acknowledge is final: we take no more, or our goodbye has been transmitted
  std::shared_ptr<credit_account> credit_account_;

  // Time.
  time_point last_heard_{};
  time_point ack_due_ = time_point::max();
  time_point heartbeat_due_ = time_point::max();
  std::uint64_t echo_ns_ = 0; ///< of the peer's last heartbeat
  time_point echo_taken_{};
  bool heard_heartbeat_ = false; ///< on the present connection
};

} // namespace troupe::transport
