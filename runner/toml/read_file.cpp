#include "runner/toml/read_file.hpp"
#include "base/words.hpp"

#include "base/files.hpp"
#include "base/units.hpp"

#include <cerrno>
#include <fcntl.h>
#include <sys/stat.h>
#include <system_error>
#include <unistd.h>

#include <fmt/format.h>

namespace troupe::scenarios::file {
namespace {

/// Names of scenario files beside the one that is missing.
std::string neighbour(const std::filesystem::path& path) {
  std::error_code ignored;
  std::vector<std::string> names;
  const auto directory = path.has_parent_path() ? path.parent_path() : std::filesystem::path(".");
  for (auto it = std::filesystem::directory_iterator(directory, ignored);
       !ignored && it != std::filesystem::directory_iterator() && names.size() < 1'000; it.increment(ignored))
    if (it->path().extension() == ".toml") names.push_back(it->path().stem().string());
  const auto best = nearest(path.stem().string(), names);
  if (!best.empty())
    return fmt::format("did you mean {}?", excerpt((path.parent_path() / (best + ".toml")).string(), 200));
  return {};
}

void tell_errno(const std::filesystem::path& path, int error, mistakes& wrong) {
  const std::string name = excerpt(path.string(), 200);
  if (error == ENOENT || error == ENOTDIR)
    wrong.add_global(name, "there is no such file", neighbour(path));
  else if (error == EACCES || error == EPERM)
    wrong.add_global(name, "this file may not be read", "its permissions do not let you; see `ls -l`");
  else
    wrong.add_global(name,
                     fmt::format("this file cannot be read: {}", std::generic_category().message(error)));
}

} // namespace

std::optional<std::string> read_file(const std::filesystem::path& path, mistakes& wrong) {
  const std::string name = excerpt(path.string(), 200);
  const descriptor file(::open(path.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC | O_NOCTTY));
  struct stat info {};
  if (!file) {
    const int error = errno;
    // A socket cannot be opened at all, which ENXIO hardly explains.
    if (::stat(path.c_str(), &info) == 0 && !kind_of_special_file(info.st_mode).empty())
      wrong.add_global(name, fmt::format("this is {}, not a file", kind_of_special_file(info.st_mode)),
                       "expected a scenario file (TOML)");
    else
      tell_errno(path, error, wrong);
    return std::nullopt;
  }
  if (::fstat(file.get(), &info) != 0) {
    tell_errno(path, errno, wrong);
    return std::nullopt;
  }
  if (const auto kind = kind_of_special_file(info.st_mode); !kind.empty()) {
    wrong.add_global(name, fmt::format("this is {}, not a file", kind),
                     S_ISDIR(info.st_mode) ? "name a scenario file in it"
                                           : "expected a scenario file (TOML)");
    return std::nullopt;
  }
  std::string text;
  std::string chunk(64U << 10, '\0');
  while (text.size() <= file_bytes_max) {
    const ssize_t n = ::read(file.get(), chunk.data(), chunk.size());
    if (n == 0) return text;
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) {
      tell_errno(path, errno, wrong);
      return std::nullopt;
    }
    text.append(chunk, 0, static_cast<std::size_t>(n));
  }
  wrong.add_global(
      name, "this file is too large for a scenario file",
      fmt::format(
          "at most {} are read; long inputs are named by `first` and `count`, or by a file of their own",
          format_size(file_bytes_max)));
  return std::nullopt;
}

bool check_text(const std::string& name, std::string& text, mistakes& wrong) {
  if (text.size() > file_bytes_max) {
    wrong.add_global(name, "this text is too large for a scenario file",
                     fmt::format("at most {} are read", format_size(file_bytes_max)));
    return false;
  }
  if (text.starts_with("\xff\xfe") || text.starts_with("\xfe\xff")) {
    wrong.add_global(name, "this file is UTF-16", "save it as UTF-8");
    return false;
  }
  if (text.starts_with("\xef\xbb\xbf")) text.erase(0, 3);
  if (text.find_first_not_of(" \t\r\n") == std::string::npos) {
    wrong.add_global(name, text.empty() ? "this file is empty" : "this file holds only blanks",
                     "it must at least say scenario = \"…\"");
    return false;
  }
  const auto invalid = find_invalid_utf8(text), zero = text.find('\0');
  if (invalid == std::string::npos && zero == std::string::npos) return true;
  const auto at = std::min(invalid, zero);
  const source_text source(name, text, origin::file);
  if (at == zero)
    wrong.add(place_of(source, at, 1), "here is a NUL byte", "a scenario file is text");
  else
    wrong.add(place_of(source, at, 1),
              fmt::format("the byte 0x{:02x} is not UTF-8", static_cast<unsigned char>(text[at])),
              "save the file as UTF-8");
  return false;
}

} // namespace troupe::scenarios::file
