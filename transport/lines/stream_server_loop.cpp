#include "transport/lines/stream_server_loop.hpp"

#include "base/thread_name.hpp"

#include <algorithm>
#include <cstring>
#include <stdexcept>
#include <sys/eventfd.h>
#include <unistd.h>

namespace troupe::transport {

namespace {

using std::chrono::milliseconds;

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

} // namespace troupe::transport
