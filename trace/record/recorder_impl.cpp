#include "trace/record/recorder_impl.hpp"

#include "base/host_identity.hpp"
#include "trace/record/file_names.hpp"
#include "trace/record/tick_clock.hpp"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <ctime>
#include <fmt/format.h>
#include <system_error>
#include <unistd.h>
#include <utility>

namespace troupe::trace {
namespace {

using format::end_reason;
using format::file_state;

constexpr std::uint64_t numbers_per_block = 4096;

/// Every recorder of a process gets a number of its own, so that a thread never takes
/// the slot of a dead recorder for that of a new one at the same address.
std::uint64_t next_instance() {
  static std::atomic<std::uint64_t> last{0};
  return last.fetch_add(1) + 1;
}

/// All slots of one thread. Its destructor hands them back to their recorders.
struct thread_slots {
  struct entry {
    std::uint64_t recorder;
    std::shared_ptr<thread_slot> slot;
  };
  std::vector<entry> entries;
  ~thread_slots();
};
thread_local thread_slots own_slots;
thread_local constinit bool thread_is_ending = false;

thread_slots::~thread_slots() {
  thread_is_ending = true;
  slot_of_thread = {};
  for (auto& e : entries)
    e.slot->orphaned.store(true, std::memory_order_release);
}

} // namespace

recorder::impl::impl(recorder_options o, level what) : options{std::move(o)}, id{next_instance()} {
  base = clock_ns(CLOCK_MONOTONIC);
  strings.push_back(&string_numbers.emplace("", 0).first->first);
  nodes.push_back({options.node, options.incarnation});
  actors.push_back({});
  tables_.thread = 0;
  if (what == level::off) {
    stopped_ = true;
    return;
  }
  if (!names_a_trace(options.node))
    throw std::system_error(EINVAL, std::generic_category(),
                            "a trace cannot be named after the node \"" + options.node + "\"");
  file_stem_ = options.node;
  open_segment();
}

recorder::impl::~impl() { close(); }

void recorder::impl::open_segment() {
  auto name = [this] { return options.directory / segment_file_name(file_stem_, segment_number_); };
  std::unique_ptr<segment> fresh;
  try {
    fresh = std::make_unique<segment>(name(), options.segment_bytes);
  } catch (const std::system_error& e) {
    // A node of this name has run here before; its trace stays.
    if (e.code() != std::errc::file_exists || segment_number_ != 0) throw;
    file_stem_ = file_stem_of_restart(options.node, options.incarnation);
    fresh = std::make_unique<segment>(name(), options.segment_bytes);
  }
  segments_.push_back(std::move(fresh));
  fill_header(segments_.back()->header());
}

void recorder::impl::fill_header(format::file_header& h) const {
  std::memcpy(h.magic, format::file_magic, sizeof h.magic);
  h.version = format::format_version;
  h.byte_order = format::byte_order_mark;
  h.header_bytes = format::file_header_bytes;
  h.unit_bytes = format::unit_bytes;
  h.incarnation = options.incarnation;
  h.base_mono_ns = base;
  h.base_unix_ns = clock_ns(CLOCK_REALTIME) - (clock_ns(CLOCK_MONOTONIC) - base);
  h.bytes_max = options.bytes_max;
  h.segment = segment_number_;
  h.pid = static_cast<std::uint32_t>(getpid());
  h.level = static_cast<std::uint32_t>(options.what);
  h.sample_one_in = std::max(1U, options.sample_one_in);
  h.tables_segment = tables_segment_;
  h.name_bytes = static_cast<std::uint32_t>(options.node.size());
  std::memcpy(h.name, options.node.data(), options.node.size());
  boot_id().copy(h.boot_id, sizeof h.boot_id - 1);
  time_namespace().copy(h.time_namespace, sizeof h.time_namespace - 1);
  gethostname(h.hostname, sizeof h.hostname - 1);
}

thread_slot& recorder::impl::find_slot() {
  if (!thread_is_ending) {
    auto& known = own_slots.entries;
    for (auto& e : known) {
      if (e.recorder != id) continue;
      slot_of_thread = {id, e.slot.get()};
      return *e.slot;
    }
    // Only this thread holds the slots of recorders that are gone.
    std::erase_if(known, [](const auto& e) { return e.slot.use_count() == 1; });
  }
  std::shared_ptr<thread_slot> slot;
  {
    std::lock_guard lock{mutex};
    for (auto& s : slots_) {
      bool orphaned = true;
      if (!s->orphaned.compare_exchange_strong(orphaned, false, std::memory_order_acquire)) continue;
      slot = s;
      break;
    }
    if (!slot) {
      slot = std::make_shared<thread_slot>();
      slot->thread = ++threads_;
      slot->dice = (options.incarnation ^ (std::uint64_t{threads_} * 0x9e37'79b9'7f4a'7c15ULL)) | 1;
      slots_.push_back(slot);
    }
  }
  slot_of_thread = {id, slot.get()};
  if (!thread_is_ending) own_slots.entries.push_back({id, std::move(slot)});
  return *slot_of_thread.slot;
}

void recorder::impl::take_numbers(thread_slot& slot) {
  slot.number = next_number_.fetch_add(numbers_per_block, std::memory_order_relaxed);
  slot.number_end = slot.number + numbers_per_block;
}

bool recorder::impl::make_room(thread_slot& slot, std::uint64_t bytes) {
  if (!stopped_.load(std::memory_order_relaxed)) {
    // Table records are written with the mutex held already.
    std::unique_lock<std::mutex> lock{mutex, std::defer_lock};
    if (&slot != &tables_) lock.lock();
    if (new_chunk(slot, bytes)) return true;
  }
  if (slot.chunk) {
    auto missed = slot.chunk->missed.load(std::memory_order_relaxed);
    slot.chunk->missed.store(missed + 1, std::memory_order_relaxed);
  } else {
    std::unique_lock<std::mutex> lock{mutex, std::defer_lock};
    if (&slot != &tables_) lock.lock();
    if (!segments_.empty()) segments_.back()->header().missed.fetch_add(1, std::memory_order_relaxed);
  }
  return false;
}

bool recorder::impl::first_chunk(thread_slot& slot) {
  if (stopped_.load(std::memory_order_relaxed)) return false;
  std::lock_guard lock{mutex};
  return new_chunk(slot, format::record_bytes);
}

bool recorder::impl::new_chunk(thread_slot& slot, std::uint64_t bytes) {
  if (stopped_) return false;
  auto units = (sizeof(format::chunk_header) + bytes + format::unit_bytes - 1) / format::unit_bytes;
  auto* chunk = allocate(static_cast<std::uint32_t>(units));
  if (!chunk) return false;
  chunk->thread = slot.thread;
  if (auto* old = slot.chunk) {
    // The handler that the thread is in moves along. New before old: twice is harmless.
    chunk->begin.store(old->begin.load(std::memory_order_relaxed), std::memory_order_relaxed);
    chunk->word3.store(old->word3.load(std::memory_order_relaxed), std::memory_order_relaxed);
    chunk->message.store(old->message.load(std::memory_order_relaxed), std::memory_order_release);
    old->message.store(0, std::memory_order_release);
    leave_chunk(slot);
  }
  slot.chunk = chunk;
  slot.home = segments_.back().get();
  ++slot.home->chunks_in_use;
  slot.next = reinterpret_cast<std::byte*>(chunk + 1);
  slot.end = reinterpret_cast<std::byte*>(chunk) + units * format::unit_bytes;
  return true;
}

void recorder::impl::leave_chunk(thread_slot& slot) {
  auto* home = slot.home;
  slot.chunk = nullptr;
  slot.home = nullptr;
  slot.next = slot.end = nullptr;
  if (--home->chunks_in_use != 0 || home == segments_.back().get()) return;
  std::erase_if(segments_, [home](const auto& s) { return s.get() == home; });
}

format::chunk_header* recorder::impl::allocate(std::uint32_t units) {
  if (!segments_.back()->fits(units)) {
    // No sense in a new file that could not hold a single chunk.
    auto so_far = bytes_before_ + segments_.back()->bytes_on_disk();
    if (so_far + format::file_header_bytes + std::uint64_t{units} * format::unit_bytes > options.bytes_max)
      end(end_reason::size_limit, 0);
    else
      roll_over();
    if (stopped_) return nullptr;
  }
  auto& current = *segments_.back();
  auto spent = bytes_before_ + current.bytes_on_disk();
  int error = 0;
  auto* chunk = current.allocate(units, options.bytes_max > spent ? options.bytes_max - spent : 0, error);
  if (chunk) return chunk;
  bool full = error == ENOSPC || error == EDQUOT || error == EFBIG;
  end(error == 0 ? end_reason::size_limit : full ? end_reason::disk_full : end_reason::io_error, error);
  return nullptr;
}

void recorder::impl::roll_over() {
  auto* old = segments_.back().get();
  old->trim();
  ++segment_number_;
  bool repeat = table_bytes() <= options.segment_bytes / 16;
  auto tables_before = std::exchange(tables_segment_, repeat ? segment_number_ : tables_segment_);
  try {
    open_segment();
  } catch (const std::system_error& e) {
    --segment_number_;
    tables_segment_ = tables_before;
    end(e.code() == std::errc::no_space_on_device ? end_reason::disk_full : end_reason::io_error,
        e.code().value());
    return;
  }
  bytes_before_ += old->bytes_on_disk();
  old->header().state.store(static_cast<std::uint32_t>(file_state::continued), std::memory_order_release);
  if (old->chunks_in_use == 0) std::erase_if(segments_, [old](const auto& s) { return s.get() == old; });
  if (!repeat) return;
  if (tables_.chunk) leave_chunk(tables_);
  repeat_tables();
}

void recorder::impl::repeat_tables() {
  for (std::size_t i = 1; i < strings.size(); ++i)
    define_string(static_cast<string_index>(i));
  for (std::size_t i = 1; i < nodes.size(); ++i)
    define_node(static_cast<node_index>(i));
  for (std::size_t i = 1; i < actors.size(); ++i)
    define_actor(static_cast<actor_index>(i));
}

std::uint64_t recorder::impl::table_bytes() const {
  return (strings.size() + nodes.size() * 2 + actors.size()) * format::record_bytes + string_bytes_;
}

void recorder::impl::end(end_reason reason, int error) {
  if (stopped_.exchange(true)) return;
  auto& h = segments_.back()->header();
  h.ended_at.store(clock_ns(CLOCK_MONOTONIC) - base, std::memory_order_relaxed);
  h.ended_error.store(static_cast<std::uint64_t>(error), std::memory_order_relaxed);
  h.ended.store(static_cast<std::uint32_t>(reason), std::memory_order_release);
}

void recorder::impl::close() {
  std::lock_guard lock{mutex};
  stopped_ = true;
  if (closed_) return;
  closed_ = true;
  for (auto& s : slots_) {
    s->chunk = nullptr;
    s->home = nullptr;
    s->next = s->end = nullptr;
  }
  tables_.chunk = nullptr;
  tables_.next = tables_.end = nullptr;
  if (segments_.empty()) return;
  segments_.back()->trim();
  auto& h = segments_.back()->header();
  h.closed_at.store(clock_ns(CLOCK_MONOTONIC) - base, std::memory_order_relaxed);
  h.state.store(static_cast<std::uint32_t>(file_state::closed), std::memory_order_release);
  segments_.clear();
}

} // namespace troupe::trace
