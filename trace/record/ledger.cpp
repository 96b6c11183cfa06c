#include "trace/record/ledger.hpp"

#include "base/files.hpp"
#include "trace/record/file_names.hpp"
#include "trace/record/format.hpp"

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <fmt/format.h>
#include <mutex>
#include <numeric>
#include <stdexcept>
#include <sys/mman.h>
#include <system_error>
#include <tuple>
#include <unistd.h>
#include <vector>

namespace troupe::trace {
namespace {

constexpr char books_magic[8] = {'T', 'R', 'P', 'B', 'O', 'O', 'K', 'S'};
constexpr std::uint32_t books_version = 2;
constexpr std::uint32_t byte_order_mark = 0x0102'0304;
constexpr std::size_t header_bytes = 4096;
/// Threads beyond this many at once share the first slot, at the price of atomic additions.
constexpr std::size_t slot_count = 1024;

enum counter : std::uint8_t {
  c_sent,
  c_remote_sent,
  c_remote_received,
  c_handled,
  c_dead_lettered,
  c_dropped
};
constexpr std::size_t counter_count = c_dropped + drop_reason_count;

struct books_header {
  char magic[8];
  std::uint32_t version;
  std::uint32_t byte_order;
  std::uint32_t slots;
  std::uint32_t counters; ///< in use in each slot; a file from before a reason was added has fewer
  std::uint64_t incarnation;
  std::uint32_t name_bytes;
  char name[256]; ///< of the node
};
static_assert(sizeof(books_header) <= header_bytes && format::node_name_bytes_max < 256);

struct alignas(64) slot {
  std::array<std::atomic<std::uint64_t>, 24> counters; // room for reasons to come
};
static_assert(sizeof(slot) == 192 && counter_count <= 24);
constexpr std::size_t file_bytes = header_bytes + slot_count * sizeof(slot);

ledger_counts to_counts(const std::array<std::uint64_t, counter_count>& c) {
  ledger_counts out;
  out.sent = c[c_sent];
  out.remote_sent = c[c_remote_sent];
  out.remote_received = c[c_remote_received];
  out.handled = c[c_handled];
  out.dead_lettered = c[c_dead_lettered];
  for (std::size_t i = 0; i < drop_reason_count; ++i)
    out.dropped[i] = c[c_dropped + i];
  return out;
}

[[noreturn]] void cannot_use(int error, const std::filesystem::path& path, const char* what) {
  throw std::system_error(error, std::generic_category(), std::string{what} + " " + path.string());
}

/// A new file, whose path is the second result.
std::pair<int, std::filesystem::path> make_file(const ledger_options& options) {
  if (!names_a_trace(options.node))
    throw std::system_error(EINVAL, std::generic_category(),
                            "books cannot be named after the node \"" + options.node + "\"");
  const auto create = [](const std::filesystem::path& path) {
    return open(path.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
  };
  auto path = options.directory / (options.node + ".books");
  auto file = create(path);
  if (file < 0 && errno == EEXIST && !options.alone) {
    path = options.directory / (file_stem_of_restart(options.node, options.incarnation) + ".books");
    file = create(path);
  }
  if (file < 0)
    cannot_use(errno, path,
               errno == EEXIST ? "this directory is another run's: there is"
                               : "cannot create the ledger file");
  return {file, path};
}

struct slot_cache {
  std::uint64_t ledger = 0;
  slot* mine = nullptr;
};
[[gnu::tls_model("initial-exec")]] thread_local constinit slot_cache last;
thread_local constinit bool ledger_thread_ends = false;

/// Which slots of a ledger are taken; outlives the ledger while threads hold on to it.
struct slot_owners {
  std::mutex mutex;
  std::vector<std::size_t> free;
  std::size_t used = 1; // slot 0 is the shared one
};

struct ledger_slots {
  struct entry {
    std::uint64_t ledger;
    std::shared_ptr<slot_owners> owners;
    std::size_t index;
    slot* where;
  };
  std::vector<entry> entries;
  ~ledger_slots() {
    ledger_thread_ends = true;
    last = {};
    for (auto& e : entries) {
      std::lock_guard lock{e.owners->mutex};
      if (e.index != 0) e.owners->free.push_back(e.index);
    }
  }
};
thread_local ledger_slots own_ledger_slots;

} // namespace

std::string_view to_string(drop_reason reason) {
  switch (reason) {
  case drop_reason::no_handler:
    return "no_handler";
  case drop_reason::expired_response:
    return "expired_response";
  case drop_reason::unknown_type:
    return "unknown_type";
  case drop_reason::not_serializable:
    return "not_serializable";
  case drop_reason::too_large:
    return "too_large";
  case drop_reason::queue_full:
    return "queue_full";
  case drop_reason::peer_down:
    return "peer_down";
  case drop_reason::malformed:
    return "malformed";
  case drop_reason::fault_injected:
    return "fault_injected";
  case drop_reason::shutdown:
    return "shutdown";
  }
  return "unknown";
}

std::uint64_t ledger_counts::dropped_total() const {
  return std::accumulate(dropped.begin(), dropped.end(), std::uint64_t{0});
}

std::int64_t ledger_counts::open() const {
  return static_cast<std::int64_t>(sent - handled - dead_lettered - dropped_total());
}

std::int64_t ledger_counts::open_here() const {
  return open() + static_cast<std::int64_t>(remote_received - remote_sent);
}

ledger_counts& ledger_counts::operator+=(const ledger_counts& o) {
  sent += o.sent;
  remote_sent += o.remote_sent;
  remote_received += o.remote_received;
  handled += o.handled;
  dead_lettered += o.dead_lettered;
  for (std::size_t i = 0; i < drop_reason_count; ++i)
    dropped[i] += o.dropped[i];
  return *this;
}

struct ledger::impl {
  explicit impl(const ledger_options&);
  ~impl() { munmap(base, file_bytes); }
  impl(const impl&) = delete;
  impl& operator=(const impl&) = delete;

  void add(std::size_t counter, std::uint64_t n) {
    auto* s = last.ledger == id ? last.mine : find_slot();
    auto& c = s->counters[counter];
    if (s == slots()) {
      c.fetch_add(n, std::memory_order_relaxed);
      return;
    }
    c.store(c.load(std::memory_order_relaxed) + n, std::memory_order_relaxed);
  }
  slot* slots() const { return reinterpret_cast<slot*>(base + header_bytes); }
  slot* find_slot();

  static std::uint64_t next_instance() {
    static std::atomic<std::uint64_t> count{0};
    return count.fetch_add(1) + 1;
  }

  std::byte* base = nullptr;
  const std::uint64_t id = next_instance();
  std::shared_ptr<slot_owners> owners = std::make_shared<slot_owners>();
};

ledger::impl::impl(const ledger_options& options) {
  int file = -1;
  std::filesystem::path path;
  if (!options.directory.empty()) {
    std::tie(file, path) = make_file(options);
    // All of it at once: a full disk is told here and not by SIGBUS later.
    if (int error = posix_fallocate(file, 0, file_bytes)) {
      close(file);
      unlink(path.c_str());
      cannot_use(error, path, "cannot allocate space for the ledger file");
    }
  }
  int flags = file < 0 ? MAP_PRIVATE | MAP_ANONYMOUS : MAP_SHARED;
  void* where = mmap(nullptr, file_bytes, PROT_READ | PROT_WRITE, flags, file, 0);
  int error = errno;
  if (file >= 0) close(file);
  if (where == MAP_FAILED) cannot_use(error, path, "cannot map the ledger file");
  base = static_cast<std::byte*>(where);
  auto* h = reinterpret_cast<books_header*>(base);
  std::memcpy(h->magic, books_magic, sizeof books_magic);
  h->version = books_version;
  h->byte_order = byte_order_mark;
  h->slots = slot_count;
  h->counters = counter_count;
  h->incarnation = options.incarnation;
  h->name_bytes = static_cast<std::uint32_t>(std::min(options.node.size(), format::node_name_bytes_max));
  std::memcpy(h->name, options.node.data(), h->name_bytes);
}

slot* ledger::impl::find_slot() {
  if (ledger_thread_ends) return slots(); // the shared one
  for (auto& e : own_ledger_slots.entries) {
    if (e.ledger != id) continue;
    last = {id, e.where};
    return e.where;
  }
  std::erase_if(own_ledger_slots.entries, [](const auto& e) { return e.owners.use_count() == 1; });
  std::size_t index = 0;
  {
    std::lock_guard lock{owners->mutex};
    if (!owners->free.empty()) {
      index = owners->free.back();
      owners->free.pop_back();
    } else if (owners->used < slot_count) {
      index = owners->used++;
    }
  }
  own_ledger_slots.entries.push_back({id, owners, index, slots() + index});
  last = {id, slots() + index};
  return last.mine;
}

ledger::ledger(const ledger_options& options) : impl_{std::make_unique<impl>(options)} {}
ledger::~ledger() = default;

void ledger::sent(std::uint64_t n) { impl_->add(c_sent, n); }
void ledger::remote_sent(std::uint64_t n) { impl_->add(c_remote_sent, n); }
void ledger::remote_received(std::uint64_t n) { impl_->add(c_remote_received, n); }
void ledger::handled(std::uint64_t n) { impl_->add(c_handled, n); }
void ledger::dead_lettered(std::uint64_t n) { impl_->add(c_dead_lettered, n); }
void ledger::dropped(drop_reason why, std::uint64_t n) {
  impl_->add(c_dropped + static_cast<std::size_t>(why), n);
}

ledger_counts ledger::totals() const {
  std::array<std::uint64_t, counter_count> sum{};
  for (std::size_t i = 0; i < slot_count; ++i)
    for (std::size_t c = 0; c < counter_count; ++c)
      sum[c] += impl_->slots()[i].counters[c].load(std::memory_order_relaxed);
  return to_counts(sum);
}

kept_books read_books(const std::filesystem::path& path) {
  auto refuse = [&](const std::string& why) {
    throw std::runtime_error(fmt::format("cannot read the ledger {}: {}", path.string(), why));
  };
  std::string why_not;
  const auto in = open_to_read(path, why_not);
  if (!in) refuse(why_not);
  std::vector<char> bytes(file_bytes);
  const auto got = read_at(in.get(), 0, bytes.data(), bytes.size());
  if (errno != 0) refuse(std::strerror(errno));
  books_header h{};
  if (got < sizeof h) refuse(fmt::format("it has {} bytes, less than a header", got));
  std::memcpy(&h, bytes.data(), sizeof h);
  if (std::memcmp(h.magic, books_magic, sizeof books_magic) != 0) refuse("it is not a ledger");
  if (h.byte_order != byte_order_mark) refuse("it was written on a machine with another byte order");
  if (h.version != books_version)
    refuse(
        fmt::format("its format is version {}, and this program reads version {}", h.version, books_version));
  if (h.counters > counter_count || h.slots > slot_count)
    refuse(fmt::format("it has {} counters in {} slots; at most {} in {} are known", h.counters, h.slots,
                       counter_count, slot_count));
  if (got < header_bytes + h.slots * sizeof(slot))
    refuse(fmt::format("it ends after {} bytes of {}", got, header_bytes + h.slots * sizeof(slot)));
  if (h.name_bytes == 0 || h.name_bytes > format::node_name_bytes_max) refuse("it does not say whose it is");
  std::array<std::uint64_t, counter_count> sum{};
  for (std::size_t i = 0; i < h.slots; ++i) {
    for (std::size_t c = 0; c < h.counters; ++c) {
      std::uint64_t value = 0;
      std::memcpy(&value, bytes.data() + header_bytes + i * sizeof(slot) + c * sizeof value, sizeof value);
      sum[c] += value;
    }
  }
  return {std::string(h.name, h.name_bytes), h.incarnation, to_counts(sum)};
}

std::vector<kept_books> books_in(const std::filesystem::path& directory, std::vector<std::string>* problems) {
  std::vector<std::filesystem::path> files;
  std::error_code error;
  for (std::filesystem::directory_iterator entry(directory, error), end; !error && entry != end;
       entry.increment(error))
    if (entry->path().extension() == ".books") files.push_back(entry->path());
  std::ranges::sort(files);
  std::vector<kept_books> found;
  for (auto& file : files) {
    try {
      found.push_back(read_books(file));
    } catch (const std::runtime_error& e) {
      if (problems != nullptr) problems->emplace_back(e.what());
    }
  }
  return found;
}

} // namespace troupe::trace
