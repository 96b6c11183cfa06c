// The inside of an inbound frame.
#pragma once

#include "transport/frames/envelope.hpp"
#include "transport/session/session.hpp"

#include <functional>

namespace troupe::transport {

/// Owns a received frame's bytes, wherever they came from; gives credit back at its end.
struct inbound_frame::impl {
  virtual ~impl();
  virtual std::span<const char> bytes() const = 0;

  std::span<const char> left; ///< checked envelopes that have yet to be read
  envelope_context context;
  std::shared_ptr<credit_account> credit; ///< null until the session has accepted it
  /// Tells the I/O thread that there is credit worth telling the peer of.
  std::shared_ptr<std::function<void()>> on_credit;
};

struct inbound_frame_access {
  using impl = inbound_frame::impl;
  static inbound_frame make(std::unique_ptr<impl> i) { return inbound_frame(std::move(i)); }
};
using raw_frame = inbound_frame_access::impl;
using raw_frame_ptr = std::unique_ptr<raw_frame>;

/// A frame in ordinary memory.
struct buffered_frame final : raw_frame {
  explicit buffered_frame(byte_buffer b) : buffer(std::move(b)) {}
  std::span<const char> bytes() const override { return buffer; }
  byte_buffer buffer;
};

} // namespace troupe::transport
