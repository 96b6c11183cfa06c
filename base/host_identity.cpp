#include "base/host_identity.hpp"

#include <filesystem>
#include <fstream>

namespace troupe {

std::string boot_id() {
  std::string id;
  std::ifstream{"/proc/sys/kernel/random/boot_id"} >> id;
  return id;
}

std::string time_namespace() {
  std::error_code error;
  const auto link = std::filesystem::read_symlink("/proc/self/ns/time", error).string(); // "time:[NUMBER]"
  const auto begin = link.find('['), end = link.rfind(']');
  return begin < end && end != std::string::npos ? link.substr(begin + 1, end - begin - 1) : std::string{};
}

} // namespace troupe
