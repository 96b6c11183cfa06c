// Follows the segments of one trace while they are being written.
#pragma once

#include "trace/record/format.hpp"

#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <vector>

namespace troupe::trace {

/// Where the records go. What a table defines comes before the events that mention it.
class live_sink {
 public:
  virtual ~live_sink() = default;
  /// Whole records, with their blobs, in the order in which one thread wrote them.
  virtual void take(std::span<const std::byte> records) = 0;
};

/// One start of one node. Files are read with pread(2): a writer may shorten a file at
/// any time, which would end a process that has it mapped. Not thread-safe.
class live_file {
 public:
  enum class status : std::uint8_t {
    waiting, ///< nothing is in it yet
    open,    ///< more may come
    done,    ///< closed by its writer, and all of it is read
    broken,  ///< no trace of this version, or garbage where a chunk should begin: it is read no further
  };

  /// The first segment: `<stem>.trace`.
  explicit live_file(std::filesystem::path);
  ~live_file();
  live_file(const live_file&) = delete;
  live_file& operator=(const live_file&) = delete;

  /// Hands over what was written since the last call.
  status read(live_sink&);

  // Of the header; valid once it is not `waiting`.
  const std::string& node() const { return node_; }
  std::uint64_t base_mono_ns() const { return base_mono_ns_; }
  std::uint64_t base_unix_ns() const { return base_unix_ns_; }
  std::uint32_t sample_one_in() const { return sample_one_in_; }
  bool ended_early() const { return ended_early_; }
  std::uint64_t bytes_read() const { return bytes_read_; }

 private:
  struct chunk;
  struct segment;

  bool begin();
  std::unique_ptr<segment> open_segment(std::uint32_t number) const;
  void find_chunks();
  void find_chunks_in(segment&);
  void measure(bool tables);
  void hand_over(bool tables, live_sink&);
  void retire();

  const std::filesystem::path path_;
  std::vector<std::unique_ptr<segment>> segments_; ///< with chunks in use; the last is the current one
  std::vector<std::byte> buffer_;
  status status_ = status::waiting;
  std::string node_;
  std::uint64_t base_mono_ns_ = 0, base_unix_ns_ = 0, bytes_read_ = 0;
  std::uint32_t sample_one_in_ = 1;
  bool ended_early_ = false;
};

} // namespace troupe::trace
