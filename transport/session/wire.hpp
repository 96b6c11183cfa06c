// What the protocol needs of its surroundings: one connection, and somebody who dials.
#pragma once

#include "transport/frames/frame_buffer.hpp"

#include <memory>
#include <string>

namespace troupe::transport {

/// One connection between two nodes: ordered, and broken or not. What arrives on it is
/// told to the switchboard by whoever made it.
class wire {
 public:
  virtual ~wire() = default;
  /// Queues a frame. False: the wire is broken. Thread-safe; never blocks.
  virtual bool transmit(const frame_ptr&) = 0;
  /// As transmit(), on a thread that does not read this wire. `input`: something has
  /// arrived, of which the reading thread may not hear, and must be told.
  virtual bool transmit_elsewhere(const frame_ptr& f, bool& input) {
    input = false;
    return transmit(f);
  }
  /// Ends it. What was transmitted is still delivered if `flush`, and may be lost if not.
  virtual void close(bool flush) = 0;
  /// Breaks it as a pulled cable would, for fault injection. True: it is broken now;
  /// false: that will be noticed and told.
  virtual bool sever() = 0;
  /// Whether the key that the other side has shown may be used for a node of that name.
  virtual bool may_be(const std::string& /*node_name*/) const { return true; }
  /// True when the other side has closed it, even if the switchboard has not been told yet.
  virtual bool is_over() const { return false; }
};
using wire_ptr = std::shared_ptr<wire>;

class dialler {
 public:
  virtual ~dialler() = default;
  /// A wire to `endpoint`, not connected yet. Null and a reason when it can never be.
  virtual wire_ptr dial(const std::string& endpoint, std::string& why_not) = 0;
  /// True when certainly nobody listens at this endpoint any more, which can be told
  /// only of processes on this host.
  virtual bool is_deserted(const std::string& endpoint) = 0;
};

} // namespace troupe::transport
