// The record format of a trace file, shared by its writer and its reader. docs/trace.md
// explains every field; a change here changes that page and, where an old reader would
// misread the file, `format_version`.
#pragma once

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <type_traits>

namespace troupe::trace::format {

inline constexpr char file_magic[8] = {'T', 'R', 'P', 'T', 'R', 'A', 'C', 'E'};
inline constexpr std::uint32_t format_version = 1;
inline constexpr std::uint32_t byte_order_mark = 0x0102'0304;
inline constexpr std::uint32_t chunk_magic = 0x4b4e'4843; // "CHNK"
/// Units of one chunk that a reader takes: more than any sane node makes, and a hostile file must not make
/// anybody allocate by its word.
inline constexpr std::uint32_t chunk_units_max = 64;
inline constexpr std::uint32_t file_header_bytes = 4096;
inline constexpr std::uint32_t unit_bytes = 64 << 10; ///< chunks are whole multiples of this
inline constexpr std::uint32_t record_bytes = 32;
inline constexpr std::uint32_t blob_bytes_max = 64 << 10;   ///< of one note, payload or string
inline constexpr std::uint32_t actor_index_max = 0xff'fffe; ///< 0xffffff: beyond the table
inline constexpr std::uint32_t type_index_max = 0xfffe;     ///< 0xffff: beyond the table
inline constexpr std::size_t node_name_bytes_max = 255;

/// What a record tells. The numbers are part of the format: never reuse one.
/// Bit 7 of the byte in the file says that a blob follows the record, its length being
/// the low half of word 2; so a reader can skip kinds that it does not know.
enum class record_kind : std::uint8_t {
  none = 0,
  define_string = 1,  ///< word 1: index; blob: the text
  define_node = 2,    ///< word 1: incarnation; word 2 high: index; blob: the name
  define_actor = 3,   ///< word 1: id; word 2 low: role; word 2 high: node; word 3: index as actor
  spawned = 4,        ///< word 1: cause; actor, peer: the parent
  exited = 5,         ///< word 2: reason; actor
  sent = 6,           ///< word 1: id; word 2: cause; actor: sender, peer: receiver, type
  sent_request = 7,   ///< the same, and an answer is expected
  sent_response = 8,  ///< the same, and it answers one of its causes
  also_caused_by = 9, ///< word 1: id; word 2: cause
  delivered = 10, ///< word 1: id; word 2 low: bytes; word 2 high + peer: see pack_lag; actor: receiver; type
  handled = 11,   ///< time: begin; word 1: id; word 2: nanoseconds; actor; type
  dropped = 12,   ///< word 1: id; word 2: reason; actor: receiver; type
  dead_lettered = 13, ///< the same
  timer_set = 14,     ///< word 1: id; word 2: nanoseconds; actor
  redelivered = 15,   ///< word 1: the new id; word 2: the original; actor
  node_up = 16,       ///< word 1: node; word 2: 1 if it keeps no trace
  node_down = 17,     ///< word 1: node; word 2: reason
  link_up = 18,       ///< word 1: node
  link_down = 19,     ///< word 1: node; word 2: reason
  link_resumed = 20,  ///< word 1: node; word 2: frames sent again
  clock_offset = 21,  ///< word 1: node; word 2: nanoseconds, signed; word 3: uncertainty
  fault = 22,         ///< word 1: kind; word 2: detail
  noted = 23,         ///< word 1: during; actor; blob: the text
  payload = 24,       ///< word 1: id; word 2 high: bytes before the cut; blob
  skewed = 25,        ///< word 1: the hybrid clock's lead over the monotonic one before; word 2: after
  invariant = 26,     ///< blob: what the scenario promises of the trace
  told_to_end = 27,   ///< word 1: verdict; word 2: reason
  stood_still = 28,   ///< word 1: nanoseconds that this process did not run, up to now
};
inline constexpr std::uint8_t record_kind_count = 29;
inline constexpr std::uint8_t blob_bit = 0x80;

struct record {
  std::uint64_t time_kind = 0; ///< nanoseconds since base_mono_ns << 8 | kind
  std::uint64_t word1 = 0;
  std::uint64_t word2 = 0;
  std::uint64_t word3 = 0; ///< actor in bits 63..40, peer in 39..16, type in 15..0
};
static_assert(sizeof(record) == record_bytes && std::is_trivially_copyable_v<record>);

/// Actors as the recorder numbers them, at most 0xffffff.
constexpr std::uint64_t pack_actors(std::uint32_t actor, std::uint32_t peer, std::uint32_t type) {
  return std::uint64_t{actor} << 40 | std::uint64_t{peer} << 16 | std::min(type, type_index_max + 1);
}
constexpr std::uint32_t actor_of(std::uint64_t word3) { return static_cast<std::uint32_t>(word3 >> 40); }
constexpr std::uint32_t peer_of(std::uint64_t word3) {
  return static_cast<std::uint32_t>(word3 >> 16 & 0xff'ffff);
}
constexpr std::uint32_t type_of(std::uint64_t word3) { return static_cast<std::uint32_t>(word3 & 0xffff); }

/// How far the sender's clock reading lies before the arrival, in signed nanoseconds of
/// 56 bits: the low 32 in the high half of word 2, the high 24 in the place of the peer.
constexpr std::uint64_t lag_low(std::int64_t lag) { return static_cast<std::uint64_t>(lag) << 32; }
constexpr std::uint32_t lag_high(std::int64_t lag) {
  return static_cast<std::uint32_t>(static_cast<std::uint64_t>(lag) >> 32 & 0xff'ffff);
}
constexpr std::int64_t unpack_lag(std::uint64_t word2, std::uint64_t word3) {
  auto bits = std::uint64_t{peer_of(word3)} << 40 | (word2 >> 32) << 8;
  return static_cast<std::int64_t>(bits) >> 8;
}

enum class file_state : std::uint32_t {
  open = 0,      ///< being written, or its process was killed
  closed = 1,    ///< the last segment of a trace that was ended in order
  continued = 2, ///< the next segment goes on
};
enum class end_reason : std::uint32_t {
  none = 0,
  size_limit = 1, ///< bytes_max was reached
  disk_full = 2,
  io_error = 3,
};

/// At the start of every segment, padded to file_header_bytes with zeros.
struct file_header {
  char magic[8];
  std::uint32_t version;
  std::uint32_t byte_order;
  std::uint32_t header_bytes;
  std::uint32_t unit_bytes;
  std::uint64_t incarnation;
  std::uint64_t base_mono_ns; ///< CLOCK_MONOTONIC when the trace began; the same in all its segments
  std::uint64_t base_unix_ns; ///< CLOCK_REALTIME at that moment
  std::uint64_t bytes_max;
  std::uint32_t segment; ///< 0, 1, ...
  std::uint32_t pid;
  std::uint32_t level;
  std::uint32_t sample_one_in;  ///< one causal tree in so many is recorded
  std::uint32_t tables_segment; ///< the tables in this file hold all from the start if this is `segment`
  std::uint32_t name_bytes;
  char name[256];   ///< of the node
  char boot_id[40]; ///< nodes with the same one, and the same time namespace, share CLOCK_MONOTONIC
  char hostname[64];
  // What follows changes while the trace is being written.
  std::atomic<std::uint32_t> state;
  std::atomic<std::uint32_t> ended; ///< end_reason: nothing was recorded after ended_at
  std::atomic<std::uint64_t> ended_at;
  std::atomic<std::uint64_t> ended_error; ///< errno
  std::atomic<std::uint64_t> missed;      ///< events after the end that no chunk header counts
  std::atomic<std::uint64_t> closed_at;
  std::atomic<std::uint64_t>
      final_bytes;         ///< of this file, once it is closed or continued; a shorter one was cut
  char time_namespace[24]; ///< its number; empty where there are none, and in older files
};
static_assert(sizeof(file_header) <= file_header_bytes && std::is_standard_layout_v<file_header>);

/// At the start of every chunk; one thread at a time writes to a chunk.
struct chunk_header {
  std::uint32_t magic;
  std::uint32_t units;
  std::uint32_t thread; ///< number of the writing thread, from 1; 0: the tables
  std::uint32_t reserved;
  std::atomic<std::uint64_t> used;   ///< bytes of whole records behind this header
  std::atomic<std::uint64_t> missed; ///< events of this thread after the end of the trace
  // The handler that this thread is in; message 0: in none.
  std::atomic<std::uint64_t> message;
  std::atomic<std::uint64_t> begin; ///< nanoseconds since base_mono_ns
  std::atomic<std::uint64_t> word3;
  std::uint64_t spare;
};
static_assert(sizeof(chunk_header) == 64);
static_assert(std::atomic<std::uint64_t>::is_always_lock_free && sizeof(std::atomic<std::uint64_t>) == 8);

/// Blobs are padded to whole records.
constexpr std::uint64_t padded(std::uint64_t bytes) {
  return (bytes + record_bytes - 1) / record_bytes * record_bytes;
}

} // namespace troupe::trace::format
