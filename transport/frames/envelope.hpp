// How one actor message lies in a frame.
#pragma once

#include "transport/frames/peer.hpp"

#include <string>

namespace troupe::transport {

/// Envelopes of one frame are coded against the one before, so that message numbers and
/// times mostly take a byte or two. Starts anew with each frame.
struct envelope_context {
  std::uint64_t number = 0;
  trace::timestamp sent_at = 0;
};

/// Appends the envelope's head to `out`, leaving a gap for its length. Returns where the
/// envelope begins; finish_envelope() fills the gap when the payload has been appended.
std::size_t begin_envelope(byte_buffer& out, const envelope_header&, envelope_context&);
/// Precondition: the envelope is at most limits::frame_bytes_ceiling long.
void finish_envelope(byte_buffer& out, std::size_t begin);

/// Reads the envelope at the front of `bytes` and removes it from there. Returns null,
/// or what is wrong with it.
const char* read_envelope(std::span<const char>& bytes, envelope_view&, envelope_context&);

/// Checks a frame's envelopes, all of them. Returns null, or what is wrong with them.
const char* check_envelopes(std::span<const char> bytes);

constexpr bool is_known_kind(std::uint8_t kind) {
  return kind >= static_cast<std::uint8_t>(envelope_kind::message)
         && kind <= static_cast<std::uint8_t>(envelope_kind::receipt);
}

} // namespace troupe::transport
