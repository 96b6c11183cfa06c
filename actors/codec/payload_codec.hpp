// Which payload codecs there are, and which of them a link uses.
#pragma once

#include <array>
#include <cstdint>
#include <span>

namespace troupe {

/// By the numbers they have in greetings. docs/wire-payloads.md
enum class payload_codec : std::uint8_t {
  binary = 0,  ///< compact, untagged: both sides know the types (wire_codec.hpp)
  msgpack = 1, ///< self-describing, for programs that do not (msgpack_writer.hpp)
  none = 255,  ///< the peer reads nothing that we write
};

/// What this implementation reads, best first. It writes all of them.
inline constexpr std::array<int, 2> payload_codecs{0, 1};

/// The first of a peer's codecs (best first) that we write.
constexpr payload_codec best_codec(std::span<const int> theirs) {
  for (const int codec : theirs)
    for (const int ours : payload_codecs)
      if (codec == ours) return static_cast<payload_codec>(codec);
  return payload_codec::none;
}

} // namespace troupe
