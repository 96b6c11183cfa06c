// A stream server's connections: when they are read, what they are sent, and how they end.
#include "transport/lines/stream_server_loop.hpp"

namespace troupe::transport {

namespace {

/// What a client may have waiting when all together have too much.
constexpr std::size_t fair_share_bytes = 64U << 10;
/// Turns taken before commands are looked at again.
constexpr std::size_t turns_per_step = 256;

} // namespace

std::string_view stream_server::loop::why_full() const {
  return stopping_ ? "error: the server stops" : "error: there are too many connections";
}

stream_server::loop::connection& stream_server::loop::admit(connection arrived, const std::string& address) {
  const auto id = arrived.id = next_id_++;
  if (arrived.kind == client_kind::zeromq) {
    peers_.emplace(arrived.route, id);
    if (arrived.descriptor >= 0) peers_by_descriptor_[arrived.descriptor] = id;
  }
  auto& who = connections_.emplace(id, std::move(arrived)).first->second;
  ++counts_.connections;
  counts_.connections_peak = std::max<std::uint64_t>(counts_.connections_peak, connections_.size());
  listener_.on_connected(id, who.kind, address);
  return who;
}

// -- input ---------------------------------------------------------------------------------

/// If it has something to say that may be accepted.
void stream_server::loop::give_turn(connection& who) {
  const bool wanted = who.line.can_take_lines() || (who.readable && who.line.wants_input());
  if (wanted && !std::exchange(who.waits_for_turn, true)) turns_.push_back(who.id);
}

void stream_server::loop::take_turns(time_point now) {
  for (auto left = std::min(turns_.size(), turns_per_step); left > 0 && accepts_lines(); --left) {
    const auto id = turns_.front();
    turns_.pop_front();
    const auto found = connections_.find(id);
    if (found == connections_.end()) continue;
    found->second.waits_for_turn = false;
    take_turn(found->second, now);
  }
}

/// As many lines as it has room for; what follows waits for the next turn.
void stream_server::loop::take_turn(connection& who, time_point now) {
  if (who.readable && who.line.wants_input()) read_socket(who, now);
  std::vector<std::string> lines;
  with(who, [&](line_connection& line) { line.take_lines(now, lines); });
  for (auto& line : lines)
    listener_.on_line(who.id, std::move(line));
}

// -- output --------------------------------------------------------------------------------

/// False: it cannot take more just now, and nobody tells when it can.
bool stream_server::loop::flush_zeromq(connection& who, time_point now) {
  while (!who.line.output().empty()) {
    const auto line = who.line.output_line();
    if (zmq_send(router_->get(), who.route.data(), who.route.size(), ZMQ_SNDMORE | ZMQ_DONTWAIT) < 0) {
      if (zmq_errno() == EAGAIN || zmq_errno() == EINTR) return false;
      with(who, [](line_connection& gone) { gone.lost(line_ending::client_left); });
      return true;
    }
    if (who.delimiter) zmq_send(router_->get(), nullptr, 0, ZMQ_SNDMORE | ZMQ_DONTWAIT);
    if (zmq_send(router_->get(), line.data(), line.size() - 1, ZMQ_DONTWAIT) < 0) return false;
    const auto size = line.size();
    counts_.bytes_out += size - 1;
    account(who, [&](line_connection& each) { each.sent(size, now); });
  }
  return true;
}

void stream_server::loop::flush(connection& who, time_point now) {
  if (!(who.kind == client_kind::tcp ? flush_tcp(who, now) : flush_zeromq(who, now)))
    restless_.insert(who.id);
}

// -- ends ----------------------------------------------------------------------------------

void stream_server::loop::settle(connection& who, time_point now) {
  flush(who, now);
  if (who.line.may_close() && (who.kind == client_kind::zeromq || has_said_goodbye(who, now)))
    account(who, [](line_connection& line) { line.lost(line.why()); });
  if (who.line.gone()) {
    close(who);
    return;
  }
  give_turn(who);
}

void stream_server::loop::close(connection& who) {
  const auto why = who.line.why();
  const auto index = static_cast<std::size_t>(why);
  ++counts_.ended[index];
  counts_.accepted += who.line.accepted();
  counts_.answered += who.line.answered();
  counts_.unanswered[index] += who.line.unanswered();
  if (who.kind == client_kind::zeromq) {
    peers_.erase(who.route);
    if (auto found = peers_by_descriptor_.find(who.descriptor);
        found != peers_by_descriptor_.end() && found->second == who.id)
      peers_by_descriptor_.erase(found);
  }
  if (why == line_ending::slow_reader) who.socket.reset_on_close(); // the system forgets it, too
  const auto id = who.id;
  restless_.erase(id);
  connections_.erase(id);
  listener_.on_closed(id, why);
}

void stream_server::loop::settle_restless(time_point now) {
  const std::vector<client_id> changed{restless_.begin(), restless_.end()};
  restless_.clear();
  for (auto id : changed) {
    auto found = connections_.find(id);
    if (found == connections_.end()) continue;
    settle(found->second, now);
  }
  limits_.queued_bytes_max = options_.limits.queued_bytes_max;
  if (queued_bytes_ > options_.queued_bytes_max)
    limits_.queued_bytes_max = std::min(limits_.queued_bytes_max, fair_share_bytes);
}

void stream_server::loop::tick(time_point now) {
  const bool over = stopping_ && now >= stop_deadline_;
  for (auto& [id, each] : connections_) {
    const auto before = each.line.now_in();
    account(each, [&](line_connection& line) {
      line.tick(now);
      if (over) line.lost(line_ending::stopped);
    });
    if (each.line.now_in() != before) restless_.insert(id);
  }
  let_go_of_turned_away(now);
  if (listener_socket_) watch_listener(true);
}

} // namespace troupe::transport
