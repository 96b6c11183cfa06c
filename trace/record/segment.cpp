#include "trace/record/segment.hpp"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <sys/mman.h>
#include <system_error>
#include <unistd.h>

namespace troupe::trace {
namespace {

/// The file grows in steps, so that threads rarely wait for the file system; a small
/// trace stays a small file.
constexpr std::uint64_t step_bytes_min = 128 << 10, step_bytes_max = 1 << 20;
static_assert(step_bytes_min % format::unit_bytes == 0 && step_bytes_max % format::unit_bytes == 0);

constexpr std::uint64_t whole_units(std::uint64_t bytes) {
  return bytes / format::unit_bytes * format::unit_bytes;
}

[[noreturn]] void fail(int error, const std::filesystem::path& path, const char* what) {
  throw std::system_error(error, std::generic_category(), std::string{what} + " " + path.string());
}

} // namespace

segment::segment(const std::filesystem::path& path, std::uint64_t bytes_max) : path_{path} {
  // The header and whole units, so that a cut file is known by its size.
  bytes_max_ = format::file_header_bytes
               + whole_units(bytes_max - std::min<std::uint64_t>(bytes_max, format::file_header_bytes));
  bytes_max_ = std::max<std::uint64_t>(bytes_max_, format::file_header_bytes + format::unit_bytes);
  file_ = open(path.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
  if (file_ < 0) fail(errno, path, "cannot create the trace file");
  if (int error = grow_to(format::file_header_bytes)) {
    close(file_);
    unlink(path.c_str());
    fail(error, path, "cannot allocate space for the trace file");
  }
  void* where = mmap(nullptr, bytes_max_, PROT_READ | PROT_WRITE, MAP_SHARED, file_, 0);
  if (where == MAP_FAILED) {
    int error = errno;
    close(file_);
    unlink(path.c_str());
    fail(error, path, "cannot map the trace file");
  }
  base_ = static_cast<std::byte*>(where);
}

segment::~segment() {
  munmap(base_, bytes_max_);
  close(file_);
}

int segment::grow_to(std::uint64_t bytes) {
  // posix_fallocate returns the error and leaves errno alone.
  int error = 0;
  do {
    error = posix_fallocate(file_, static_cast<off_t>(backed_), static_cast<off_t>(bytes - backed_));
  } while (error == EINTR);
  if (error != 0) return error;
  // Pages that are in memory already cost the writer a third of those it has to fault in,
  // and large writes get large ones.
  static constexpr std::byte zeros[256 << 10]{};
  for (auto at = backed_; at < bytes; at += sizeof zeros)
    (void)!pwrite(file_, zeros, std::min<std::uint64_t>(sizeof zeros, bytes - at), static_cast<off_t>(at));
#ifdef MADV_POPULATE_WRITE
  // All at once, which is cheaper than a fault for each page as it is first written to.
  if (base_ != nullptr) (void)madvise(base_ + backed_, bytes - backed_, MADV_POPULATE_WRITE);
#endif
  backed_ = bytes;
  return 0;
}

format::chunk_header* segment::allocate(std::uint32_t units, std::uint64_t budget, int& error) {
  error = 0;
  std::uint64_t bytes = std::uint64_t{units} * format::unit_bytes;
  std::uint64_t need = used_ + bytes;
  if (need > backed_) {
    if (need - backed_ > whole_units(budget)) return nullptr;
    auto step = std::clamp(whole_units(used_), step_bytes_min, step_bytes_max);
    auto want = std::min({std::max(need, backed_ + step), bytes_max_, backed_ + whole_units(budget)});
    error = grow_to(want);
    // Near the end of the disk a small step may still fit.
    if (error != 0 && want > need) error = grow_to(need);
    if (error != 0) return nullptr;
  }
  auto* chunk = reinterpret_cast<format::chunk_header*>(base_ + used_);
  chunk->units = units;
  chunk->magic = format::chunk_magic;
  used_ = need;
  return chunk;
}

void segment::trim() {
  header().final_bytes.store(used_, std::memory_order_relaxed);
  if (ftruncate(file_, static_cast<off_t>(used_)) == 0) backed_ = used_;
}

} // namespace troupe::trace
