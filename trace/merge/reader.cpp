#include "trace/merge/reader.hpp"

#include "base/files.hpp"
#include "base/text.hpp"

#include <algorithm>
#include <cstring>
#include <fcntl.h>
#include <fmt/format.h>
#include <map>
#include <sys/stat.h>

namespace troupe::trace {
namespace {

using format::record_kind;

/// A file, or bytes in memory, read piece by piece. Short reads mean the end.
class source {
 public:
  virtual ~source() = default;
  virtual std::size_t read(std::uint64_t at, std::byte* to, std::size_t bytes) = 0;
  virtual std::uint64_t size() const = 0;
};

class file_source final : public source {
 public:
  explicit file_source(const std::filesystem::path& path) {
    std::string why_not;
    file_ = open_to_read(path, why_not);
    if (!file_) throw read_error(fmt::format("cannot read {}: {}", path.string(), why_not));
    struct stat status {};
    fstat(file_.get(), &status);
    size_ = static_cast<std::uint64_t>(status.st_size);
    (void)posix_fadvise(file_.get(), 0, 0, POSIX_FADV_SEQUENTIAL);
  }
  std::uint64_t size() const override { return size_; }
  std::size_t read(std::uint64_t at, std::byte* to, std::size_t bytes) override {
    return read_at(file_.get(), at, to, bytes);
  }

 private:
  descriptor file_;
  std::uint64_t size_ = 0;
};

class memory_source final : public source {
 public:
  explicit memory_source(std::span<const std::byte> bytes) : bytes_{bytes} {}
  std::uint64_t size() const override { return bytes_.size(); }
  std::size_t read(std::uint64_t at, std::byte* to, std::size_t bytes) override {
    if (bytes == 0 || at >= bytes_.size()) return 0; // "to" may be null when nothing is wanted
    auto n = std::min<std::size_t>(bytes, bytes_.size() - at);
    std::memcpy(to, bytes_.data() + at, n);
    return n;
  }

 private:
  std::span<const std::byte> bytes_;
};

/// The header without its atomics, as plain bytes can be copied into it.
struct plain_header {
  alignas(format::file_header) std::byte bytes[sizeof(format::file_header)]{};
  const format::file_header& operator*() const {
    return *reinterpret_cast<const format::file_header*>(bytes);
  }
  const format::file_header* operator->() const { return &**this; }
};

plain_header read_header(source& in, const std::string& name) {
  plain_header h;
  auto got = in.read(0, h.bytes, sizeof h.bytes);
  if (got < sizeof format::file_magic
      || std::memcmp(h->magic, format::file_magic, sizeof format::file_magic) != 0)
    throw read_error(fmt::format("{} is no trace: it does not begin with {}", name,
                                 std::string_view{format::file_magic, sizeof format::file_magic}));
  if (got < sizeof h.bytes || in.size() < format::file_header_bytes)
    throw read_error(fmt::format("{} ends in the middle of its header, after {} bytes", name, in.size()));
  if (h->byte_order != format::byte_order_mark)
    throw read_error(fmt::format("{} was written on a machine with another byte order", name));
  if (h->version != format::format_version)
    throw read_error(fmt::format("{} has format version {}; this program reads version {}", name, h->version,
                                 format::format_version));
  if (h->header_bytes != format::file_header_bytes || h->unit_bytes != format::unit_bytes
      || h->name_bytes == 0 || h->name_bytes > format::node_name_bytes_max)
    throw read_error(
        fmt::format("the header of {} contradicts its version: header {} bytes, unit {} bytes, name {} bytes",
                    name, h->header_bytes, h->unit_bytes, h->name_bytes));
  return h;
}

template <std::size_t N>
std::string field(const char (&text)[N]) {
  return std::string{text, strnlen(text, N)};
}

/// Reads the chunks of one segment into a node_trace.
class segment_reader {
 public:
  segment_reader(source& in, const std::string& name, node_trace& out) : in_{in}, name_{name}, out_{out} {}

  void run(const format::file_header& h) {
    std::uint64_t at = format::file_header_bytes;
    while (at + sizeof(format::chunk_header) <= in_.size())
      at = chunk(at);
    auto final_bytes = h.final_bytes.load();
    if (in_.size() < final_bytes)
      tell("the file was cut: {} of its {} are missing", bytes_text(final_bytes - in_.size()),
           bytes_text(final_bytes));
    else if (told_ == 0 && (in_.size() - format::file_header_bytes) % format::unit_bytes != 0)
      tell("the file was cut in the middle of a chunk");
    if (unknown_ > 0)
      out_.remarks.push_back({false, fmt::format("{}: {} of kinds this program does not know were skipped",
                                                 name_, counted(unknown_, "record"))});
  }

 private:
  template <class... Args>
  void tell(fmt::format_string<Args...> sentence, Args&&... args) {
    // A file of garbage is one finding, not a thousand.
    if (++told_ > 5) return;
    out_.remarks.push_back({true, name_ + ": " + fmt::format(sentence, std::forward<Args>(args)...)});
  }

  std::uint64_t chunk(std::uint64_t at) {
    alignas(format::chunk_header) std::byte raw[sizeof(format::chunk_header)];
    in_.read(at, raw, sizeof raw);
    auto& head = *reinterpret_cast<const format::chunk_header*>(raw);
    if (head.magic == 0) return at + format::unit_bytes; // backed, never used
    if (head.magic != format::chunk_magic || head.units == 0 || head.units > format::chunk_units_max) {
      tell("at byte {} there is garbage where a chunk should begin", at);
      return at + format::unit_bytes;
    }
    auto room = std::uint64_t{head.units} * format::unit_bytes - sizeof head;
    auto used = head.used.load(std::memory_order_relaxed);
    if (used > room || used % format::record_bytes != 0) {
      tell("the chunk at byte {} claims {} bytes of records in {}", at, used, room);
      used = std::min(used, room) / format::record_bytes * format::record_bytes;
    }
    buffer_.resize(used);
    auto got = in_.read(at + sizeof head, buffer_.data(), used);
    if (got < used) {
      tell("it ends in the middle of a chunk; {} of records are missing", bytes_text(used - got));
      buffer_.resize(got / format::record_bytes * format::record_bytes);
    }
    out_.info.missed += head.missed.load(std::memory_order_relaxed);
    if (auto message = head.message.load(std::memory_order_relaxed))
      out_.open.push_back(
          {message, head.begin.load(std::memory_order_relaxed), head.word3.load(std::memory_order_relaxed)});
    records(at);
    return at + std::uint64_t{head.units} * format::unit_bytes;
  }

  void records(std::uint64_t chunk_at) {
    std::size_t at = 0;
    while (at < buffer_.size()) {
      format::record r;
      std::memcpy(&r, buffer_.data() + at, sizeof r);
      at += sizeof r;
      std::span<const std::byte> blob;
      if (r.time_kind & format::blob_bit) {
        auto bytes = r.word2 & 0xffff'ffff;
        if (format::padded(bytes) > buffer_.size() - at) {
          tell("in the chunk at byte {} a record claims {} bytes that are not there", chunk_at, bytes);
          return;
        }
        blob = std::span{buffer_}.subspan(at, bytes);
        at += format::padded(bytes);
      }
      r.time_kind &= ~std::uint64_t{format::blob_bit};
      if ((r.time_kind & 0xff) == 0) {
        tell("in the chunk at byte {} there is an empty record", chunk_at);
        return;
      }
      if ((r.time_kind & 0xff) >= format::record_kind_count)
        ++unknown_;
      else if (!table(r, blob))
        event(r, blob);
    }
  }

  bool table(const format::record& r, std::span<const std::byte> blob) {
    auto text = [&] { return std::string{reinterpret_cast<const char*>(blob.data()), blob.size()}; };
    switch (static_cast<record_kind>(r.time_kind & 0xff)) {
    case record_kind::define_string:
      out_.strings[static_cast<std::uint32_t>(r.word1)] = text();
      return true;
    case record_kind::define_node: {
      auto index = static_cast<std::uint16_t>(r.word2 >> 32);
      if (out_.nodes.size() <= index) out_.nodes.resize(index + 1U);
      if (index != 0) out_.nodes[index] = {text(), r.word1};
      return true;
    }
    case record_kind::define_actor: {
      auto index = format::actor_of(r.word3);
      // Indices are handed out in order, so one far beyond the records read is garbage;
      // several of them may be missing with a segment.
      if (index > out_.actors.size() + (1U << 20)) {
        tell("actor {} is defined after only {}", index, out_.actors.size());
        return true;
      }
      if (out_.actors.size() <= index) out_.actors.resize(index + 1U);
      out_.actors[index] = {static_cast<std::uint16_t>(r.word2 >> 32), r.word1,
                            static_cast<std::uint32_t>(r.word2)};
      return true;
    }
    default:
      return false;
    }
  }

  void event(const format::record& r, std::span<const std::byte> blob) {
    auto kind = static_cast<record_kind>(r.time_kind & 0xff);
    if (kind == record_kind::noted || kind == record_kind::payload || kind == record_kind::invariant) {
      out_.blobs.push_back(
          {out_.records.size(), out_.blob_bytes.size(), static_cast<std::uint32_t>(blob.size())});
      out_.blob_bytes.insert(out_.blob_bytes.end(), blob.begin(), blob.end());
    }
    out_.records.push_back(r);
  }

  source& in_;
  const std::string& name_;
  node_trace& out_;
  std::vector<std::byte> buffer_;
  std::uint64_t unknown_ = 0;
  int told_ = 0;
};

/// One file, its header read, waiting for its siblings.
struct segment_file {
  std::unique_ptr<source> in;
  std::string name;
  plain_header header;
};

node_trace begin_trace(const format::file_header& h) {
  node_trace t;
  t.info.name = std::string{h.name, h.name_bytes};
  t.info.incarnation = h.incarnation;
  t.info.recorded = true;
  t.info.host = field(h.hostname);
  t.info.clock_id = field(h.boot_id);
  if (const auto of = field(h.time_namespace); !of.empty()) t.info.clock_id += '/' + of;
  t.info.pid = h.pid;
  t.info.level = h.level;
  t.info.sample_one_in = h.sample_one_in;
  t.info.began_unix_ns = h.base_unix_ns;
  t.base_mono_ns = h.base_mono_ns;
  t.base_unix_ns = h.base_unix_ns;
  t.nodes.push_back({t.info.name, t.info.incarnation});
  t.actors.emplace_back();
  return t;
}

/// Segments 0, 1, ... must all be there, the last one not promising another.
void tell_missing_segments(const std::vector<segment_file>& files, node_trace& out) {
  std::uint32_t expected = 0;
  std::string gaps;
  for (auto& f : files) {
    for (; expected < f.header->segment && gaps.size() < 100; ++expected)
      gaps += fmt::format("{}{}", gaps.empty() ? "" : ", ", expected);
    expected = f.header->segment + 1;
  }
  auto& last = *files.back().header;
  if (static_cast<format::file_state>(last.state.load()) == format::file_state::continued)
    gaps += fmt::format("{}{} and later", gaps.empty() ? "" : ", ", expected);
  if (!gaps.empty())
    out.remarks.push_back({true, fmt::format("{}: of its trace the files with the numbers {} are missing",
                                             out.info.name, gaps)});
}

node_trace read_node(std::vector<segment_file> files) {
  std::ranges::sort(files, {}, [](const segment_file& f) { return f.header->segment; });
  auto out = begin_trace(*files.front().header);
  std::uint64_t bytes = 0;
  for (auto& f : files)
    bytes += f.in->size();
  out.records.reserve(bytes / format::record_bytes);
  for (auto& f : files) {
    segment_reader{*f.in, f.name, out}.run(*f.header);
    out.info.missed += f.header->missed.load();
    if (auto ended = f.header->ended.load()) out.info.ended = ended;
    f.in.reset();
  }
  out.info.closed =
      static_cast<format::file_state>(files.back().header->state.load()) == format::file_state::closed;
  tell_missing_segments(files, out);
  return out;
}

void collect(const std::filesystem::path& input, std::vector<std::filesystem::path>& files) {
  std::error_code error;
  auto status = std::filesystem::status(input, error);
  if (!std::filesystem::exists(status)) throw read_error(fmt::format("{} does not exist", input.string()));
  if (!std::filesystem::is_directory(status)) {
    files.push_back(input);
    return;
  }
  auto before = files.size();
  for (auto& entry : std::filesystem::directory_iterator{input, error})
    if (entry.path().extension() == ".trace") files.push_back(entry.path());
  if (error)
    throw read_error(fmt::format("cannot read the directory {}: {}", input.string(), error.message()));
  if (files.size() == before)
    throw read_error(
        fmt::format("{} holds no *.trace files; was the run recorded (trace level off)?", input.string()));
  std::sort(files.begin() + static_cast<std::ptrdiff_t>(before), files.end());
}

} // namespace

std::vector<node_trace> read_traces(const std::vector<std::filesystem::path>& inputs,
                                    std::vector<remark>& remarks) {
  std::vector<std::filesystem::path> files;
  for (auto& input : inputs)
    collect(input, files);
  if (files.empty()) throw read_error("no run directory and no trace file was given");
  std::map<std::pair<std::string, std::uint64_t>, std::vector<segment_file>> nodes;
  std::string first_problem;
  for (auto& path : files) {
    try {
      segment_file f{std::make_unique<file_source>(path), path.filename().string(), {}};
      f.header = read_header(*f.in, f.name);
      auto key = std::pair{std::string{f.header->name, f.header->name_bytes}, f.header->incarnation};
      auto& siblings = nodes[key];
      auto same = [&](const segment_file& s) { return s.header->segment == f.header->segment; };
      if (std::ranges::any_of(siblings, same))
        remarks.push_back({false, fmt::format("{} is a second copy of segment {} of {}; it is left out",
                                              f.name, f.header->segment, key.first)});
      else
        siblings.push_back(std::move(f));
    } catch (const read_error& e) {
      if (first_problem.empty()) first_problem = e.what();
      remarks.push_back({true, e.what()});
    }
  }
  if (nodes.empty()) throw read_error(first_problem);
  std::vector<node_trace> out;
  for (auto& [key, segments] : nodes)
    out.push_back(read_node(std::move(segments)));
  // The node that began first is the reference for clocks and comes first everywhere.
  std::ranges::stable_sort(out, {}, [](const node_trace& t) { return t.base_unix_ns; });
  return out;
}

file_identity identify(const std::filesystem::path& path) {
  file_source in{path};
  const auto h = read_header(in, path.filename().string());
  file_identity x;
  x.node.assign(h->name, h->name_bytes);
  x.incarnation = h->incarnation;
  x.segment = h->segment;
  x.pid = h->pid;
  x.boot_id = field(h->boot_id);
  x.open = static_cast<format::file_state>(h->state.load()) == format::file_state::open;
  x.ended = static_cast<format::end_reason>(h->ended.load());
  x.ended_at_ns = h->base_mono_ns + h->ended_at.load();
  x.ended_error = static_cast<int>(h->ended_error.load());
  x.bytes_max = h->bytes_max;
  return x;
}

node_trace read_trace_bytes(std::span<const std::byte> bytes, const std::string& name) {
  segment_file f{std::make_unique<memory_source>(bytes), name, {}};
  f.header = read_header(*f.in, name);
  std::vector<segment_file> files;
  files.push_back(std::move(f));
  return read_node(std::move(files));
}

} // namespace troupe::trace
