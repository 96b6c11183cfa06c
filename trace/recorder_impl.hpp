// Inside of the recorder: who writes where. Only the recorder's own sources include this.
#pragma once

#include "trace/format.hpp"
#include "trace/recorder.hpp"
#include "trace/segment.hpp"
#include "trace/tick_clock.hpp"

#include <mutex>
#include <unordered_map>
#include <vector>

namespace troupe::trace {

/// One thread's place in a recorder. Its owner alone uses it, but for `orphaned`; a thread
/// that ends leaves it, chunk and all, to the next new thread.
struct thread_slot {
  std::byte* next = nullptr;
  std::byte* end = nullptr;
  format::chunk_header* chunk = nullptr;
  segment* home = nullptr;
  std::uint64_t number = 0;     ///< the next message's
  std::uint64_t number_end = 0; ///< end of the block of numbers that is this thread's
  std::uint64_t dice = 0;
  std::uint32_t thread = 0;
  std::atomic<bool> orphaned{false};

  /// True once in `one_in` calls on average.
  bool draw(std::uint32_t one_in) {
    dice ^= dice << 13;
    dice ^= dice >> 7;
    dice ^= dice << 17;
    return dice % one_in == 0;
  }
};

/// What the calling thread found last; keyed by a number that no two recorders share.
struct slot_cache {
  std::uint64_t recorder = 0;
  thread_slot* slot = nullptr;
};
extern thread_local constinit slot_cache last_slot;

struct recorder::impl {
  impl(recorder_options, level);
  ~impl();

  const recorder_options options;
  const std::uint64_t id; ///< of this instance in this process
  std::uint64_t base = 0; ///< base_mono_ns
  tick_clock& clock = tick_clock::shared();

  thread_slot& mine() { return last_slot.recorder == id ? *last_slot.slot : find_slot(); }

  /// Where to write `bytes`, or null when the trace has ended; publish() follows.
  std::byte* room(thread_slot& slot, std::uint64_t bytes) {
    if (static_cast<std::uint64_t>(slot.end - slot.next) >= bytes) return slot.next;
    return new_room(slot, bytes);
  }
  static void publish(thread_slot& slot, std::uint64_t bytes) {
    slot.next += bytes;
    auto used = slot.chunk->used.load(std::memory_order_relaxed);
    slot.chunk->used.store(used + bytes, std::memory_order_release);
  }
  void record(format::record_kind kind, timestamp when, std::uint64_t w1, std::uint64_t w2,
              std::uint64_t w3) {
    write(mine(), kind, when, w1, w2, w3);
  }
  void write(thread_slot&, format::record_kind, timestamp, std::uint64_t w1, std::uint64_t w2,
             std::uint64_t w3);
  /// The low half of w2 becomes the blob's length.
  void write_blob(thread_slot&, format::record_kind, timestamp, std::uint64_t w1, std::uint64_t w2,
                  std::uint64_t w3, std::span<const std::byte>);

  /// Takes the mark away that handling() set, if it is for that message.
  static void left_handler(const thread_slot& slot, message_id message) {
    auto* chunk = slot.chunk;
    if (chunk && chunk->message.load(std::memory_order_relaxed) == message.value)
      chunk->message.store(0, std::memory_order_release);
  }
  format::chunk_header* first_chunk();
  message_id next_message(thread_slot&, message_id cause);
  void take_numbers(thread_slot&);
  void close();

  // -- tables; all under `mutex` -------------------------------------------------
  struct actor_key {
    node_index node;
    std::uint64_t id;
    bool operator==(const actor_key&) const = default;
  };
  struct actor_hash {
    std::size_t operator()(const actor_key& k) const {
      return std::hash<std::uint64_t>{}((k.id ^ std::uint64_t{k.node} << 48) * 0x9e37'79b9'7f4a'7c15ULL);
    }
  };
  struct actor_entry {
    actor_key key;
    string_index role;
  };
  struct node_entry {
    std::string name;
    std::uint64_t incarnation;
  };
  std::mutex mutex;
  std::unordered_map<std::string, string_index> string_numbers;
  std::vector<const std::string*> strings; ///< keys of string_numbers
  std::vector<node_entry> nodes;
  std::unordered_map<actor_key, actor_index, actor_hash> actor_numbers;
  std::vector<actor_entry> actors;
  string_index intern_locked(std::string_view);
  void define_string(string_index);
  void define_node(node_index);
  void define_actor(actor_index);

 private:
  thread_slot& find_slot();
  std::byte* new_room(thread_slot&, std::uint64_t bytes);
  bool new_chunk(thread_slot&, std::uint64_t bytes);
  format::chunk_header* allocate(std::uint32_t units);
  void leave_chunk(thread_slot&);
  void open_segment();
  void roll_over();
  void repeat_tables();
  void fill_header(format::file_header&) const;
  void end(format::end_reason, int error);
  std::uint64_t table_bytes() const;

  std::vector<std::unique_ptr<segment>> segments_; ///< the last is current; others have chunks in use
  std::vector<std::shared_ptr<thread_slot>> slots_;
  thread_slot tables_;
  std::string file_stem_;
  std::uint32_t segment_number_ = 0;
  std::uint32_t tables_segment_ = 0;
  std::uint32_t threads_ = 0;
  std::uint64_t string_bytes_ = 0;
  std::uint64_t bytes_before_ = 0;   ///< in segments that are behind us
  std::atomic<bool> stopped_{false}; ///< ended or closed
  bool closed_ = false;
  std::atomic<std::uint64_t> next_number_{1};

  friend class recorder;
};

inline void recorder::impl::write(thread_slot& slot, format::record_kind kind, timestamp when,
                                  std::uint64_t w1, std::uint64_t w2, std::uint64_t w3) {
  auto* at = room(slot, format::record_bytes);
  if (!at) return;
  auto since = when > base ? when - base : 0;
  auto* r = reinterpret_cast<format::record*>(at);
  r->time_kind = since << 8 | static_cast<std::uint64_t>(kind);
  r->word1 = w1;
  r->word2 = w2;
  r->word3 = w3;
  publish(slot, format::record_bytes);
}

} // namespace troupe::trace
