// Inside of the recorder: who writes where. Only the recorder's own sources include this.
#pragma once

#include "trace/record/format.hpp"
#include "trace/record/recorder.hpp"
#include "trace/record/segment.hpp"

#include <mutex>
#include <unordered_map>
#include <vector>

namespace troupe::trace {

struct recorder::impl {
  impl(recorder_options, level);
  ~impl();

  const recorder_options options;
  const std::uint64_t id; ///< of this instance in this process
  std::uint64_t base = 0; ///< base_mono_ns

  /// The calling thread's slot, which may be new.
  thread_slot& find_slot();
  /// False when the trace has ended.
  bool room(thread_slot& slot, std::uint64_t bytes) { return slot.has_room(bytes) || make_room(slot, bytes); }
  /// A new chunk for what the slot's own has no room for.
  bool make_room(thread_slot&, std::uint64_t bytes);
  /// A chunk for a thread that has none, although it records nothing yet.
  bool first_chunk(thread_slot&);
  /// `since` as in thread_slot::append(). The low half of w2 becomes the blob's length.
  void write_blob(thread_slot&, format::record_kind, std::uint64_t since, std::uint64_t w1, std::uint64_t w2,
                  std::uint64_t w3, std::span<const std::byte>);
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
};

} // namespace troupe::trace
