// What nodes of one process share to reach each other over inproc endpoints.
#pragma once

namespace troupe::transport {

/// Owns a ZeroMQ context; must outlive every hub that uses it (hub_options::zmq_context).
class inproc_context {
 public:
  /// Throws std::runtime_error if the system has no room for one.
  inproc_context();
  /// Waits until the hubs have closed their sockets.
  ~inproc_context();
  inproc_context(const inproc_context&) = delete;
  inproc_context& operator=(const inproc_context&) = delete;

  void* get() const { return context_; }

 private:
  void* context_;
};

} // namespace troupe::transport
