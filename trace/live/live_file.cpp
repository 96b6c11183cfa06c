#include "trace/live/live_file.hpp"

#include "base/files.hpp"

#include <algorithm>
#include <cstring>
#include <fmt/format.h>
#include <unordered_map>

// What may be relied on while a file is being written:
// - a chunk's magic is written after its size, its thread before the first `used` that is not 0,
//   and `used` after the records that it counts;
// - a thread that goes on in a new chunk never comes back to the old one;
// - a table's record is written before the first event that needs it;
// - `continued` is set when the next segment is there, and no chunk is added after it.

namespace troupe::trace {
namespace {

bool read_exactly(int file, std::uint64_t at, void* to, std::size_t bytes) {
  return read_at(file, at, to, bytes) == bytes;
}

/// The bytes of a T that has atomics in it.
template <class T>
struct plain {
  alignas(T) std::byte bytes[sizeof(T)]{};
  const T& operator*() const { return *reinterpret_cast<const T*>(bytes); }
  const T* operator->() const { return &**this; }
  bool read(int file, std::uint64_t at) { return read_exactly(file, at, bytes, sizeof bytes); }
};

} // namespace

struct live_file::chunk {
  std::uint64_t at = 0;   ///< of its header
  std::uint64_t room = 0; ///< bytes of records that fit
  std::uint64_t read = 0;
  std::uint64_t used = 0; ///< as measured last
  std::uint32_t thread = 0;
  bool left = false; ///< its thread has gone on before it was measured: nothing will follow
};

struct live_file::segment {
  descriptor file;
  std::uint32_t number = 0;
  std::uint64_t next = format::file_header_bytes; ///< where the next chunk will be
  format::file_state state = format::file_state::open;
  std::vector<chunk> chunks; ///< that may grow, or are not read to the end
};

live_file::live_file(std::filesystem::path path) : path_(std::move(path)) {}
live_file::~live_file() = default;

live_file::status live_file::read(live_sink& to) {
  if (status_ == status::done || status_ == status::broken) return status_;
  if (status_ == status::waiting && !begin()) return status_;
  // Events are measured first and tables last, so that no event lacks its names.
  find_chunks();
  const bool closed = !segments_.empty() && segments_.back()->state == format::file_state::closed;
  measure(false);
  find_chunks();
  measure(true);
  hand_over(true, to);
  hand_over(false, to);
  retire();
  if (status_ == status::open && closed) {
    status_ = status::done;
    segments_.clear();
  }
  return status_;
}

std::unique_ptr<live_file::segment> live_file::open_segment(std::uint32_t number) const {
  auto opened = std::make_unique<segment>();
  opened->number = number;
  const auto name = number == 0
                        ? path_
                        : path_.parent_path() / fmt::format("{}.{:04}.trace", path_.stem().string(), number);
  std::string ignored;
  opened->file = open_to_read(name, ignored);
  return opened->file ? std::move(opened) : nullptr;
}

/// The header is whole as soon as the first chunk is there.
bool live_file::begin() {
  auto first = open_segment(0);
  if (!first) return false;
  plain<format::file_header> h;
  plain<format::chunk_header> c;
  if (!c.read(first->file.get(), format::file_header_bytes) || c->magic == 0) return false;
  if (!h.read(first->file.get(), 0)) return false;
  if (std::memcmp(h->magic, format::file_magic, sizeof h->magic) != 0
      || h->byte_order != format::byte_order_mark || h->version != format::format_version
      || h->header_bytes != format::file_header_bytes || h->unit_bytes != format::unit_bytes
      || h->name_bytes == 0 || h->name_bytes > format::node_name_bytes_max) {
    status_ = status::broken;
    return false;
  }
  node_.assign(h->name, h->name_bytes);
  base_mono_ns_ = h->base_mono_ns;
  base_unix_ns_ = h->base_unix_ns;
  sample_one_in_ = std::max(1U, h->sample_one_in);
  segments_.push_back(std::move(first));
  status_ = status::open;
  return true;
}

void live_file::find_chunks() {
  while (status_ == status::open) {
    auto& current = *segments_.back();
    plain<format::file_header> h;
    if (h.read(current.file.get(), 0)) {
      current.state = static_cast<format::file_state>(h->state.load(std::memory_order_relaxed));
      ended_early_ = ended_early_ || h->ended.load(std::memory_order_relaxed) != 0;
    }
    find_chunks_in(current);
    if (current.state != format::file_state::continued) return;
    auto next = open_segment(current.number + 1);
    if (!next) {
      status_ = status::broken; // somebody took it away
      return;
    }
    segments_.push_back(std::move(next));
  }
}

void live_file::find_chunks_in(segment& s) {
  plain<format::chunk_header> c;
  while (c.read(s.file.get(), s.next)) {
    if (c->magic == 0 || (c->magic == format::chunk_magic && c->units == 0)) return;
    if (c->magic != format::chunk_magic || c->units > format::chunk_units_max) {
      status_ = status::broken;
      return;
    }
    const auto bytes = std::uint64_t{c->units} * format::unit_bytes;
    s.chunks.push_back({s.next, bytes - sizeof(format::chunk_header), 0, 0, 0, false});
    s.next += bytes;
  }
}

void live_file::measure(bool tables) {
  plain<format::chunk_header> header;
  for (auto& s : segments_)
    for (auto& c : s->chunks) {
      const bool known = c.used > 0;
      if (known && (c.thread == 0) != tables) continue;
      if (!header.read(s->file.get(), c.at)) continue;
      const auto used = header->used.load(std::memory_order_acquire);
      if (used == 0 || (header->thread == 0) != tables) continue;
      c.thread = header->thread;
      c.used = std::min(used, c.room) / format::record_bytes * format::record_bytes;
    }
}

void live_file::hand_over(bool tables, live_sink& to) {
  for (auto& s : segments_)
    for (auto& c : s->chunks) {
      if (c.used <= c.read || (c.thread == 0) != tables) continue;
      buffer_.resize(c.used - c.read);
      if (!read_exactly(s->file.get(), c.at + sizeof(format::chunk_header) + c.read, buffer_.data(),
                        buffer_.size()))
        continue;
      c.read = c.used;
      bytes_read_ += buffer_.size();
      to.take(buffer_);
    }
}

/// Forgets the chunks that nothing will be added to.
void live_file::retire() {
  std::unordered_map<std::uint32_t, std::pair<std::uint32_t, std::uint64_t>> latest; // by thread
  for (auto& s : segments_)
    for (auto& c : s->chunks)
      if (c.used > 0) latest[c.thread] = {s->number, c.at};
  for (auto& s : segments_) {
    std::erase_if(s->chunks, [](const chunk& c) { return c.left && c.read == c.used; });
    for (auto& c : s->chunks)
      c.left = c.used > 0 && latest[c.thread] != std::pair{s->number, c.at};
  }
  const auto* current = segments_.empty() ? nullptr : segments_.back().get();
  std::erase_if(segments_, [current](const auto& s) { return s.get() != current && s->chunks.empty(); });
}

} // namespace troupe::trace
