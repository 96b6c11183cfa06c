#include "transport/session/link.hpp"

#include "transport/session/inbound.hpp"
#include "transport/session/send_burst.hpp"

namespace troupe::transport {

namespace {

/// A frame of ours, to be read as the peer would have read it.
struct kept_frame final : raw_frame {
  explicit kept_frame(frame_ptr f) : kept(std::move(f)) {
    const auto decoded = decode_frame(kept->bytes);
    if (const auto* data = std::get_if<data_frame>(&decoded)) left = data->envelopes;
  }
  std::span<const char> bytes() const override { return kept->bytes; }
  frame_ptr kept;
};

} // namespace

link::link(node_identity identity, trace::node_index index, const session_options& options,
           std::uint32_t epoch, std::shared_ptr<output_sink> sink)
    : identity_(std::move(identity)), index_(index), sink_(std::move(sink)), session_(options, epoch) {}

const peer_hello& link::hello() const {
  static const peer_hello nothing_yet;
  return established_.load(std::memory_order_acquire) ? hello_ : nothing_yet;
}

void link::set_hello(peer_hello hello) {
  if (established_.load()) return; // a session's hello does not change
  hello_ = std::move(hello);
  // Weak: frames may outlive the link, which must not outlive them for this.
  on_credit_ = std::make_shared<std::function<void()>>([weak = weak_from_this()] {
    if (const auto self = weak.lock()) self->sink_->ready(self);
  });
  established_.store(true, std::memory_order_release);
}

std::size_t link::payload_bytes_max() const {
  const std::lock_guard guard(mutex_);
  return session_.payload_bytes_max();
}

send_result link::do_send(const envelope_header& header, void* encoder, bool (*encode)(void*, byte_buffer&)) {
  bool sendable = false;
  auto result = send_result::ok;
  {
    const std::lock_guard guard(mutex_);
    result = session_.push(header, encoder, encode);
    sendable = result == send_result::ok && session_.wants_to_send();
  }
  if (result == send_result::queue_full && header.kind != envelope_kind::message) {
    overfull.store(true);
    sink_->ready(shared_from_this()); // whoever flushes it ends it
  }
  if (sendable && !send_burst::keeps(shared_from_this())) transmit_soon();
  return result;
}

void link::transmit_soon() {
  if (!transmit_directly()) sink_->ready(shared_from_this());
}

// In a dialogue each message waits for the one before, so that there is nothing to batch:
// handing it to the I/O thread would only cost the time to wake that thread. In a stream,
// only the first message after one that came takes this way.
bool link::transmit_directly() {
  if (!answer_expected_.load(std::memory_order_relaxed) || !sink_->allows_direct()) return false;
  const std::unique_lock transmitting(transmit_mutex_, std::try_to_lock);
  if (!transmitting || !wire_ || !answer_expected_.exchange(false, std::memory_order_relaxed)) return false;
  frame_ptr next;
  bool more = false;
  {
    const std::lock_guard guard(mutex_);
    next = session_.pull();
    more = session_.wants_to_send();
  }
  if (!next) return true;
  bool input = false;
  if (!wire_->transmit_elsewhere(next, input)) return false; // the I/O thread finds out, and resumes
  if (input) sink_->wake();
  return !more;
}

bool link::flush(time_point now, std::size_t frames_max, bool& more) {
  const std::lock_guard transmitting(transmit_mutex_);
  more = false;
  if (!wire_) return true;
  for (std::size_t count = 0; count < frames_max; ++count) {
    frame_ptr next;
    {
      const std::lock_guard guard(mutex_);
      next = session_.pull_control(now);
      if (!next) next = session_.pull();
    }
    if (!next) return true;
    if (!wire_->transmit(next)) return false;
  }
  more = true;
  return true;
}

session_state link::state() const {
  const std::lock_guard guard(mutex_);
  return session_.state();
}

std::uint32_t link::carry(wire_ptr w, const session_position& theirs, std::uint32_t generation,
                          std::size_t peer_frame_bytes_max, time_point now) {
  const std::lock_guard transmitting(transmit_mutex_);
  const std::lock_guard guard(mutex_);
  wire_ = std::move(w);
  return session_.attach(theirs, generation, peer_frame_bytes_max, now);
}

wire_ptr link::drop_wire() {
  const std::lock_guard transmitting(transmit_mutex_);
  const std::lock_guard guard(mutex_);
  session_.detach();
  return std::exchange(wire_, nullptr);
}

std::vector<inbound_frame> link::take_unacknowledged() {
  std::vector<inbound_frame> result;
  for (auto& each : with_session([](session& s) { return s.take_unacknowledged(); }))
    result.push_back(inbound_frame_access::make(std::make_unique<kept_frame>(std::move(each))));
  return result;
}

std::uint64_t link::close() {
  closed_.store(true);
  const std::lock_guard guard(mutex_);
  session_.close();
  return session_.unacknowledged_messages();
}

} // namespace troupe::transport
