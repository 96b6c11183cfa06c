// One memory-mapped file of a trace that is being written.
#pragma once

#include "trace/record/format.hpp"

#include <cstdint>
#include <filesystem>
#include <memory>

namespace troupe::trace {

/// Not thread-safe. The whole address range is mapped at once, but only what allocate()
/// handed out may be touched: that much is backed by disk blocks.
class segment {
 public:
  /// Makes the file, which must not exist, with an empty header. Throws std::system_error;
  /// its code is EEXIST if the file is there already.
  segment(const std::filesystem::path&, std::uint64_t bytes_max);
  ~segment();
  segment(const segment&) = delete;
  segment& operator=(const segment&) = delete;

  format::file_header& header() { return *reinterpret_cast<format::file_header*>(base_); }
  const std::filesystem::path& path() const { return path_; }

  bool fits(std::uint32_t units) const {
    return used_ + std::uint64_t{units} * format::unit_bytes <= bytes_max_;
  }
  /// A fresh chunk, zeroed but for magic and units. The file grows by at most `budget`
  /// bytes. Null when the disk or the budget is spent: `error` is then errno, or 0.
  format::chunk_header* allocate(std::uint32_t units, std::uint64_t budget, int& error);
  std::uint64_t bytes_on_disk() const { return backed_; }
  /// Gives back what is backed but unused, and writes the final size into the header.
  void trim();

  std::uint32_t chunks_in_use = 0; ///< by threads; the owner counts

 private:
  int grow_to(std::uint64_t bytes);

  std::filesystem::path path_;
  std::byte* base_ = nullptr;
  std::uint64_t bytes_max_ = 0;
  std::uint64_t used_ = format::file_header_bytes;
  std::uint64_t backed_ = 0;
  int file_ = -1;
};

} // namespace troupe::trace
