// How files are read and written here: nothing waits for a file that is none, and what is
// written is there whole, or not at all.
#pragma once

#include "trace/descriptor.hpp"

#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <sys/types.h>

namespace troupe::trace {

/// "a directory", "a named pipe", "a device", "a socket"; empty for a regular file.
std::string_view kind_of_special_file(mode_t);

/// Opens a regular file, or what a link to one points at, for reading. Waits for nothing.
/// Without a descriptor `why_not` is "No such file or directory", "it is a named pipe, not a file".
descriptor open_to_read(const std::filesystem::path&, std::string& why_not);

/// Reads up to `bytes` from that place on; fewer at the end of the file, or where it cannot be
/// read: then errno is not 0.
std::size_t read_at(int file, std::uint64_t place, void* to, std::size_t bytes);

/// What could not be written; what() is "cannot write runs/x/result.json: No space left on device".
class file_error : public std::runtime_error {
 public:
  file_error(std::string_view name, int error);
  file_error(std::string_view name, std::string_view why);
  /// errno, or 0.
  int code() const { return code_; }

 private:
  int code_ = 0;
};

/// A file that is being written. It lies beside its place and comes there by keep(): until then
/// the place is as it was, and without keep() nothing is left. Links are followed. Only a regular
/// file is replaced, which hands on its permissions; what goes to a pipe, to a device for
/// characters, or to a descriptor of this process (/dev/stdout, /dev/fd/5) is written there as it
/// comes. Not thread-safe. All functions throw file_error.
class whole_file {
 public:
  struct options {
    std::optional<mode_t> mode{}; ///< whatever the umask says; else that of any new file
    bool replaces = true;         ///< what is there; else it is an error, and so is a link
    bool anything = true;         ///< false: a pipe or a device is an error, too
    bool durable = false;         ///< keep() returns when it is on the disk
    bool has_name = false;        ///< before keep(), see name()
  };
  explicit whole_file(std::filesystem::path place, options how);
  explicit whole_file(std::filesystem::path place) : whole_file(std::move(place), options{}) {}
  ~whole_file();
  whole_file(const whole_file&) = delete;
  whole_file& operator=(const whole_file&) = delete;

  /// Takes so much of the disk now, or what there is of it, so that it is there at the end.
  void reserve(std::uint64_t bytes);
  void write(std::string_view);
  /// For whoever writes by himself, and tells by fail() that it went wrong.
  std::FILE* stream() { return stream_; }
  /// Where it lies until keep(), for a library that opens files by their names. Empty where it
  /// is written as it comes, or without `has_name`.
  const std::filesystem::path& name() const { return name_; }
  bool in_place() const { return in_place_; }
  [[noreturn]] void fail(int error) const;

  /// Whatever can go wrong for want of room has gone wrong when this returns; for several files
  /// that shall be there together.
  void finish();
  /// Calls finish(), if nobody did.
  void keep();

 private:
  void open_in_place();
  void open_beside();
  bool link_to(const std::filesystem::path&);

  std::filesystem::path place_; ///< as it was named, for messages
  const options how_;
  std::filesystem::path target_; ///< behind all links
  std::filesystem::path name_;
  std::FILE* stream_ = nullptr;
  std::uint64_t reserved_ = 0;
  bool in_place_ = false;
  bool finished_ = false;
};

/// A small file, whole.
void write_file(const std::filesystem::path&, std::string_view text, whole_file::options = {});

} // namespace troupe::trace
