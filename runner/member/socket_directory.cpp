#include "runner/member/socket_directory.hpp"

#include <cstdint>
#include <cstdlib>
#include <random>
#include <stdexcept>
#include <sys/un.h>
#include <unistd.h>

#include <fmt/format.h>

namespace troupe::scenarios {

namespace fs = std::filesystem;

namespace {

constexpr std::size_t path_bytes_max = sizeof(sockaddr_un::sun_path) - 1;
/// Every node has a socket: names that are longer than this are cut to it where the path would be too long.
constexpr std::size_t short_name_bytes = 18;

bool is_usable(const fs::path& directory) {
  std::error_code error;
  return fs::is_directory(directory, error) && ::access(directory.c_str(), W_OK | X_OK) == 0;
}

bool has_room(const fs::path& directory) {
  return directory.native().size() + 1 + short_name_bytes <= path_bytes_max;
}

fs::path fresh_below(const fs::path& directory) {
  std::random_device device;
  return directory / fmt::format("troupe-{:08x}{:04x}", device(), device() & 0xffff);
}

} // namespace

fs::path choose_socket_directory() {
  const char* wanted = std::getenv("TMPDIR");
  const fs::path place = wanted != nullptr ? wanted : "/tmp";
  if (!is_usable(place))
    throw std::runtime_error(
        wanted != nullptr ? fmt::format(
            "the sockets of a run lie in TMPDIR, and TMPDIR is \"{}\", which is no directory that can "
            "be written to; name another one, or unset it",
            wanted)
                          : "the sockets of a run lie in /tmp, which cannot be written to; name another "
                            "directory in TMPDIR");
  const auto chosen = fresh_below(fs::absolute(place));
  if (has_room(chosen)) return chosen;
  if (is_usable("/tmp")) return fresh_below("/tmp");
  throw std::runtime_error(
      fmt::format("TMPDIR is too long for the sockets of a run: \"{}\" has {} bytes, and may "
                  "have {}; name a shorter one",
                  place.string(), place.native().size(),
                  path_bytes_max - short_name_bytes - 1
                      - (chosen.native().size() - fs::absolute(place).native().size())));
}

fs::path socket_of(const fs::path& directory, const std::string& node) {
  const auto plain = directory / node;
  if (plain.native().size() <= path_bytes_max) return plain;
  std::uint64_t hash = 14695981039346656037ULL; // FNV-1a, the same in every process
  for (const auto c : node)
    hash = (hash ^ static_cast<unsigned char>(c)) * 1099511628211ULL;
  return directory / fmt::format("~{:016x}", hash);
}

} // namespace troupe::scenarios
