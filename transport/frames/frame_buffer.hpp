// Outgoing frames: built once, then shared by the retransmission queue and by ZeroMQ,
// which sends them without a copy.
#pragma once

#include "transport/frames/peer.hpp"

#include <atomic>
#include <utility>

namespace troupe::transport {

/// Its bytes do not change once a wire has seen them.
struct frame {
  byte_buffer bytes;
  std::uint64_t number = 0;   ///< 0: not numbered
  std::uint64_t offset = 0;   ///< bytes of numbered frames before it in its session
  std::uint32_t messages = 0; ///< envelopes of kind message in it
  bool transmitted = false;   ///< on any wire, at least once

 private:
  friend class frame_ptr;
  std::atomic<std::uint32_t> references_{0};
};

/// Shared ownership of one frame; copies may live in different threads.
class frame_ptr {
 public:
  frame_ptr() = default;
  static frame_ptr make() { return frame_ptr{new frame}; }
  frame_ptr(const frame_ptr& other) : frame_(other.frame_) { acquire(); }
  frame_ptr(frame_ptr&& other) noexcept : frame_(std::exchange(other.frame_, nullptr)) {}
  frame_ptr& operator=(frame_ptr other) noexcept {
    std::swap(frame_, other.frame_);
    return *this;
  }
  ~frame_ptr() { release(); }

  frame* operator->() const { return frame_; }
  frame& operator*() const { return *frame_; }
  explicit operator bool() const { return frame_ != nullptr; }

  /// Hands this reference to foreign code as a raw pointer; adopt() takes it back.
  frame* detach() { return std::exchange(frame_, nullptr); }
  static frame_ptr adopt(frame* detached) {
    frame_ptr result;
    result.frame_ = detached;
    return result;
  }

 private:
  explicit frame_ptr(frame* f) : frame_(f) { acquire(); }
  void acquire() {
    if (frame_ != nullptr) frame_->references_.fetch_add(1, std::memory_order_relaxed);
  }
  void release() {
    if (frame_ != nullptr && frame_->references_.fetch_sub(1, std::memory_order_acq_rel) == 1) delete frame_;
  }
  frame* frame_ = nullptr;
};

} // namespace troupe::transport
