// One thread's place in a recorder: all that recording an event touches, but for the clock.
#pragma once

#include "trace/record/format.hpp"

#include <atomic>
#include <cstddef>
#include <cstdint>

namespace troupe::trace {

class segment;

/// Its owner alone uses it, but for `orphaned`; a thread that ends leaves it, chunk and all, to the
/// next new thread.
struct thread_slot {
  std::byte* next = nullptr; ///< where the next record goes, in the chunk
  std::byte* end = nullptr;
  format::chunk_header* chunk = nullptr;
  segment* home = nullptr;
  std::uint64_t number = 0;     ///< the next message's
  std::uint64_t number_end = 0; ///< end of the block of numbers that is this thread's
  std::uint64_t dice = 0;
  std::uint32_t thread = 0;
  std::atomic<bool> orphaned{false};

  bool has_room(std::uint64_t bytes) const { return static_cast<std::uint64_t>(end - next) >= bytes; }

  /// Writes a record, for which there is room. `since` is the time, in nanoseconds from the trace's
  /// beginning; `kind` may have the blob bit set, the blob being behind the record already.
  void append(std::uint64_t kind, std::uint64_t since, std::uint64_t w1, std::uint64_t w2, std::uint64_t w3,
              std::uint64_t blob_bytes = 0) {
    auto* record = reinterpret_cast<format::record*>(next);
    record->time_kind = since << 8 | kind;
    record->word1 = w1;
    record->word2 = w2;
    record->word3 = w3;
    next += format::record_bytes + blob_bytes;
    // From here on readers see it.
    const auto used = next - reinterpret_cast<std::byte*>(chunk + 1);
    chunk->used.store(static_cast<std::uint64_t>(used), std::memory_order_release);
  }

  /// The thread is in the handler of that message, should it be killed. The id is written last and
  /// taken away first, so that a kill in between leaves no wrong sentence behind.
  void enter_handler(std::uint64_t message, std::uint64_t since, std::uint64_t word3) {
    auto& mark = *chunk;
    mark.message.store(0, std::memory_order_release);
    mark.begin.store(since, std::memory_order_relaxed);
    mark.word3.store(word3, std::memory_order_relaxed);
    mark.message.store(message, std::memory_order_release);
  }
  /// Takes that mark away, if it is for that message.
  void leave_handler(std::uint64_t message) {
    if (chunk != nullptr && chunk->message.load(std::memory_order_relaxed) == message)
      chunk->message.store(0, std::memory_order_release);
  }

  /// True once in `one_in` calls on average.
  bool draw(std::uint32_t one_in) {
    dice ^= dice << 13;
    dice ^= dice >> 7;
    dice ^= dice << 17;
    return dice % one_in == 0;
  }
};

/// What the calling thread found last; keyed by a number that no two recorders share.
struct known_slot {
  std::uint64_t recorder = 0;
  thread_slot* slot = nullptr;
};
[[gnu::tls_model("initial-exec")]] inline constinit thread_local known_slot slot_of_thread;

} // namespace troupe::trace
