// Every number that both ends of a link, or two releases of this room, must agree on.
// docs/wire.md states the same numbers; a test holds the two together.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>

namespace troupe::transport::limits {

// -- protocol ------------------------------------------------------------------
inline constexpr std::uint32_t magic = 0x50555254; ///< "TRUP" as it lies on the wire
inline constexpr std::uint16_t version_min = 1;
inline constexpr std::uint16_t version_max = 1;

// -- sizes, in bytes -------------------------------------------------------------
inline constexpr std::size_t name_bytes_max = 64;
inline constexpr std::size_t endpoint_bytes_max = 1024;
inline constexpr std::size_t greeting_bytes_max = 1U << 20;
inline constexpr std::size_t detail_bytes_max = 1024;
inline constexpr std::size_t varint_bytes_max = 10;
inline constexpr std::size_t data_header_bytes = 17; ///< kind, number, acknowledgement
inline constexpr std::size_t envelope_length_bytes = 4;
inline constexpr std::size_t envelope_header_bytes_max = 2 + 6 * varint_bytes_max;
inline constexpr std::size_t control_payload_bytes_max = 64U << 10;
inline constexpr std::size_t frame_bytes_min = 64U << 10; ///< least that hub_options::frame_bytes_max may be
inline constexpr std::size_t frame_bytes_ceiling = 1U << 30; ///< most that it may be
inline constexpr std::size_t handshake_bytes_max = greeting_bytes_max + 4096;

inline constexpr std::size_t upload_part_bytes_max = 32U << 10;
inline constexpr std::size_t upload_window_bytes = 1U << 20;    ///< sent beyond the last receipt
inline constexpr std::size_t upload_receipt_bytes = 256U << 10; ///< taken without a receipt: send one

// -- numbers ---------------------------------------------------------------------
inline constexpr std::uint32_t type_index_max = (1U << 20) - 1;
inline constexpr std::size_t peers_ceiling = 65'000;        ///< most that hub_options::peers_max may be
inline constexpr std::size_t pending_connections_max = 256; ///< greeted, but not yet confirmed
inline constexpr std::size_t ended_sessions_max = 4096;     ///< remembered, so that no ghost comes back
inline constexpr std::uint64_t upload_files_max = 65'536;
inline constexpr std::size_t visitors_max = 256;                ///< at once
inline constexpr std::size_t local_strangers_logged_max = 1024; ///< places that are named in the log
inline constexpr std::size_t local_stranger_lines_max = 16;     ///< in the log, of one place

// -- acknowledgement -------------------------------------------------------------
inline constexpr std::uint64_t ack_frames = 32; ///< received without an acknowledgement: send one at once
inline constexpr std::size_t ack_bytes = 512U << 10;
inline constexpr std::chrono::milliseconds ack_delay{20};

// -- times -----------------------------------------------------------------------
inline constexpr std::chrono::milliseconds heartbeat_min{1};
inline constexpr std::chrono::milliseconds handshake_timeout{2000};   ///< for one attempt to connect
inline constexpr std::chrono::milliseconds visit_silence_max{30'000}; ///< without a piece of a file
inline constexpr std::chrono::milliseconds redial_delay_min{5};
inline constexpr std::chrono::milliseconds redial_delay_max{250};
/// A process whose own timer is late by this much has not run itself; less where liveness / 4 is less.
inline constexpr std::chrono::milliseconds local_standstill{500};
inline constexpr std::chrono::milliseconds local_last_words{
    200}; ///< liveness interval of a peer known to have ended

} // namespace troupe::transport::limits
