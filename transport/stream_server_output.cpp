// A stream server's connections: what they are sent, and how they end.
#include "transport/stream_server_loop.hpp"

#include <cstddef>
#include <linux/tcp.h>
#include <sys/socket.h>

namespace troupe::transport {

namespace {

/// Bytes of a stream that are handed to ZeroMQ at a time.
constexpr std::size_t chunk_bytes_max = 16U << 10;
/// What a client may have waiting when all together have too much.
constexpr std::size_t fair_share_bytes = 64U << 10;
constexpr int protocol_tcp = 6;

} // namespace

std::string_view stream_server::loop::why_full() const {
  return stopping_ ? "error: the server stops" : "error: there are too many connections";
}

stream_server::loop::connection& stream_server::loop::admit(client_kind kind, std::string route,
                                                            const char* address, int descriptor,
                                                            time_point now) {
  const auto id = next_id_++;
  (kind == client_kind::tcp ? streams_ : peers_).emplace(route, id);
  if (kind == client_kind::zeromq && descriptor >= 0) peers_by_descriptor_[descriptor] = id;
  auto& who = connections_
                  .emplace(id, connection{.id = id,
                                          .kind = kind,
                                          .route = std::move(route),
                                          .delimiter = false,
                                          .descriptor = descriptor,
                                          .bytes_out = 0,
                                          .closing_since = {},
                                          .line = line_connection{options_.limits, now}})
                  .first->second;
  ++counts_.connections;
  counts_.connections_peak = std::max<std::uint64_t>(counts_.connections_peak, connections_.size());
  listener_.on_connected(id, kind, address != nullptr ? address : "");
  return who;
}

void stream_server::loop::deliver(connection& who, std::vector<std::string>& lines) {
  for (auto& line : lines)
    listener_.on_line(who.id, std::move(line));
}

// -- output --------------------------------------------------------------------------------

/// False: it cannot take more just now.
bool stream_server::loop::flush_tcp(connection& who, time_point now) {
  while (!who.line.output().empty()) {
    const auto chunk = who.line.output().substr(0, chunk_bytes_max);
    if (zmq_send(stream_->get(), who.route.data(), who.route.size(), ZMQ_SNDMORE | ZMQ_DONTWAIT) < 0) {
      if (zmq_errno() == EAGAIN || zmq_errno() == EINTR) return false;
      with(who, [](line_connection& line) { line.lost(line_ending::client_left); });
      return true;
    }
    if (zmq_send(stream_->get(), chunk.data(), chunk.size(), ZMQ_DONTWAIT) < 0) return false;
    const auto size = chunk.size();
    who.bytes_out += size;
    counts_.bytes_out += size;
    with(who, [&](line_connection& line) { line.sent(size, now); });
  }
  return true;
}

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
    with(who, [&](line_connection& each) { each.sent(size, now); });
  }
  return true;
}

void stream_server::loop::flush(connection& who, time_point now) {
  if (!(who.kind == client_kind::tcp ? flush_tcp(who, now) : flush_zeromq(who, now)))
    restless_.insert(who.id);
  if (queued_bytes_ > options_.queued_bytes_max && who.line.queued_bytes() > fair_share_bytes)
    with(who, [](line_connection& line) { line.lost(line_ending::slow_reader); });
}

/// Whether the client's system has acknowledged everything: only then is a connection
/// closed, since closing drops what is still on its way.
bool stream_server::loop::has_arrived(const connection& who) const {
  if (who.kind != client_kind::tcp || who.descriptor < 0) return true;
  tcp_info info{};
  socklen_t size = sizeof info;
  if (::getsockopt(who.descriptor, protocol_tcp, TCP_INFO, &info, &size) != 0) return true;
  constexpr auto enough = offsetof(tcp_info, tcpi_bytes_acked) + sizeof info.tcpi_bytes_acked;
  return size < enough || info.tcpi_bytes_acked >= who.bytes_out;
}

// -- ends ----------------------------------------------------------------------------------

void stream_server::loop::settle(connection& who, time_point now) {
  flush(who, now);
  if (who.line.may_close()) {
    if (!who.closing_since) who.closing_since = now;
    const bool in_time = now - *who.closing_since < options_.limits.closing_timeout;
    if (in_time && !has_arrived(who)) {
      restless_.insert(who.id);
      return;
    }
    with(who, [](line_connection& line) { line.lost(line.why()); });
  }
  if (who.line.gone()) close(who);
}

void stream_server::loop::close(connection& who) {
  const auto why = who.line.why();
  const auto index = static_cast<std::size_t>(why);
  ++counts_.ended[index];
  counts_.accepted += who.line.accepted();
  counts_.answered += who.line.answered();
  counts_.unanswered[index] += who.line.unanswered();
  if (who.kind == client_kind::tcp) {
    if (zmq_send(stream_->get(), who.route.data(), who.route.size(), ZMQ_SNDMORE | ZMQ_DONTWAIT) >= 0)
      zmq_send(stream_->get(), nullptr, 0, ZMQ_DONTWAIT);
    streams_.erase(who.route);
  } else {
    peers_.erase(who.route);
    if (auto found = peers_by_descriptor_.find(who.descriptor);
        found != peers_by_descriptor_.end() && found->second == who.id)
      peers_by_descriptor_.erase(found);
  }
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
}

void stream_server::loop::tick(time_point now) {
  const bool over = stopping_ && now >= stop_deadline_;
  for (auto& [id, each] : connections_)
    with(each, [&](line_connection& line) {
      line.tick(now);
      if (over) line.lost(line_ending::stopped);
    });
}

} // namespace troupe::transport
