// A stream server's plain TCP: who comes, what the system tells of the sockets, and how they are
// closed so that last words arrive.
#include "transport/lines/stream_server_loop.hpp"

#include <array>
#include <cerrno>
#include <cstring>
#include <stdexcept>
#include <sys/epoll.h>

namespace troupe::transport {

namespace {

constexpr int events_per_step = 256;
constexpr int arrivals_per_step = 64;
/// Clients turned away that still have a descriptor, so that they can read why.
constexpr std::size_t turned_away_max = 32;
/// What is read of a client in one turn.
constexpr std::size_t read_bytes_max = 16U << 10;
/// The listener among the clients' numbers, which begin with 1.
constexpr client_id listener_id = 0;

} // namespace

void stream_server::loop::bind_tcp() {
  listener_socket_.emplace(options_.tcp);
  tcp_address_ = listener_socket_->address();
  epoll_ = ::epoll_create1(EPOLL_CLOEXEC);
  epoll_event event{.events = 0, .data = {.u64 = listener_id}};
  if (epoll_ < 0 || ::epoll_ctl(epoll_, EPOLL_CTL_ADD, listener_socket_->descriptor(), &event) != 0)
    throw std::runtime_error(std::string("cannot watch sockets: ") + std::strerror(errno));
  watch_listener(true);
}

void stream_server::loop::watch_listener(bool wanted) {
  if (std::exchange(listener_watched_, wanted) == wanted) return;
  epoll_event event{.events = wanted ? std::uint32_t{EPOLLIN} : 0U, .data = {.u64 = listener_id}};
  ::epoll_ctl(epoll_, EPOLL_CTL_MOD, listener_socket_->descriptor(), &event);
}

void stream_server::loop::look_at_sockets(time_point now) {
  std::array<epoll_event, events_per_step> events;
  const int count = ::epoll_wait(epoll_, events.data(), events_per_step, 0);
  if (count == events_per_step) more_to_read_ = true;
  for (int i = 0; i < count; ++i) {
    const auto& event = events[static_cast<std::size_t>(i)];
    if (event.data.u64 == listener_id) {
      accept_clients(now);
      continue;
    }
    const auto found = connections_.find(event.data.u64);
    if (found == connections_.end()) continue;
    auto& who = found->second;
    who.readable = who.readable || (event.events & (EPOLLIN | EPOLLHUP)) != 0;
    who.writable = who.writable || (event.events & EPOLLOUT) != 0;
    with(who, [&](line_connection& line) {
      if ((event.events & EPOLLERR) != 0) line.lost(line_ending::client_left);
    });
    give_turn(who);
  }
}

// -- who comes -------------------------------------------------------------------------------

void stream_server::loop::accept_clients(time_point now) {
  for (int i = 0; i < arrivals_per_step; ++i) {
    std::string address;
    auto socket = listener_socket_->accept(address);
    if (!socket) {
      if (errno == ECONNABORTED || errno == EINTR) continue;
      // Without a free descriptor they wait in the system's queue until the next tick.
      if (errno != EAGAIN) watch_listener(false);
      return;
    }
    if (full()) {
      turn_away(std::move(*socket), now);
      continue;
    }
    auto& who = admit({.kind = client_kind::tcp,
                       .socket = std::move(*socket),
                       .said_all_at = {},
                       .route = {},
                       .line = line_connection{limits_, now}},
                      address);
    epoll_event event{.events = EPOLLIN | EPOLLOUT | EPOLLET, .data = {.u64 = who.id}};
    with(who, [&](line_connection& line) {
      if (::epoll_ctl(epoll_, EPOLL_CTL_ADD, who.socket.get(), &event) != 0)
        line.lost(line_ending::client_left);
    });
  }
}

void stream_server::loop::turn_away(tcp_socket socket, time_point now) {
  ++counts_.refused;
  ++counts_.ended[static_cast<std::size_t>(line_ending::refused)];
  const auto words = std::string(why_full()) + '\n';
  socket.send(words.data(), words.size());
  socket.end_output();
  turned_away_.push_back({std::move(socket), now});
  if (turned_away_.size() > turned_away_max) turned_away_.pop_front();
}

void stream_server::loop::let_go_of_turned_away(time_point now) {
  std::erase_if(turned_away_, [&](const turned_away& each) {
    bool over = false;
    each.socket.discard_input(over);
    return over || now - each.since >= options_.limits.closing_timeout;
  });
}

// -- what they say, and are told ---------------------------------------------------------------

void stream_server::loop::read_socket(connection& who, time_point now) {
  std::array<char, read_bytes_max> bytes;
  const auto count = who.socket.receive(bytes.data(), bytes.size());
  const auto why = errno;
  with(who, [&](line_connection& line) {
    if (count > 0) {
      counts_.bytes_in += static_cast<std::uint64_t>(count);
      line.receive({bytes.data(), static_cast<std::size_t>(count)}, now);
      return;
    }
    who.readable = false;
    if (count == 0)
      line.end_of_input(now);
    else if (why != EAGAIN)
      line.lost(line_ending::client_left);
  });
}

bool stream_server::loop::flush_tcp(connection& who, time_point now) {
  while (who.writable && !who.line.output().empty()) {
    const auto output = who.line.output();
    const auto count = who.socket.send(output.data(), output.size());
    if (count < 0 && errno == EAGAIN) {
      who.writable = false; // until the system says otherwise
    } else if (count < 0) {
      account(who, [](line_connection& line) { line.lost(line_ending::client_left); });
    } else {
      counts_.bytes_out += static_cast<std::uint64_t>(count);
      account(who, [&](line_connection& line) { line.sent(static_cast<std::size_t>(count), now); });
    }
  }
  return true;
}

/// Whether the socket may be closed. Closing one with unread input resets the connection, which
/// can overtake what was said last: so the client has its time to read that, and to hang up.
bool stream_server::loop::has_said_goodbye(connection& who, time_point now) {
  if (!who.said_all_at) {
    who.socket.end_output();
    who.said_all_at = now;
  }
  bool over = false;
  const bool drained = who.socket.discard_input(over);
  if (over || (drained && who.socket.has_arrived())) return true;
  if (now - *who.said_all_at >= options_.limits.closing_timeout) return true;
  restless_.insert(who.id);
  return false;
}

} // namespace troupe::transport
