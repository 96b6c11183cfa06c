// Messages that leave together.
#pragma once

#include <memory>
#include <vector>

namespace troupe::transport {

class link;

/// While one lives, what its thread sends to other nodes waits in their queues, and leaves in
/// few frames when it ends: the threads on the way are woken once instead of for each message.
/// To be kept for the sending alone, not for work in between. Inside of another one it has no
/// effect. Belongs to the thread that made it.
class send_burst {
 public:
  send_burst();
  ~send_burst();
  send_burst(const send_burst&) = delete;
  send_burst& operator=(const send_burst&) = delete;

  /// For links: whether the calling thread will see to it that this one transmits.
  static bool keeps(const std::shared_ptr<link>&);

 private:
  const bool outermost_;
  std::vector<std::shared_ptr<link>> links_;
};

} // namespace troupe::transport
