// ZeroMQ's C interface with owners, and the wires made of its sockets.
#pragma once

#include "transport/session/inbound.hpp"
#include "transport/session/wire.hpp"

#include <atomic>
#include <cstdint>
#include <mutex>
#include <zmq.h>

namespace troupe::transport {

/// One ZeroMQ socket that several threads use in turn, each under the mutex.
class zmq_socket {
 public:
  /// Throws std::runtime_error.
  zmq_socket(void* context, int type);
  ~zmq_socket(); ///< closes it, without waiting
  zmq_socket(const zmq_socket&) = delete;
  zmq_socket& operator=(const zmq_socket&) = delete;

  void set(int option, int value);
  void set(int option, std::int64_t value);
  void set(int option, std::string_view value);
  /// False and errno on failure.
  bool bind(const std::string& endpoint);
  bool connect(const std::string& endpoint);
  /// The descriptor to poll; it is edge-triggered: receive until there is nothing.
  int descriptor() const;
  std::string last_endpoint() const;
  /// Starts the socket's monitor and returns the socket that its events come from.
  std::unique_ptr<zmq_socket> monitor(void* context, int events);

  /// Whether something can be received now; sets `unchecked` accordingly. Under the mutex.
  bool look_for_input();

  void* get() const { return socket_; }
  /// Closes it; what was sent may still go out for `linger`. Under the mutex, once.
  void close(std::chrono::milliseconds linger);

  std::mutex mutex;
  /// A send may have swallowed the signal of something that arrived: look before sleeping.
  std::atomic<bool> unchecked{false};

 private:
  void* socket_ = nullptr;
  bool monitored_ = false;
};

/// A frame in ZeroMQ's memory.
struct zmq_frame final : raw_frame {
  zmq_frame() { zmq_msg_init(&message); }
  zmq_frame(const zmq_frame&) = delete;
  zmq_frame& operator=(const zmq_frame&) = delete;
  ~zmq_frame() override { zmq_msg_close(&message); }
  std::span<const char> bytes() const override {
    return {static_cast<const char*>(zmq_msg_data(&message)), zmq_msg_size(&message)};
  }
  mutable zmq_msg_t message;
};

/// Sends the frame, by reference where that is cheaper. False: the socket did not take it.
bool send_frame(void* socket, const frame_ptr&);

/// Receives one part into an empty frame; false when there is none now.
bool receive_frame(void* socket, zmq_frame& into);

/// What a monitor socket said.
struct monitor_event {
  int event = 0;
  int value = 0;
};
/// False when there is none.
bool receive_event(void* monitor, monitor_event&);
std::string describe(const monitor_event&);

/// An outgoing connection: one DEALER, for one connection only.
class dealer_wire final : public wire {
 public:
  dealer_wire(std::unique_ptr<zmq_socket> socket, std::unique_ptr<zmq_socket> monitor)
      : socket_(std::move(socket)), monitor_(std::move(monitor)) {}
  /// False and errno on failure. Until then transmit() keeps what it is given.
  bool connect(const std::string& address);
  bool transmit(const frame_ptr&) override;
  bool transmit_elsewhere(const frame_ptr&, bool& input) override;
  void close(bool flush) override;
  bool sever() override;

  zmq_socket& socket() { return *socket_; }
  zmq_socket* monitor() { return monitor_.get(); }
  bool is_closed() const { return closed_; }
  std::function<void(dealer_wire&)> on_close; ///< before the descriptors go

 private:
  bool send(const frame_ptr&); ///< under the socket's mutex

  const std::unique_ptr<zmq_socket> socket_;
  const std::unique_ptr<zmq_socket> monitor_; ///< null for inproc, which has no events
  std::atomic<bool> closed_{false};
  bool connected_ = false;         ///< under the socket's mutex
  std::vector<frame_ptr> backlog_; ///< until connected
};

/// An accepted connection: one routing id of the ROUTER.
class router_wire final : public wire {
 public:
  router_wire(std::shared_ptr<zmq_socket> router, std::string id, int descriptor);
  bool transmit(const frame_ptr&) override;
  bool transmit_elsewhere(const frame_ptr&, bool& input) override;
  void close(bool flush) override;
  bool sever() override;
  bool may_be(const std::string& node_name) const override { return !may_be_ || may_be_(node_name); }
  void set_may_be(std::function<bool(const std::string&)> f) { may_be_ = std::move(f); }

  bool is_over() const override { return over_; }
  void set_over() { over_ = true; } ///< I/O thread, as is_over()

  const std::string& id() const { return id_; }
  int descriptor() const { return descriptor_; }
  std::function<void(router_wire&)> on_close;

 private:
  bool send(const frame_ptr&);

  const std::shared_ptr<zmq_socket> router_;
  const std::string id_;
  std::function<bool(const std::string&)> may_be_; ///< empty: any name
  const int descriptor_;                           ///< of the connection, owned by ZeroMQ; -1 for inproc
  const std::uint64_t socket_number_;              ///< the system's; a descriptor may be another's by now
  bool over_ = false;
  std::atomic<bool> closed_{false};
};

} // namespace troupe::transport
