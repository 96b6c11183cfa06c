#include "transport/frames/peer.hpp"

#include <random>

namespace troupe::transport {

std::uint64_t draw_incarnation() {
  std::random_device device;
  std::uint64_t result = 0;
  while (result == 0)
    result = std::uint64_t{device()} << 32 | device();
  return result;
}

peer::~peer() = default;

std::string_view to_string(down_reason reason) {
  switch (reason) {
  case down_reason::left:
    return "left";
  case down_reason::silent:
    return "silent";
  case down_reason::replaced:
    return "replaced";
  case down_reason::unreachable:
    return "unreachable";
  case down_reason::refused:
    return "refused";
  case down_reason::protocol:
    return "protocol";
  case down_reason::stopped:
    return "stopped";
  }
  return "unknown";
}

} // namespace troupe::transport
