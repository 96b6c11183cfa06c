#include "transport/lines/line_clients.hpp"

#include "base/open_files.hpp"
#include "transport/zmq/zmq_socket.hpp"

#include <cstdint>
#include <cstring>
#include <stdexcept>
#include <sys/eventfd.h>
#include <unistd.h>

namespace troupe::transport {

namespace {

/// Sockets that ZeroMQ itself needs, and some to spare: one is closed before the next opens,
/// but in the background.
constexpr int spare_sockets = 64;
/// Open files of a ZeroMQ socket that has one connection.
constexpr std::size_t files_each = 2;

/// So many clients can be had, or it throws.
std::size_t affordable(std::size_t clients, const file_reservation& files) {
  if (files.granted() < clients * files_each)
    throw std::runtime_error(std::to_string(clients) + " ZeroMQ clients need "
                             + std::to_string(clients * files_each)
                             + " open files, and the system allows this process only "
                             + std::to_string(files.granted()) + " more: see ulimit -Hn");
  return clients;
}

struct owned_context {
  explicit owned_context(std::size_t sockets) : context(zmq_ctx_new()) {
    if (context == nullptr) throw std::runtime_error("cannot make a ZeroMQ context");
    zmq_ctx_set(context, ZMQ_MAX_SOCKETS, static_cast<int>(2 * sockets) + spare_sockets);
  }
  ~owned_context() { zmq_ctx_term(context); }
  owned_context(const owned_context&) = delete;
  owned_context& operator=(const owned_context&) = delete;
  void* context;
};

struct event_descriptor {
  event_descriptor() : number(::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)) {
    if (number < 0)
      throw std::runtime_error(std::string("cannot make an event descriptor: ") + std::strerror(errno));
  }
  ~event_descriptor() { ::close(number); }
  event_descriptor(const event_descriptor&) = delete;
  event_descriptor& operator=(const event_descriptor&) = delete;
  int number;
};

} // namespace

struct line_clients::sockets {
  sockets(std::string where, std::size_t count)
      : endpoint(std::move(where)), files(count * files_each), context(affordable(count, files)), all(count) {
    polled.push_back({nullptr, wake.number, ZMQ_POLLIN, 0});
  }

  /// Lists the open sockets anew, after one was opened or closed.
  void list() {
    if (!std::exchange(changed, false)) return;
    polled.resize(1);
    who.clear();
    for (std::size_t i = 0; i < all.size(); ++i) {
      if (!all[i]) continue;
      polled.push_back({all[i]->get(), 0, ZMQ_POLLIN, 0});
      who.push_back(i);
    }
  }

  void read(std::size_t client, std::vector<line>& into) {
    zmq_frame frame;
    while (all[client] && receive_frame(all[client]->get(), frame)) {
      const auto bytes = frame.bytes();
      into.push_back({client, {bytes.data(), bytes.size()}});
    }
  }

  const std::string endpoint;
  file_reservation files;
  event_descriptor wake;
  owned_context context;
  std::vector<std::unique_ptr<zmq_socket>> all; ///< null: not connected
  std::vector<zmq_pollitem_t> polled;           ///< the wake-up, then the open sockets
  std::vector<std::size_t> who;                 ///< whose they are
  bool changed = false;
};

line_clients::line_clients(std::string endpoint, std::size_t clients)
    : sockets_(std::make_unique<sockets>(std::move(endpoint), clients)) {}
line_clients::~line_clients() = default;

void line_clients::connect(std::size_t client) {
  auto& slot = sockets_->all.at(client);
  slot.reset();
  auto socket = std::make_unique<zmq_socket>(sockets_->context.context, ZMQ_DEALER);
  socket->set(ZMQ_LINGER, 0);
  if (!socket->connect(sockets_->endpoint))
    throw std::runtime_error("cannot connect to " + sockets_->endpoint + ": " + zmq_strerror(zmq_errno()));
  slot = std::move(socket);
  sockets_->changed = true;
}

bool line_clients::send(std::size_t client, std::string_view text) {
  auto& slot = sockets_->all.at(client);
  return slot && zmq_send(slot->get(), text.data(), text.size(), ZMQ_DONTWAIT) >= 0;
}

void line_clients::close(std::size_t client) {
  auto& slot = sockets_->all.at(client);
  sockets_->changed = sockets_->changed || slot != nullptr;
  slot.reset();
}

void line_clients::wait(std::chrono::milliseconds time, std::vector<line>& into) {
  auto& own = *sockets_;
  own.list();
  if (zmq_poll(own.polled.data(), static_cast<int>(own.polled.size()), static_cast<long>(time.count())) <= 0)
    return;
  std::uint64_t ignored = 0;
  if (own.polled.front().revents != 0) {
    [[maybe_unused]] const auto cleared = ::read(own.wake.number, &ignored, sizeof ignored);
  }
  for (std::size_t i = 1; i < own.polled.size(); ++i)
    if (own.polled[i].revents != 0) own.read(own.who[i - 1], into);
}

void line_clients::wake() {
  const std::uint64_t one = 1;
  [[maybe_unused]] const auto written = ::write(sockets_->wake.number, &one, sizeof one);
}

} // namespace troupe::transport
