#include "cli/process/run_directory.hpp"

#include <cerrno>
#include <fmt/chrono.h>
#include <fmt/format.h>
#include <random>
#include <sys/stat.h>
#include <system_error>

namespace troupe::cli {
namespace {

namespace fs = std::filesystem;

[[noreturn]] void refuse(const fs::path& out, const std::error_code& why) {
  std::error_code ignored;
  for (fs::path at = out; !at.empty() && at != at.parent_path(); at = at.parent_path()) {
    const auto kind = fs::status(at, ignored).type();
    if (kind == fs::file_type::directory) break;
    if (kind == fs::file_type::not_found || kind == fs::file_type::none) continue;
    throw run_directory_error(
        fmt::format("cannot make a run directory in {}: {} exists and is not a directory; "
                    "name another place with --out DIR",
                    out.string(), at.string()));
  }
  throw run_directory_error(
      fmt::format("cannot make a run directory in {}: {}; name another place with --out DIR", out.string(),
                  why.message()));
}

std::uint32_t random_bits() {
  static std::random_device device;
  return device();
}

} // namespace

fs::path make_run_directory(const fs::path& out, const std::string& scenario,
                            std::chrono::system_clock::time_point now) {
  std::error_code error;
  fs::create_directories(out, error);
  if (error || !fs::is_directory(out, error)) refuse(out, error);
  const auto stamp = fmt::format("{:%Y%m%dT%H%M%SZ}", fmt::gmtime(std::chrono::system_clock::to_time_t(now)));
  while (true) {
    auto path = out / fmt::format("{}-{}-{:06x}", scenario, stamp, random_bits() & 0xff'ffffU);
    if (::mkdir(path.c_str(), 0777) == 0) return path;
    if (errno != EEXIST) refuse(out, std::error_code(errno, std::generic_category()));
  }
}

void point_latest_at(const fs::path& run) {
  const auto out = run.parent_path();
  const auto fresh = out / fmt::format(".latest-{:08x}", random_bits());
  std::error_code error;
  fs::create_directory_symlink(run.filename(), fresh, error);
  if (!error) fs::rename(fresh, out / "latest", error);
  if (!error) return;
  std::error_code ignored;
  fs::remove(fresh, ignored);
  throw run_directory_error(
      fmt::format("cannot point {} at this run: {}; commands of trace find it by its name, {}",
                  (out / "latest").string(), error.message(), run.string()));
}

fs::path find_run(const fs::path& run) {
  std::error_code error;
  if (fs::is_directory(run, error)) {
    const auto real = fs::canonical(run, error);
    return error ? run : real;
  }
  const bool is_latest = run.filename() == "latest";
  if (fs::is_symlink(run, error))
    throw run_directory_error(fmt::format("{} points at a run that is no longer there ({})", run.string(),
                                          fs::read_symlink(run, error).string()));
  if (is_latest)
    throw run_directory_error(
        fmt::format("there is no run yet: {} does not exist; `run FILE` makes one, or name a "
                    "run directory",
                    run.string()));
  if (fs::exists(run, error))
    throw run_directory_error(fmt::format("{} is not a run directory", run.string()));
  throw run_directory_error(fmt::format("there is no run directory {}", run.string()));
}

} // namespace troupe::cli
