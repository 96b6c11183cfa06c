#include "transport/zmq/zmq_socket.hpp"

#include "transport/frames/frames.hpp"
#include "transport/zmq/thread_sanitizer.hpp"

#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <stdexcept>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

namespace troupe::transport {

namespace {

// Below this a copy is cheaper than the bookkeeping of a reference.
constexpr std::size_t copied_bytes_max = 1024;
// How long a connection that is no longer wanted may take to deliver what was said last.
constexpr std::chrono::milliseconds flush_linger{200};

void release_frame(void*, void* hint) {
  after_handover();
  frame_ptr::adopt(static_cast<frame*>(hint));
}

[[noreturn]] void fail(const char* what) {
  throw std::runtime_error(std::string(what) + ": " + zmq_strerror(zmq_errno()));
}

} // namespace

zmq_socket::zmq_socket(void* context, int type) : socket_(::zmq_socket(context, type)) {
  if (socket_ == nullptr) fail("cannot make a ZeroMQ socket");
}

zmq_socket::~zmq_socket() { close(std::chrono::milliseconds{0}); }

void zmq_socket::close(std::chrono::milliseconds linger) {
  if (socket_ == nullptr) return;
  if (monitored_) zmq_socket_monitor(socket_, nullptr, 0);
  const int value = static_cast<int>(linger.count());
  zmq_setsockopt(socket_, ZMQ_LINGER, &value, sizeof value);
  zmq_close(socket_);
  socket_ = nullptr;
}

void zmq_socket::set(int option, int value) {
  if (zmq_setsockopt(socket_, option, &value, sizeof value) != 0) fail("cannot set a ZeroMQ socket option");
}
void zmq_socket::set(int option, std::int64_t value) {
  if (zmq_setsockopt(socket_, option, &value, sizeof value) != 0) fail("cannot set a ZeroMQ socket option");
}
void zmq_socket::set(int option, std::string_view value) {
  if (zmq_setsockopt(socket_, option, value.data(), value.size()) != 0)
    fail("cannot set a ZeroMQ socket option");
}

bool zmq_socket::bind(const std::string& endpoint) { return zmq_bind(socket_, endpoint.c_str()) == 0; }
bool zmq_socket::connect(const std::string& endpoint) { return zmq_connect(socket_, endpoint.c_str()) == 0; }

int zmq_socket::descriptor() const {
  int fd = -1;
  std::size_t size = sizeof fd;
  if (zmq_getsockopt(socket_, ZMQ_FD, &fd, &size) != 0) fail("cannot get a ZeroMQ socket's descriptor");
  return fd;
}

bool zmq_socket::look_for_input() {
  int events = 0;
  std::size_t size = sizeof events;
  const bool input = socket_ != nullptr && zmq_getsockopt(socket_, ZMQ_EVENTS, &events, &size) == 0
                     && (events & ZMQ_POLLIN) != 0;
  unchecked.store(input); // what arrives from now on is signalled again
  return input;
}

std::string zmq_socket::last_endpoint() const {
  char text[1024] = {};
  std::size_t size = sizeof text;
  if (zmq_getsockopt(socket_, ZMQ_LAST_ENDPOINT, text, &size) != 0)
    fail("cannot get a ZeroMQ socket's endpoint");
  return text;
}

std::unique_ptr<zmq_socket> zmq_socket::monitor(void* context, int events) {
  static std::atomic<std::uint64_t> count{0};
  const auto name = "inproc://troupe.monitor." + std::to_string(++count);
  if (zmq_socket_monitor(socket_, name.c_str(), events) != 0) fail("cannot monitor a ZeroMQ socket");
  monitored_ = true;
  auto result = std::make_unique<zmq_socket>(context, ZMQ_PAIR);
  result->set(ZMQ_LINGER, 0);
  if (!result->connect(name)) fail("cannot monitor a ZeroMQ socket");
  return result;
}

bool receive_frame(void* socket, zmq_frame& into) {
  if (zmq_msg_recv(&into.message, socket, ZMQ_DONTWAIT) < 0) return false;
  after_handover();
  return true;
}

bool send_frame(void* socket, const frame_ptr& f) {
  zmq_msg_t message;
  const auto size = f->bytes.size();
  if (size <= copied_bytes_max) {
    if (zmq_msg_init_size(&message, size) != 0) throw std::bad_alloc();
    std::memcpy(zmq_msg_data(&message), f->bytes.data(), size);
  } else {
    auto* hint = frame_ptr(f).detach();
    if (zmq_msg_init_data(&message, hint->bytes.data(), size, &release_frame, hint) != 0) {
      frame_ptr::adopt(hint);
      throw std::bad_alloc();
    }
  }
  before_handover();
  while (zmq_msg_send(&message, socket, ZMQ_DONTWAIT) < 0) {
    if (zmq_errno() == EINTR) continue;
    zmq_msg_close(&message);
    return false;
  }
  return true;
}

bool receive_event(void* monitor, monitor_event& out) {
  zmq_frame first;
  if (!receive_frame(monitor, first)) return false;
  zmq_frame address;
  receive_frame(monitor, address);
  std::uint16_t event = 0;
  std::uint32_t value = 0;
  const auto bytes = first.bytes();
  if (bytes.size() >= sizeof event + sizeof value) {
    std::memcpy(&event, bytes.data(), sizeof event);
    std::memcpy(&value, bytes.data() + sizeof event, sizeof value);
  }
  out = {event, static_cast<int>(value)};
  return true;
}

std::string describe(const monitor_event& e) {
  switch (e.event) {
  case ZMQ_EVENT_DISCONNECTED:
    return "the connection was closed";
  case ZMQ_EVENT_CLOSED:
    return "nobody answers at this endpoint";
  case ZMQ_EVENT_HANDSHAKE_FAILED_NO_DETAIL:
    return std::string("handshake failed: ") + std::strerror(e.value);
  case ZMQ_EVENT_HANDSHAKE_FAILED_PROTOCOL:
    return "handshake failed: it does not speak this protocol";
  case ZMQ_EVENT_HANDSHAKE_FAILED_AUTH:
    return "handshake failed: not admitted";
  default:
    return "event " + std::to_string(e.event);
  }
}

// -- outgoing --------------------------------------------------------------------------

bool dealer_wire::connect(const std::string& address) {
  const std::lock_guard guard(socket_->mutex);
  if (closed_ || !socket_->connect(address)) return false;
  connected_ = true;
  socket_->unchecked.store(true, std::memory_order_relaxed);
  for (const auto& f : std::exchange(backlog_, {}))
    send_frame(socket_->get(), f);
  return true;
}

bool dealer_wire::send(const frame_ptr& f) {
  if (closed_) return false;
  if (connected_) return send_frame(socket_->get(), f);
  backlog_.push_back(f);
  return true;
}

bool dealer_wire::transmit(const frame_ptr& f) {
  const std::lock_guard guard(socket_->mutex);
  socket_->unchecked.store(true, std::memory_order_relaxed);
  return send(f);
}

bool dealer_wire::transmit_elsewhere(const frame_ptr& f, bool& input) {
  const std::lock_guard guard(socket_->mutex);
  const bool sent = send(f);
  input = sent && connected_ && socket_->look_for_input();
  return sent;
}

void dealer_wire::close(bool flush) {
  if (closed_) return;
  if (on_close) on_close(*this);
  const std::lock_guard guard(socket_->mutex);
  closed_ = true;
  socket_->close(flush ? flush_linger : std::chrono::milliseconds{0});
  if (monitor_) monitor_->close(std::chrono::milliseconds{0});
}

bool dealer_wire::sever() { return true; } // whoever takes note of it closes the socket

// -- incoming --------------------------------------------------------------------------

namespace {

/// What the system numbers that socket by, which no other living one has; 0: it is none.
std::uint64_t socket_number(int descriptor) {
  struct stat found {};
  return descriptor >= 0 && ::fstat(descriptor, &found) == 0 && S_ISSOCK(found.st_mode)
             ? static_cast<std::uint64_t>(found.st_ino)
             : 0;
}

} // namespace

router_wire::router_wire(std::shared_ptr<zmq_socket> router, std::string id, int descriptor)
    : router_(std::move(router)), id_(std::move(id)), descriptor_(descriptor),
      socket_number_(socket_number(descriptor)) {}

bool router_wire::send(const frame_ptr& f) {
  if (closed_ || router_->get() == nullptr) return false;
  // ROUTER_MANDATORY: an id that is gone is an error here, not a message that vanishes.
  int rc = 0;
  do
    rc = zmq_send(router_->get(), id_.data(), id_.size(), ZMQ_SNDMORE | ZMQ_DONTWAIT);
  while (rc < 0 && zmq_errno() == EINTR);
  return rc >= 0 && send_frame(router_->get(), f);
}

bool router_wire::transmit(const frame_ptr& f) {
  const std::lock_guard guard(router_->mutex);
  router_->unchecked.store(true, std::memory_order_relaxed);
  return send(f);
}

bool router_wire::transmit_elsewhere(const frame_ptr& f, bool& input) {
  const std::lock_guard guard(router_->mutex);
  const bool sent = send(f);
  input = sent && router_->look_for_input();
  return sent;
}

void router_wire::close(bool) {
  if (closed_.exchange(true)) return;
  if (on_close) on_close(*this);
}

bool router_wire::sever() {
  if (descriptor_ < 0) {
    transmit(encode(refuse_frame{refusal::reset, "cut on request"}));
    return true;
  }
  // ZeroMQ may have closed it, and another connection may have its number: a duplicate keeps what it is while
  // that is found out.
  const int held = ::fcntl(descriptor_, F_DUPFD_CLOEXEC, 0);
  if (held < 0) return false;
  // ZeroMQ sees the end of the stream, and so does the peer.
  if (socket_number_ != 0 && socket_number(held) == socket_number_) ::shutdown(held, SHUT_RDWR);
  ::close(held);
  return false;
}

} // namespace troupe::transport
