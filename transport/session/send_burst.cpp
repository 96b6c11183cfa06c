#include "transport/session/send_burst.hpp"

#include "transport/session/link.hpp"

#include <algorithm>

namespace troupe::transport {

namespace {
thread_local send_burst* this_burst = nullptr;
}

send_burst::send_burst() : outermost_(this_burst == nullptr) {
  if (outermost_) this_burst = this;
}

send_burst::~send_burst() {
  if (!outermost_) return;
  this_burst = nullptr;
  for (auto& each : links_)
    each->transmit_soon();
}

bool send_burst::keeps(const std::shared_ptr<link>& l) {
  if (this_burst == nullptr) return false;
  auto& links = this_burst->links_;
  if (std::find(links.begin(), links.end(), l) == links.end()) links.push_back(l);
  return true;
}

} // namespace troupe::transport
