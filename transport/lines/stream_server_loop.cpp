#include "transport/lines/stream_server_loop.hpp"

#include "base/thread_name.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <stdexcept>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

namespace troupe::transport {

using std::chrono::milliseconds;

namespace {

/// How often clocks are looked at, and what waits to be sent or closed is tried again: ZeroMQ does
/// not tell when one connection can take more, and the system not when all has arrived.
constexpr milliseconds tick_interval{100};
constexpr milliseconds restless_interval{2};
/// Messages read from a socket before commands are looked at again.
constexpr int messages_per_step = 512;
/// Lines that ZeroMQ may hold for one connection.
constexpr int router_frames_held_max = 64;
constexpr milliseconds last_words_linger{300};

std::string text_of(const zmq_frame& frame) { return {frame.bytes().begin(), frame.bytes().end()}; }

bool receive(void* socket, zmq_frame& frame) {
  int rc = 0;
  do
    rc = zmq_msg_recv(&frame.message, socket, ZMQ_DONTWAIT);
  while (rc < 0 && zmq_errno() == EINTR);
  return rc >= 0;
}

} // namespace

stream_server::loop::loop(stream_server_options options, stream_listener& listener)
    : options_(std::move(options)), listener_(listener), files_(options_.connections_max),
      connections_max_(std::max<std::size_t>(1, files_.granted())), limits_(options_.limits) {
  if (!options_.tcp.empty()) bind_tcp();
  if (!options_.zeromq.empty()) bind_zeromq();
  wake_ = ::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
  if (wake_ < 0)
    throw std::runtime_error(std::string("cannot make an event descriptor: ") + std::strerror(errno));
  thread_ = std::thread([this] {
    name_thread("troupe.streams");
    run();
  });
}

stream_server::loop::~loop() {
  post({command::kind::cut, 0, {}, {}});
  thread_.join();
  ::close(wake_);
  if (epoll_ >= 0) ::close(epoll_);
}

void stream_server::loop::bind_zeromq() {
  context_ = std::make_unique<zmq_context>(nullptr, 16);
  router_ = std::make_unique<zmq_socket>(context_->get(), ZMQ_ROUTER);
  router_->set(ZMQ_ROUTER_MANDATORY, 1);
  router_->set(ZMQ_RCVHWM, router_frames_held_max);
  router_->set(ZMQ_SNDHWM, router_frames_held_max);
  router_->set(ZMQ_MAXMSGSIZE, static_cast<std::int64_t>(options_.limits.line_bytes_max));
  router_monitor_ = router_->monitor(context_->get(), ZMQ_EVENT_ACCEPTED | ZMQ_EVENT_DISCONNECTED);
  if (!router_->bind(options_.zeromq))
    throw std::runtime_error("cannot listen on " + options_.zeromq + ": " + zmq_strerror(zmq_errno()));
  zeromq_endpoint_ = router_->last_endpoint();
}

void stream_server::loop::post(command what) {
  bool first = false;
  {
    const std::lock_guard lock(commands_mutex_);
    first = commands_.empty();
    commands_.push_back(std::move(what));
  }
  const std::uint64_t one = 1;
  if (first && ::write(wake_, &one, sizeof one) < 0 && errno != EAGAIN) throw std::logic_error("eventfd");
}

// -- the thread --------------------------------------------------------------------------

void stream_server::loop::run() {
  while (step())
    sleep();
  connections_.clear();
  turned_away_.clear();
  listener_socket_.reset();
  for (auto* socket : {&router_, &router_monitor_})
    if (*socket) (*socket)->close(cut_ ? milliseconds{0} : last_words_linger);
  if (!cut_) listener_.on_stopped(counts_);
}

stream_server::loop::time_point stream_server::loop::now() {
  const auto present = clock::now();
  stood_still_ += standstill_.look(present);
  return present - stood_still_;
}

bool stream_server::loop::step() {
  const auto now = this->now();
  run_commands(now);
  if (cut_) return false;
  if (epoll_ >= 0) look_at_sockets(now);
  if (router_ && reads_router()) {
    read_router(now);
    read_router_monitor();
  }
  take_turns(now);
  settle_restless(now);
  if (now >= next_tick_) {
    next_tick_ = now + tick_interval;
    tick(now);
  }
  return !stopping_ || !connections_.empty();
}

void stream_server::loop::sleep() {
  zmq_pollitem_t items[4] = {{nullptr, wake_, ZMQ_POLLIN, 0}, {}, {}, {}};
  int count = 1;
  if (epoll_ >= 0) items[count++] = {nullptr, epoll_, ZMQ_POLLIN, 0};
  if (router_ && reads_router())
    for (auto* socket : {&router_, &router_monitor_})
      items[count++] = {(*socket)->get(), 0, ZMQ_POLLIN, 0};
  auto patience = restless_.empty() ? tick_interval : restless_interval;
  if (std::exchange(more_to_read_, false) || (!turns_.empty() && accepts_lines())) patience = milliseconds{0};
  zmq_poll(items, count, static_cast<long>(patience.count()));
}

void stream_server::loop::run_commands(time_point now) {
  std::uint64_t ignored = 0;
  [[maybe_unused]] const auto cleared = ::read(wake_, &ignored, sizeof ignored);
  std::vector<command> commands;
  {
    const std::lock_guard lock(commands_mutex_);
    commands.swap(commands_);
  }
  for (auto& each : commands)
    run_command(each, now);
}

void stream_server::loop::run_command(command& what, time_point now) {
  auto found = connections_.find(what.client);
  auto* who = found != connections_.end() ? &found->second : nullptr;
  switch (what.what) {
  case command::kind::answer:
    if (who != nullptr) with(*who, [&](line_connection& line) { line.answer(what.text, now); });
    break;
  case command::kind::notify:
    if (who != nullptr) with(*who, [&](line_connection& line) { line.notify(what.text, now); });
    break;
  case command::kind::fail:
    if (who != nullptr)
      with(*who, [&](line_connection& line) { line.give_up(line_ending::handler_failed, what.text, now); });
    break;
  case command::kind::stop:
    if (std::exchange(stopping_, true)) break;
    stop_deadline_ = now + what.patience;
    for (auto& [id, each] : connections_)
      with(each, [&](line_connection& line) { line.end(line_ending::stopped, {}, now); });
    listener_.on_intake_closed();
    break;
  case command::kind::cut:
    cut_ = true;
    break;
  }
}

// -- ZeroMQ ----------------------------------------------------------------------------------

void stream_server::loop::read_router(time_point now) {
  for (int i = 0; i < messages_per_step; ++i) {
    zmq_frame route;
    if (!receive(router_->get(), route)) return;
    std::vector<std::string> parts;
    int descriptor = -1;
    for (bool more = zmq_msg_more(&route.message) != 0; more;) {
      zmq_frame part;
      if (!receive(router_->get(), part)) break;
      more = zmq_msg_more(&part.message) != 0;
      descriptor = zmq_msg_get(&part.message, ZMQ_SRCFD);
      if (parts.size() < 3) parts.push_back(text_of(part));
    }
    on_message(route, parts, descriptor, now);
    if (!reads_router()) return;
  }
  more_to_read_ = true;
}

void stream_server::loop::on_message(zmq_frame& route, std::vector<std::string>& parts, int descriptor,
                                     time_point now) {
  auto name = text_of(route);
  const bool delimiter = parts.size() > 1 && parts.front().empty();
  auto known = peers_.find(name);
  // The descriptor may have been another client's, whose end is still to be read.
  if (known == peers_.end()) read_router_monitor();
  if (known == peers_.end() && full()) {
    ++counts_.refused;
    ++counts_.ended[static_cast<std::size_t>(line_ending::refused)];
    if (zmq_send(router_->get(), name.data(), name.size(), ZMQ_SNDMORE | ZMQ_DONTWAIT) < 0) return;
    if (delimiter) zmq_send(router_->get(), nullptr, 0, ZMQ_SNDMORE | ZMQ_DONTWAIT);
    zmq_send(router_->get(), why_full().data(), why_full().size(), ZMQ_DONTWAIT);
    return;
  }
  auto& who = known != peers_.end() ? connections_.at(known->second)
                                    : admit({.kind = client_kind::zeromq,
                                             .socket = tcp_socket{},
                                             .said_all_at = {},
                                             .route = std::move(name),
                                             .descriptor = descriptor,
                                             .line = line_connection{limits_, now}},
                                            {});
  who.delimiter = delimiter;
  with(who, [&](line_connection& line) {
    if (parts.size() != (delimiter ? 2U : 1U)) {
      line.notify("error: a message has one part, the text", now);
      return;
    }
    counts_.bytes_in += parts.back().size();
    line.receive_line(std::move(parts.back()), now);
  });
  // It said this much and left before we knew it.
  if (gone_descriptors_.contains(descriptor)) {
    take_turn(who, now);
    with(who, [](line_connection& line) { line.lost(line_ending::client_left); });
  }
}

void stream_server::loop::read_router_monitor() {
  monitor_event event;
  while (receive_event(router_monitor_->get(), event)) {
    if (event.event == ZMQ_EVENT_ACCEPTED) {
      gone_descriptors_.erase(event.value);
      continue;
    }
    gone_descriptors_.insert(event.value);
    auto found = peers_by_descriptor_.find(event.value);
    if (found == peers_by_descriptor_.end()) continue;
    with(connections_.at(found->second), [](line_connection& line) { line.lost(line_ending::client_left); });
  }
}

// -- connections: when they are read, what they are sent, how they end --------------------------

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

// -- plain TCP ----------------------------------------------------------------------------------

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
