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

using format::end_reason;
using format::file_state;
using format::record_kind;

recorder::recorder(recorder_options o)
    : what_{o.what}, sample_one_in_{o.sample_one_in}, impl_{std::make_unique<impl>(std::move(o), what_)},
      id_{impl_->id}, base_{impl_->base} {}
recorder::~recorder() = default;
void recorder::close() { impl_->close(); }
const recorder_options& recorder::options() const { return impl_->options; }

thread_slot& recorder::new_here() { return impl_->find_slot(); }
bool recorder::make_room(thread_slot& slot) { return impl_->make_room(slot, format::record_bytes); }
bool recorder::first_chunk(thread_slot& slot) { return impl_->first_chunk(slot); }
void recorder::take_numbers(thread_slot& slot) { impl_->take_numbers(slot); }

void recorder::observe(timestamp remote) {
  auto skew = skew_.load(std::memory_order_relaxed);
  for (;;) {
    auto own = monotonic_ns();
    if (own + skew > remote) return;
    auto raised = remote - own + 1;
    if (!skew_.compare_exchange_weak(skew, raised, std::memory_order_relaxed)) continue;
    if (on()) record(here(), record_kind::skewed, own + raised, skew, raised, 0);
    return;
  }
}

message_id recorder::next_message(message_id cause) {
  if (!on()) return {};
  auto& slot = here();
  return samples(slot, cause) ? next_number(slot) : message_id::make(0, message_id::unsampled_number);
}

void recorder::sent(message_id id, message_id cause, actor_index sender, actor_index receiver,
                    string_index type, timestamp when, message_role role) {
  if (!on() || !id.recorded()) return;
  if (!cause.recorded()) cause = {};
  record(here(), format::sent_as(role), when, id.value, cause.value,
         format::pack_actors(sender, receiver, type));
}

timestamp recorder::delivered(message_id id, actor_index receiver, string_index type, std::uint32_t bytes,
                              timestamp remote_sent) {
  if (!on() || !id.recorded()) return 0;
  auto when = now();
  auto lag = static_cast<std::int64_t>(remote_sent == 0 ? 0 : when - remote_sent);
  record(here(), record_kind::delivered, when, id.value, bytes | format::lag_low(lag),
         format::pack_actors(receiver, 0, type) | std::uint64_t{format::lag_high(lag)} << 16);
  return when;
}

void recorder::handled(message_id id, actor_index who, string_index type, timestamp begin, timestamp end) {
  if (!on() || !id.recorded()) return;
  handled({&here(), id, format::pack_actors(who, 0, type), begin}, end != 0 ? end : now());
}

void recorder::skipped(message_id id) {
  if (on() && id.recorded()) here().leave_handler(id.value);
}

// -- tables, and the events that are rare -------------------------------------------------------

// -- tables ----------------------------------------------------------------------

string_index recorder::intern(std::string_view text) {
  std::lock_guard lock{impl_->mutex};
  return impl_->intern_locked(text.substr(0, format::blob_bytes_max));
}

string_index recorder::impl::intern_locked(std::string_view text) {
  auto [it, fresh] = string_numbers.try_emplace(std::string{text}, static_cast<string_index>(strings.size()));
  if (!fresh) return it->second;
  strings.push_back(&it->first);
  string_bytes_ += format::padded(text.size());
  define_string(it->second);
  return it->second;
}

node_index recorder::add_node(std::string_view name, std::uint64_t incarnation) {
  std::lock_guard lock{impl_->mutex};
  auto& nodes = impl_->nodes;
  auto same = [&](const auto& n) { return n.incarnation == incarnation && n.name == name; };
  auto it = std::ranges::find_if(nodes, same);
  auto index = static_cast<node_index>(std::min<std::ptrdiff_t>(it - nodes.begin(), 0xffff));
  if (it != nodes.end() || index == 0xffff) return index;
  nodes.push_back({std::string{name.substr(0, format::node_name_bytes_max)}, incarnation});
  impl_->define_node(index);
  return index;
}

actor_index recorder::add_actor(node_index node, std::uint64_t id, std::string_view role) {
  std::lock_guard lock{impl_->mutex};
  auto& actors = impl_->actors;
  const auto last = std::min(impl_->options.actors_max, format::actor_index_max);
  if (actors.size() > last && !impl_->actor_numbers.contains({node, id})) return format::actor_index_max + 1;
  auto [it, fresh] = impl_->actor_numbers.try_emplace({node, id}, static_cast<actor_index>(actors.size()));
  if (fresh) {
    actors.push_back({{node, id}, impl_->intern_locked(role)});
    impl_->define_actor(it->second);
  } else if (auto& entry = actors[it->second]; entry.role == 0 && !role.empty()) {
    entry.role = impl_->intern_locked(role);
    impl_->define_actor(it->second);
  }
  return it->second;
}

void recorder::impl::define_string(string_index index) {
  auto& text = *strings[index];
  write_blob(tables_, record_kind::define_string, 0, index, 0, 0, std::as_bytes(std::span{text}));
}

void recorder::impl::define_node(node_index index) {
  auto& n = nodes[index];
  write_blob(tables_, record_kind::define_node, 0, n.incarnation, std::uint64_t{index} << 32, 0,
             std::as_bytes(std::span{n.name}));
}

void recorder::impl::define_actor(actor_index index) {
  auto& a = actors[index];
  if (!room(tables_, format::record_bytes)) return;
  tables_.append(static_cast<std::uint64_t>(record_kind::define_actor), 0, a.key.id,
                 a.role | std::uint64_t{a.key.node} << 32, format::pack_actors(index, 0, 0));
}

void recorder::impl::write_blob(thread_slot& slot, record_kind kind, std::uint64_t since, std::uint64_t w1,
                                std::uint64_t w2, std::uint64_t w3, std::span<const std::byte> blob) {
  const auto behind = format::padded(blob.size());
  if (!room(slot, format::record_bytes + behind)) return;
  if (!blob.empty()) std::memcpy(slot.next + format::record_bytes, blob.data(), blob.size());
  slot.append(format::blob_bit | static_cast<std::uint64_t>(kind), since, w1,
              w2 | static_cast<std::uint32_t>(blob.size()), w3, behind);
}

// -- events ----------------------------------------------------------------------

void recorder::spawned(actor_index who, actor_index parent, message_id cause) {
  if (!on()) return;
  if (!cause.recorded()) cause = {};
  record(here(), record_kind::spawned, now(), cause.value, 0, format::pack_actors(who, parent, 0));
}

void recorder::exited(actor_index who, string_index reason) {
  if (on()) record(here(), record_kind::exited, now(), 0, reason, format::pack_actors(who, 0, 0));
}

void recorder::also_caused_by(message_id id, message_id cause) {
  if (on() && id.recorded() && cause.recorded())
    record(here(), record_kind::also_caused_by, now(), id.value, cause.value, 0);
}

void recorder::dropped(message_id id, actor_index receiver, string_index type, string_index reason) {
  if (!on() || !id.recorded()) return;
  record(here(), record_kind::dropped, now(), id.value, reason, format::pack_actors(receiver, 0, type));
  here().leave_handler(id.value);
}

void recorder::dead_lettered(message_id id, actor_index receiver, string_index type, string_index reason) {
  if (!on() || !id.recorded()) return;
  record(here(), record_kind::dead_lettered, now(), id.value, reason, format::pack_actors(receiver, 0, type));
  here().leave_handler(id.value);
}

void recorder::timer_set(message_id id, actor_index who, std::chrono::nanoseconds delay) {
  if (on() && id.recorded())
    record(here(), record_kind::timer_set, now(), id.value, static_cast<std::uint64_t>(delay.count()),
           format::pack_actors(who, 0, 0));
}

void recorder::redelivered(message_id again, message_id original, actor_index who) {
  if (on() && again.recorded() && original.recorded())
    record(here(), record_kind::redelivered, now(), again.value, original.value,
           format::pack_actors(who, 0, 0));
}

void recorder::node_up(node_index node, bool keeps_trace) {
  if (on() && node != 0) record(here(), record_kind::node_up, now(), node, keeps_trace ? 0 : 1, 0);
}

void recorder::node_down(node_index node, string_index reason) {
  if (on() && node != 0) record(here(), record_kind::node_down, now(), node, reason, 0);
}

void recorder::link_up(node_index node) {
  if (on() && node != 0) record(here(), record_kind::link_up, now(), node, 0, 0);
}

void recorder::link_down(node_index node, string_index reason) {
  if (on() && node != 0) record(here(), record_kind::link_down, now(), node, reason, 0);
}

void recorder::link_resumed(node_index node, std::uint32_t frames_sent_again) {
  if (on() && node != 0) record(here(), record_kind::link_resumed, now(), node, frames_sent_again, 0);
}

void recorder::clock_offset(node_index node, std::chrono::nanoseconds offset,
                            std::chrono::nanoseconds uncertainty) {
  if (on() && node != 0)
    record(here(), record_kind::clock_offset, now(), node, static_cast<std::uint64_t>(offset.count()),
           static_cast<std::uint64_t>(uncertainty.count()));
}

void recorder::fault(string_index kind, string_index detail) {
  if (on()) record(here(), record_kind::fault, now(), kind, detail, 0);
}

void recorder::told_to_end(string_index verdict, string_index reason) {
  if (on()) record(here(), record_kind::told_to_end, now(), verdict, reason, 0);
}

void recorder::stood_still(std::chrono::nanoseconds how_long) {
  if (on())
    record(here(), record_kind::stood_still, now(), static_cast<std::uint64_t>(how_long.count()), 0, 0);
}

void recorder::noted(actor_index who, message_id during, std::string_view text) {
  if (!on() || (during && !during.recorded())) return;
  impl_->write_blob(here(), record_kind::noted, since_base(now()), during.value, 0,
                    format::pack_actors(who, 0, 0),
                    std::as_bytes(std::span{text.substr(0, format::blob_bytes_max)}));
}

void recorder::payload(message_id id, std::span<const std::byte> bytes) {
  if (what_ != level::payloads || !id.recorded()) return;
  auto kept = bytes.first(std::min<std::size_t>(bytes.size(), format::blob_bytes_max));
  auto whole = std::min<std::uint64_t>(bytes.size(), 0xffff'ffff);
  impl_->write_blob(here(), record_kind::payload, since_base(now()), id.value, whole << 32, 0, kept);
}

void recorder::invariant(std::string_view text) {
  if (on())
    impl_->write_blob(here(), record_kind::invariant, since_base(now()), 0, 0, 0,
                      std::as_bytes(std::span{text.substr(0, format::blob_bytes_max)}));
}

namespace {

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
