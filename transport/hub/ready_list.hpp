// What wakes a hub's I/O thread.
#pragma once

#include "transport/session/link.hpp"

namespace troupe::transport {

/// Links with something to transmit, and the eventfd that wakes the I/O thread, which is
/// written only while that thread sleeps.
class ready_list final : public output_sink {
 public:
  ready_list();
  ~ready_list() override;
  ready_list(const ready_list&) = delete;
  ready_list& operator=(const ready_list&) = delete;

  void ready(const link_ptr&) override;
  void post(std::function<void()> command);
  void wake() override;
  bool allows_direct() const override { return true; }

  // I/O thread.
  std::vector<link_ptr> take_links();
  std::vector<std::function<void()>> take_commands();
  int descriptor() const { return descriptor_; }
  /// Declares that the thread is about to sleep; false when there is work already.
  bool try_sleep();
  /// It has slept; `signalled`: the descriptor was readable.
  void awake(bool signalled);
  /// The thread ends: nobody will transmit any more. Links hold the list, so that one that stayed in
  /// it would live for ever.
  void close();

 private:
  const int descriptor_;
  std::atomic<bool> sleeping_{false};
  std::mutex mutex_;
  bool closed_ = false;
  std::vector<link_ptr> links_;
  std::vector<std::function<void()>> commands_;
};

} // namespace troupe::transport
