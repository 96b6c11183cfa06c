// How a hub reaches others.
#include "base/thread_name.hpp"
#include "transport/hub/endpoints.hpp"
#include "transport/hub/hub_loop.hpp"

#include <thread>

namespace troupe::transport {

namespace {
constexpr int dealer_events = ZMQ_EVENT_DISCONNECTED | ZMQ_EVENT_CLOSED | ZMQ_EVENT_HANDSHAKE_FAILED_NO_DETAIL
                              | ZMQ_EVENT_HANDSHAKE_FAILED_PROTOCOL | ZMQ_EVENT_HANDSHAKE_FAILED_AUTH;
} // namespace

const char* hub_loop::wrong_with_security(const std::string& endpoint) const {
  if (!is_tcp(endpoint) || options_.security || options_.plaintext || is_tcp_loopback(endpoint))
    return nullptr;
  return "tcp beyond loopback needs keys, or plaintext = true if anybody who can reach the port may take "
         "part";
}

std::string hub_loop::server_key(const std::string& address, const std::string& given) const {
  if (!given.empty()) return given;
  const auto it = options_.security->server_keys.find(address);
  return it == options_.security->server_keys.end() ? options_.security->server_key : it->second;
}

wire_ptr hub_loop::dial(const std::string& endpoint, std::string& why_not) {
  const auto cannot = [&](const std::string& why) {
    why_not = "cannot connect to " + endpoint + ": " + why;
    return nullptr;
  };
  if (const auto* wrong = wrong_with_endpoint(endpoint)) return cannot(wrong);
  const auto [address, given_key] = split_key(endpoint);
  if (const auto* wrong = wrong_with_security(address)) return cannot(wrong);
  std::string key;
  if (is_tcp(address)) {
    if (!options_.security && !given_key.empty()) return cannot("it wants keys, and this node has none");
    if (options_.security && (key = server_key(address, given_key)).empty())
      return cannot("no public key is known for it, neither its own nor one for all");
  }
  try {
    auto line = make_dealer(address, key);
    if (host_to_look_up(address).empty()) {
      if (!line->connect(address)) {
        const std::string why = zmq_strerror(zmq_errno());
        line->close(false);
        return cannot(why);
      }
    } else {
      look_up_and_connect(line, address);
    }
    return line;
  } catch (const std::exception& e) { // descriptors or memory have run out
    return cannot(e.what());
  }
}

std::shared_ptr<dealer_wire> hub_loop::make_dealer(const std::string& address, const std::string& key) {
  auto socket = std::make_unique<zmq_socket>(context_.get(), ZMQ_DEALER);
  configure(*socket, address);
  socket->set(ZMQ_RECONNECT_IVL, -1); // one socket, one connection: the session reconnects
  socket->set(ZMQ_CONNECT_TIMEOUT, static_cast<int>(limits::handshake_timeout.count()));
  if (!key.empty()) {
    socket->set(ZMQ_CURVE_PUBLICKEY, std::string_view(options_.security->own.public_key));
    socket->set(ZMQ_CURVE_SECRETKEY, std::string_view(options_.security->own.secret_key));
    socket->set(ZMQ_CURVE_SERVERKEY, std::string_view(key));
  }
  std::unique_ptr<zmq_socket> monitor;
  if (!is_inproc(address)) monitor = socket->monitor(context_.get(), dealer_events);
  auto line = std::make_shared<dealer_wire>(std::move(socket), std::move(monitor));
  add_dealer(line);
  return line;
}

void hub_loop::add_dealer(const dealer_ptr& line) {
  dealer_channel channel;
  channel.line = line;
  channel.descriptor = line->socket().descriptor();
  if (line->monitor() != nullptr) channel.monitor_descriptor = line->monitor()->descriptor();
  line->on_close = [this](dealer_wire& closing) {
    const auto it = dialled_.find(&closing);
    if (it == dialled_.end()) return;
    for (const int fd : {it->second.descriptor, it->second.monitor_descriptor})
      if (fd >= 0) {
        unwatch(fd);
        dialled_by_descriptor_.erase(fd);
      }
    dialled_.erase(it);
  };
  for (const int fd : {channel.descriptor, channel.monitor_descriptor})
    if (fd >= 0) {
      watch(fd);
      dialled_by_descriptor_[fd] = line.get();
    }
  dialled_.emplace(line.get(), std::move(channel));
}

// Looking up a name may take as long as it likes, so it has a thread of its own, which
// nobody waits for: it only holds what it needs, and the hub may be gone when it is done.
void hub_loop::look_up_and_connect(const dealer_ptr& line, const std::string& address) {
  std::thread([this, address, weak = std::weak_ptr<dealer_wire>(line),
               ready = std::weak_ptr<ready_list>(ready_)] {
    name_thread("troupe.look_up");
    auto found = look_up(address);
    const auto list = ready.lock();
    if (!list) return;
    // Runs on the I/O thread, and only while the hub is there.
    list->post([this, weak, found = std::move(found)] {
      const auto waiting = weak.lock();
      if (!waiting || waiting->is_closed()) return;
      const auto now = look_at_clock();
      if (found.empty())
        board_->on_broken(waiting, "its host name is not known", now);
      else if (!waiting->connect(found))
        board_->on_broken(waiting, zmq_strerror(zmq_errno()), now);
    });
  }).detach();
}

bool hub_loop::is_deserted(const std::string& endpoint) { return transport::is_deserted(endpoint); }

} // namespace troupe::transport
