#include "base/files.hpp"

#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <fmt/format.h>
#include <random>
#include <sys/stat.h>
#include <unistd.h>

namespace troupe {
namespace {

namespace fs = std::filesystem;

/// As the kernel follows.
constexpr int links_max = 40;

fs::path directory_of(const fs::path& file) {
  return file.has_parent_path() ? file.parent_path() : fs::path{"."};
}

/// A name beside `target` that nobody else has; hidden, so that no pattern of a user's meets it.
fs::path name_beside(const fs::path& target) {
  static thread_local std::random_device device;
  return directory_of(target)
         / fmt::format(".{}.{:08x}.part", target.filename().string().substr(0, 200), device());
}

/// Gives a file the owner, where that may be, and the permissions of the one that it replaces.
void hand_on(const struct stat& old, int file) {
  struct stat mine {};
  if (::fstat(file, &mine) == 0 && (mine.st_uid != old.st_uid || mine.st_gid != old.st_gid)) [[maybe_unused]]
    const int owner = ::fchown(file, old.st_uid, old.st_gid);
  [[maybe_unused]] const int mode = ::fchmod(file, old.st_mode & 0777U);
}

/// The number of the descriptor of this process that a path leads to; -1: another place.
int descriptor_behind(const fs::path& path) {
  std::error_code error;
  if (fs::canonical(directory_of(path), error) != fmt::format("/proc/{}/fd", ::getpid())) return -1;
  const auto digits = path.filename().string();
  if (digits.empty() || digits.size() > 9 || digits.find_first_not_of("0123456789") != std::string::npos)
    return -1;
  return std::stoi(digits);
}

} // namespace

std::string_view kind_of_special_file(mode_t mode) {
  if (S_ISDIR(mode)) return "a directory";
  if (S_ISFIFO(mode)) return "a named pipe";
  if (S_ISCHR(mode) || S_ISBLK(mode)) return "a device";
  if (S_ISSOCK(mode)) return "a socket";
  return {};
}

descriptor open_to_read(const fs::path& path, std::string& why_not) {
  const auto refuse = [&](mode_t mode) {
    why_not = fmt::format("it is {}, not a file", kind_of_special_file(mode));
    return descriptor{};
  };
  descriptor file(::open(path.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC | O_NOCTTY));
  const int error = errno;
  struct stat is {};
  if (!file) {
    // A socket cannot be opened at all, which ENXIO hardly explains.
    if (error == ENXIO && ::stat(path.c_str(), &is) == 0 && !S_ISREG(is.st_mode)) return refuse(is.st_mode);
    why_not = std::strerror(error);
    return {};
  }
  if (::fstat(file.get(), &is) != 0) {
    why_not = std::strerror(errno);
    return {};
  }
  return S_ISREG(is.st_mode) ? std::move(file) : refuse(is.st_mode);
}

std::size_t read_at(int file, std::uint64_t place, void* to, std::size_t bytes) {
  std::size_t got = 0;
  errno = 0;
  while (got < bytes) {
    const auto n =
        ::pread(file, static_cast<std::byte*>(to) + got, bytes - got, static_cast<off_t>(place + got));
    if (n < 0 && errno == EINTR) {
      errno = 0;
      continue;
    }
    if (n <= 0) break;
    got += static_cast<std::size_t>(n);
  }
  return got;
}

file_error::file_error(std::string_view name, int error)
    : file_error(name, error != 0 ? std::strerror(error) : "part of it is lost") {
  code_ = error;
}
file_error::file_error(std::string_view name, std::string_view why)
    : std::runtime_error(fmt::format("cannot write {}: {}", name, why)) {}

whole_file::whole_file(fs::path place, options how) : place_(std::move(place)), how_(how), target_(place_) {
  if (!how_.replaces) {
    struct stat is {};
    if (::lstat(target_.c_str(), &is) == 0)
      throw file_error(place_.string(), "it exists already and is not overwritten");
    open_beside();
    return;
  }
  std::error_code error;
  for (int links = 0; links < links_max; ++links) {
    if (const int fd = descriptor_behind(target_); fd >= 0) {
      if (!how_.anything) throw file_error(place_.string(), "it is a descriptor of this process, not a file");
      const int own = ::fcntl(fd, F_DUPFD_CLOEXEC, 3);
      if (own < 0 || (stream_ = ::fdopen(own, "w")) == nullptr) {
        const int why = errno; // before close() changes it
        if (own >= 0) ::close(own);
        fail(why);
      }
      in_place_ = true;
      return;
    }
    const auto next = fs::read_symlink(target_, error);
    if (error) break; // it is no link
    target_ = next.is_absolute() ? next : directory_of(target_) / next;
  }
  struct stat is {};
  if (::stat(target_.c_str(), &is) != 0) {
    if (errno != ENOENT) fail(errno);
    open_beside();
  } else if (S_ISREG(is.st_mode)) {
    open_beside();
    if (!how_.mode) hand_on(is, ::fileno(stream_));
  } else if ((S_ISFIFO(is.st_mode) || S_ISCHR(is.st_mode)) && how_.anything) {
    open_in_place();
  } else {
    throw file_error(place_.string(), fmt::format("it is {}, not a file", kind_of_special_file(is.st_mode)));
  }
}

whole_file::~whole_file() {
  if (stream_ != nullptr) std::fclose(stream_);
  if (!name_.empty()) ::unlink(name_.c_str());
}

void whole_file::fail(int error) const { throw file_error(place_.string(), error); }

void whole_file::open_in_place() {
  descriptor file(::open(target_.c_str(), O_WRONLY | O_NONBLOCK | O_CLOEXEC | O_NOCTTY));
  if (!file) {
    if (errno == ENXIO) throw file_error(place_.string(), "nobody reads from that pipe");
    fail(errno);
  }
  // Only the opening must not wait; a reader may be slow.
  if (::fcntl(file.get(), F_SETFL, ::fcntl(file.get(), F_GETFL) & ~O_NONBLOCK) != 0) fail(errno);
  stream_ = ::fdopen(file.get(), "w");
  if (stream_ == nullptr) fail(errno);
  static_cast<void>(file.release());
  in_place_ = true;
}

void whole_file::open_beside() {
  const mode_t mode = how_.mode.value_or(0666);
  const auto directory = directory_of(target_);
  descriptor file;
  // Without a name nothing is left of it, even if this process is killed.
  if (!how_.has_name) file.reset(::open(directory.c_str(), O_TMPFILE | O_RDWR | O_CLOEXEC, mode));
  if (!file && (how_.has_name || errno == EOPNOTSUPP || errno == EISDIR || errno == EINVAL)) {
    do {
      name_ = name_beside(target_);
      file.reset(::open(name_.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, mode));
    } while (!file && errno == EEXIST);
  }
  int error = file ? 0 : errno;
  if (!file) name_.clear();
  if (file && how_.mode && ::fchmod(file.get(), *how_.mode) != 0) error = errno;
  if (error == 0) {
    stream_ = ::fdopen(file.get(), "w");
    error = stream_ == nullptr ? errno : 0;
  }
  if (error == 0) {
    static_cast<void>(file.release());
    return;
  }
  if (!name_.empty()) ::unlink(name_.c_str());
  fail(error);
}

void whole_file::reserve(std::uint64_t bytes) {
  if (in_place_) return;
  constexpr std::uint64_t worth_it = 4096;
  int error = ENOSPC;
  for (; bytes >= worth_it && (error == ENOSPC || error == EDQUOT || error == EFBIG); bytes /= 2) {
    do
      error = ::posix_fallocate(::fileno(stream_), 0, static_cast<off_t>(bytes));
    while (error == EINTR);
    if (error != 0) continue;
    reserved_ = bytes;
    return;
  }
  if (error == ENOSPC || error == EDQUOT || error == EFBIG) fail(error); // others: it cannot be done there
}

void whole_file::write(std::string_view text) {
  errno = 0;
  if (std::fwrite(text.data(), 1, text.size(), stream_) != text.size()) fail(errno);
}

void whole_file::finish() {
  if (finished_) return;
  errno = 0;
  if (std::fflush(stream_) != 0 || std::ferror(stream_) != 0) fail(errno);
  const int file = ::fileno(stream_);
  if (reserved_ > 0 && ::ftruncate(file, ::lseek(file, 0, SEEK_CUR)) != 0) fail(errno);
  if (how_.durable && !in_place_ && ::fsync(file) != 0) fail(errno);
  // Some file systems over a network tell only a close what did not fit.
  if (const int copy = ::dup(file); copy < 0 || ::close(copy) != 0) fail(errno);
  finished_ = true;
}

/// Gives a file without a name one. False where that is taken.
bool whole_file::link_to(const fs::path& name) {
  const auto itself = fmt::format("/proc/self/fd/{}", ::fileno(stream_));
  if (::linkat(AT_FDCWD, itself.c_str(), AT_FDCWD, name.c_str(), AT_SYMLINK_FOLLOW) == 0) return true;
  int error = errno;
  if (error == EXDEV) {
    // Something was mounted over the directory meanwhile. What it says of any new file is the reason.
    const descriptor any(::open(directory_of(name).c_str(), O_TMPFILE | O_WRONLY | O_CLOEXEC, 0600));
    if (!any) error = errno;
  }
  if (error != EEXIST) fail(error);
  return false;
}

void whole_file::keep() {
  finish();
  if (!in_place_ && name_.empty() && !link_to(target_)) {
    if (!how_.replaces) throw file_error(place_.string(), "it exists already and is not overwritten");
    do
      name_ = name_beside(target_);
    while (!link_to(name_));
  }
  if (!name_.empty()) {
    if (how_.replaces ? ::rename(name_.c_str(), target_.c_str()) != 0
                      : ::link(name_.c_str(), target_.c_str()) != 0)
      fail(errno);
    if (!how_.replaces) ::unlink(name_.c_str());
    name_.clear();
  }
  std::fclose(std::exchange(stream_, nullptr));
}

void write_file(const fs::path& place, std::string_view text, whole_file::options how) {
  whole_file file(place, how);
  file.write(text);
  file.keep();
}

} // namespace troupe
