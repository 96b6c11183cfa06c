// What a gateway tells its peers in the hello: MessagePack, so that others can read it.
#pragma once

#include "actors/payload_codec.hpp"

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <vector>

namespace troupe {

/// The map {"agent": u64, "pid": i64, "types": [name...], "codecs": [int...], "run": {...}}.
struct greeting {
  std::uint64_t agent = 0; ///< actor id of the node's agent
  std::int64_t pid = 0;
  std::set<std::string, std::less<>> types{}; ///< message element types it can read
  std::vector<int> codecs{0};                 ///< payload codecs it can read, best first; see best_codec()
  /// What a launcher tells those who join (scenarios/run_info.hpp); opaque here.
  std::map<std::string, std::string> run{};
};

/// Bounds on what a peer may send.
inline constexpr std::size_t greeting_types_max = 4096;

std::vector<char> encode(const greeting&);
/// Empty, and `why` says what is wrong, if the bytes are not a greeting.
std::optional<greeting> decode_greeting(std::span<const char>, std::string& why);

} // namespace troupe
