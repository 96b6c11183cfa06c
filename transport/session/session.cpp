#include "transport/session/session.hpp"

#include "transport/frames/bytes.hpp"
#include "transport/frames/envelope.hpp"
#include "transport/frames/limits.hpp"

#include <algorithm>

namespace troupe::transport {

namespace {

// Batches below this are copied into a buffer of their own size, so that the many small
// frames of an idle link do not each hold a batch's capacity until they are acknowledged.
constexpr std::size_t copied_bytes_max = 8U << 10;
constexpr std::size_t batch_slack_bytes = 4U << 10;

std::uint64_t nanoseconds(time_point t) {
  return static_cast<std::uint64_t>(
      std::chrono::duration_cast<std::chrono::nanoseconds>(t.time_since_epoch()).count());
}

} // namespace

std::string_view to_string(session_state state) {
  switch (state) {
  case session_state::waiting:
    return "waiting";
  case session_state::up:
    return "up";
  case session_state::cut:
    return "cut";
  case session_state::closed:
    return "closed";
  }
  return "unknown";
}

session::session(const session_options& options, std::uint32_t epoch)
    : options_(options), epoch_(epoch), frame_bytes_limit_(options.frame_bytes_max),
      credit_account_(std::make_shared<credit_account>(options.window_bytes)) {
  advertised_credit_ = options_.window_bytes;
}

// -- connections ---------------------------------------------------------------------

session_position session::position() const {
  return {epoch_, peer_epoch_, generation_, received_, advertised_credit_};
}

const char* session::contradiction(const session_position& theirs, std::size_t peer_frame_bytes_max) const {
  if (peer_epoch_ != 0 && theirs.epoch != peer_epoch_) return "the peer has begun another session";
  if (theirs.received < acked_) return "the peer has forgotten frames that it acknowledged";
  if (theirs.received > transmitted_ever_) return "the peer claims frames that were never sent";
  if (peer_epoch_ == 0)
    for (const auto& kept : frames_)
      if (kept->bytes.size() > peer_frame_bytes_max)
        return "frames are queued that are over the peer's limit";
  return nullptr;
}

std::uint32_t session::attach(const session_position& theirs, std::uint32_t generation,
                              std::size_t peer_frame_bytes_max, time_point now) {
  state_ = session_state::up;
  peer_epoch_ = theirs.epoch;
  generation_ = generation;
  frame_bytes_limit_ = std::min(options_.frame_bytes_max, peer_frame_bytes_max);
  acknowledge(theirs.received);
  grant(theirs.credit);
  next_to_transmit_ = acked_ + 1;
  last_heard_ = now;
  heartbeat_due_ = now;
  heard_heartbeat_ = false;
  echo_ns_ = 0;
  acknowledged_by_us();
  return static_cast<std::uint32_t>(transmitted_ever_ - std::min(transmitted_ever_, acked_));
}

void session::detach() {
  if (state_ != session_state::up) return;
  state_ = session_state::cut;
  ack_due_ = time_point::max();
  heartbeat_due_ = time_point::max();
}

void session::close() {
  state_ = session_state::closed;
  ack_due_ = time_point::max();
  heartbeat_due_ = time_point::max();
}

// -- sending ---------------------------------------------------------------------------

send_result session::push(const envelope_header& header, void* encoder, bool (*encode)(void*, byte_buffer&)) {
  if (state_ == session_state::closed || is_leaving()) return send_result::peer_down;
  const bool is_message = header.kind == envelope_kind::message;
  const auto size_before = open_.size();
  // Control records are let in beyond the limit, but not without end: a peer that asks and does
  // not take the answers is no peer.
  if (queued_bytes_ + size_before >= options_.queue_bytes_max * (is_message ? 1 : 2))
    return send_result::queue_full;
  if (header.type > limits::type_index_max) return send_result::too_large;

  const auto context_before = open_context_;
  const auto roll_back = [&] {
    open_.resize(size_before);
    open_context_ = context_before;
  };
  if (open_.empty()) begin_numbered(open_, frame_kind::data);
  envelope_context context{open_context_.number, open_context_.sent_at};
  const auto begin = begin_envelope(open_, header, context);
  open_context_ = {context.number, context.sent_at};
  const auto payload_begin = open_.size();
  try {
    if (!encode(encoder, open_)) {
      roll_back();
      return send_result::encode_failed;
    }
  } catch (...) {
    roll_back();
    throw;
  }
  const bool control_too_long =
      !is_message && open_.size() - payload_begin > limits::control_payload_bytes_max;
  if (control_too_long
      || open_.size() - begin + limits::data_header_bytes + limits::envelope_header_bytes_max
             > frame_bytes_limit_) {
    roll_back();
    return send_result::too_large;
  }
  finish_envelope(open_, begin);
  if (open_.size() > frame_bytes_limit_) fit(begin, header);
  if (is_message) ++open_messages_;
  if (open_.size() >= options_.batch_bytes_max) seal();
  return send_result::ok;
}

// The last envelope fits into a frame, but not into this one: it begins the next.
send_result session::fit(std::size_t begin, const envelope_header& header) {
  std::span<const char> last{open_.data() + begin, open_.size() - begin};
  envelope_view view;
  envelope_context ignored;
  read_envelope(last, view, ignored);
  const byte_buffer payload(view.payload.begin(), view.payload.end());
  open_.resize(begin);
  seal();
  begin_numbered(open_, frame_kind::data);
  envelope_context context;
  const auto again = begin_envelope(open_, header, context);
  open_context_ = {context.number, context.sent_at};
  open_.insert(open_.end(), payload.begin(), payload.end());
  finish_envelope(open_, again);
  return send_result::ok;
}

void session::push_goodbye() {
  if (state_ == session_state::closed || is_leaving()) return;
  seal();
  auto goodbye = frame_ptr::make();
  begin_numbered(goodbye->bytes, frame_kind::goodbye);
  append(std::move(goodbye), 0);
  goodbye_number_ = last_number_;
}

frame_ptr session::make_last_goodbye() {
  auto goodbye = frame_ptr::make();
  begin_numbered(goodbye->bytes, frame_kind::goodbye);
  set_number(goodbye->bytes, last_number_ + 1);
  set_ack(goodbye->bytes, received_);
  return goodbye;
}

void session::seal() {
  if (open_.empty()) return;
  auto sealed = frame_ptr::make();
  if (open_.size() <= copied_bytes_max) {
    sealed->bytes = open_;
    open_.clear();
  } else {
    const auto size = open_.size();
    sealed->bytes = std::move(open_);
    open_ = byte_buffer{};
    open_.reserve(std::min(size, options_.batch_bytes_max) + batch_slack_bytes);
  }
  append(std::move(sealed), open_messages_);
  open_messages_ = 0;
  open_context_ = {};
}

void session::append(frame_ptr sealed, std::uint32_t messages) {
  sealed->number = ++last_number_;
  sealed->messages = messages;
  sealed->offset = sealed_bytes_ever_;
  set_number(sealed->bytes, sealed->number);
  sealed_bytes_ever_ += sealed->bytes.size();
  queued_bytes_ += sealed->bytes.size();
  frames_.push_back(std::move(sealed));
}

bool session::wants_to_send() const {
  if (state_ != session_state::up) return false;
  if (next_to_transmit_ <= last_number_) return frames_[next_to_transmit_ - acked_ - 1]->offset < credit_;
  return !open_.empty() && sealed_bytes_ever_ < credit_;
}

frame_ptr session::pull() {
  if (!wants_to_send()) return {};
  if (next_to_transmit_ > last_number_) seal();
  auto next = frames_[next_to_transmit_ - acked_ - 1];
  if (!next->transmitted) {
    next->transmitted = true;
    set_ack(next->bytes, received_);
    acknowledged_by_us();
    transmitted_ever_ = next->number;
    if (next->number == goodbye_number_) frozen_ = true;
  }
  ++next_to_transmit_;
  return next;
}

void session::acknowledged_by_us() {
  unacked_frames_ = 0;
  unacked_bytes_ = 0;
  ack_due_ = time_point::max();
}

std::uint64_t session::advertise() {
  const auto consumed = credit_account_->consumed();
  credit_account_->told(consumed);
  advertised_credit_ = consumed + options_.window_bytes;
  return advertised_credit_;
}

frame_ptr session::make_ack() {
  acknowledged_by_us();
  return encode(ack_frame{received_, advertise()});
}

frame_ptr session::make_heartbeat(time_point now) {
  heartbeat_frame heartbeat;
  heartbeat.ack = received_;
  heartbeat.credit = advertise();
  heartbeat.sent = next_to_transmit_ - 1;
  // Not before what it answers, which may have come after this turn of the loop began.
  const auto made = echo_ns_ == 0 ? now : std::max(now, echo_taken_);
  heartbeat.time_ns = nanoseconds(made);
  heartbeat.echo_ns = echo_ns_;
  heartbeat.echo_delay_ns = echo_ns_ == 0 ? 0 : nanoseconds(made) - nanoseconds(echo_taken_);
  acknowledged_by_us();
  return encode(heartbeat);
}

// A little early rather than late, and at the same moments in all sessions: who has hundreds wakes for
// many at once.
time_point session::together(time_point t) const {
  const time_point::duration grid = std::chrono::nanoseconds{options_.heartbeat} / 8;
  return t - t.time_since_epoch() % grid;
}

bool session::is_control_due(time_point now) const {
  return state_ == session_state::up
         && (now >= heartbeat_due_ || now >= ack_due_ || credit_account_->worth_telling());
}

frame_ptr session::pull_control(time_point now) {
  if (!is_control_due(now)) return {};
  if (now >= heartbeat_due_) {
    heartbeat_due_ = together(now + options_.heartbeat);
    return make_heartbeat(now);
  }
  return make_ack();
}

std::uint64_t session::unacknowledged_messages() const {
  std::uint64_t count = open_messages_;
  for (const auto& kept : frames_)
    count += kept->messages;
  return count;
}

std::deque<frame_ptr> session::take_unacknowledged() {
  seal();
  return std::exchange(frames_, {});
}

// -- receiving -------------------------------------------------------------------------

taken session::take(const decoded_frame& frame, std::size_t frame_bytes, time_point now) {
  if (state_ != session_state::up) return {verdict::nothing, "", {}};
  last_heard_ = now;
  if (const auto* data = std::get_if<data_frame>(&frame))
    return take_data(data->number, data->ack, frame_bytes, now);
  if (const auto* ack = std::get_if<ack_frame>(&frame)) {
    if (const auto* wrong = acknowledge(ack->ack)) return {verdict::violation, wrong, {}};
    grant(ack->credit);
    return {};
  }
  if (const auto* heartbeat = std::get_if<heartbeat_frame>(&frame)) return take_heartbeat(*heartbeat, now);
  if (const auto* goodbye = std::get_if<goodbye_frame>(&frame)) return take_goodbye(*goodbye);
  return {verdict::violation, "a handshake frame in the middle of a session", {}};
}

taken session::take_data(std::uint64_t number, std::uint64_t ack, std::size_t bytes, time_point now) {
  if (const auto* wrong = acknowledge(ack)) return {verdict::violation, wrong, {}};
  if (frozen_ || number <= received_) {
    if (!frozen_) ack_due_ = now; // the acknowledgement must have got lost
    return {};
  }
  if (number != received_ + 1) return {verdict::gap, "a frame is missing", {}};
  if (received_bytes_ >= advertised_credit_)
    return {verdict::violation, "more bytes than it was given credit for", {}};
  received_ = number;
  received_bytes_ += bytes;
  ++unacked_frames_;
  unacked_bytes_ += bytes;
  if (unacked_frames_ >= limits::ack_frames || unacked_bytes_ >= limits::ack_bytes)
    ack_due_ = now;
  else
    ack_due_ = std::min(ack_due_, now + limits::ack_delay);
  return {verdict::deliver, "", {}};
}

taken session::take_goodbye(const goodbye_frame& goodbye) {
  if (const auto* wrong = acknowledge(goodbye.ack)) return {verdict::violation, wrong, {}};
  // Both leave; neither waits for the other's last frames.
  if (frozen_) return {verdict::left, "", {}};
  if (goodbye.number <= received_) return {};
  if (goodbye.number != received_ + 1) return {verdict::gap, "frames are missing before the goodbye", {}};
  received_ = goodbye.number;
  return {verdict::left, "", {}};
}

taken session::take_heartbeat(const heartbeat_frame& heartbeat, time_point now) {
  if (const auto* wrong = acknowledge(heartbeat.ack)) return {verdict::violation, wrong, {}};
  grant(heartbeat.credit);
  taken result;
  if (heartbeat.echo_ns != 0 && nanoseconds(now) >= heartbeat.echo_ns) {
    const auto round = static_cast<std::int64_t>(nanoseconds(now) - heartbeat.echo_ns);
    const auto delay = static_cast<std::int64_t>(
        std::min<std::uint64_t>(heartbeat.echo_delay_ns, static_cast<std::uint64_t>(round)));
    const auto half = (round - delay) / 2;
    const auto remote_now = heartbeat.time_ns + static_cast<std::uint64_t>(half);
    result.clock =
        clock_sample{std::chrono::nanoseconds{static_cast<std::int64_t>(remote_now - nanoseconds(now))},
                     std::chrono::nanoseconds{half}};
  }
  echo_ns_ = heartbeat.time_ns;
  echo_taken_ = now;
  // The first one is answered at once, so that short runs have a clock estimate too.
  if (!std::exchange(heard_heartbeat_, true)) heartbeat_due_ = now;
  if (!frozen_ && heartbeat.sent > received_)
    result.what = verdict::gap, result.detail = "the last frame is missing";
  return result;
}

const char* session::acknowledge(std::uint64_t ack) {
  if (ack > transmitted_ever_) return "an acknowledgement of frames that were never sent";
  while (acked_ < ack) {
    queued_bytes_ -= frames_.front()->bytes.size();
    frames_.pop_front();
    ++acked_;
  }
  next_to_transmit_ = std::max(next_to_transmit_, acked_ + 1);
  return nullptr;
}

bool session::grant(std::uint64_t credit) {
  if (credit <= credit_) return false;
  credit_ = credit;
  return true;
}

// -- time --------------------------------------------------------------------------------

bool session::is_silent(time_point now) const {
  return (state_ == session_state::up || state_ == session_state::cut)
         && now >= last_heard_ + options_.liveness;
}

bool session::is_stale(time_point now) const {
  return state_ == session_state::up && now >= last_heard_ + options_.liveness / 2;
}

void session::stood_still(time_point now) { last_heard_ = std::max(last_heard_, now); }

void session::expect_no_more() {
  options_.liveness = std::min<std::chrono::milliseconds>(options_.liveness, limits::local_last_words);
}

time_point session::next_deadline() const {
  switch (state_) {
  case session_state::up:
    return std::min({ack_due_, heartbeat_due_, last_heard_ + options_.liveness / 2});
  case session_state::cut:
    return last_heard_ + options_.liveness;
  case session_state::waiting:
  case session_state::closed:
    return time_point::max();
  }
  return time_point::max();
}

} // namespace troupe::transport
