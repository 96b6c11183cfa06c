// Files that are there whole or not at all, and what is no file.
#include "base/files.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/temporary_directory.hpp"
#include "tests/support/text.hpp"

#include <array>
#include <csignal>
#include <fcntl.h>
#include <fmt/format.h>
#include <functional>
#include <iterator>
#include <sched.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

using namespace troupe;
using testing::contains;
using testing::content_of;
namespace fs = std::filesystem;

namespace {

std::size_t files_in(const fs::path& directory) {
  return static_cast<std::size_t>(std::distance(fs::directory_iterator(directory), fs::directory_iterator()));
}

std::string said_by(const std::function<void()>& what) {
  try {
    what();
  } catch (const file_error& e) {
    return e.what();
  }
  return "done";
}

mode_t mode_of(const fs::path& file) {
  struct stat is {};
  REQUIRE(::lstat(file.c_str(), &is) == 0);
  return is.st_mode;
}

/// In a child, whose files cannot grow beyond so many bytes.
int with_files_up_to(rlim_t bytes, const std::function<int()>& what) {
  const pid_t child = ::fork();
  if (child == 0) {
    ::signal(SIGXFSZ, SIG_IGN);
    const rlimit limit{bytes, bytes};
    ::setrlimit(RLIMIT_FSIZE, &limit);
    ::_exit(what());
  }
  int status = 0;
  REQUIRE(::waitpid(child, &status, 0) == child);
  return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

/// A pipe with a name, and its reading end.
struct named_pipe {
  explicit named_pipe(const fs::path& where, bool with_reader = true) {
    REQUIRE(::mkfifo(where.c_str(), 0600) == 0);
    if (with_reader) reader.reset(::open(where.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC));
  }
  std::string text() const {
    std::array<char, 4096> buffer{};
    const auto n = ::read(reader.get(), buffer.data(), buffer.size());
    return {buffer.data(), n > 0 ? static_cast<std::size_t>(n) : 0};
  }
  descriptor reader;
};

} // namespace

TEST_CASE("a file is as it was until it is kept, and nothing is left of one that is not", "[files]") {
  const testing::temporary_directory dir;
  const auto path = dir / "result.json";
  const bool has_name = GENERATE(false, true);
  {
    whole_file file(path, {.has_name = has_name});
    CHECK(file.name().empty() != has_name);
    file.write("half of");
  }
  CHECK(files_in(dir.path()) == 0);
  write_file(path, "old", {.has_name = has_name});
  REQUIRE(::chmod(path.c_str(), 0640) == 0);
  whole_file file(path, {.durable = true, .has_name = has_name});
  file.write("new");
  file.finish();
  CHECK(content_of(path) == "old");
  file.keep();
  CHECK(content_of(path) == "new");
  CHECK((mode_of(path) & 0777) == 0640);
  CHECK(files_in(dir.path()) == 1);
}

TEST_CASE("what the disk does not hold is told with its reason, and what was there stays", "[files]") {
  const testing::temporary_directory dir;
  write_file(dir / "a", "old");
  const auto in_vain = with_files_up_to(100'000, [&] {
    const auto said = said_by([&] { write_file(dir / "a", std::string(200'000, 'x')); });
    return said == "cannot write " + (dir / "a").string() + ": File too large" ? 0 : 1;
  });
  CHECK(in_vain == 0);
  CHECK(content_of(dir / "a") == "old");
  CHECK(files_in(dir.path()) == 1);
  CHECK(said_by([] { write_file("/dev/full", "x"); }) == "cannot write /dev/full: No space left on device");
  CHECK(said_by([&] { write_file(dir / "absent" / "a", "x"); })
        == "cannot write " + (dir / "absent" / "a").string() + ": No such file or directory");
}

TEST_CASE("a directory that is taken away is told of", "[files]") {
  const testing::temporary_directory dir;
  const auto run = dir / "run";
  fs::create_directory(run);
  whole_file file(run / "result.json");
  file.write("x");
  fs::remove_all(run);
  CHECK(contains(said_by([&] { file.keep(); }), "result.json: No such file or directory"));
  CHECK_FALSE(fs::exists(run));
}

TEST_CASE("a directory that may not be written to any more is told of", "[files]") {
  const testing::temporary_directory dir;
  constexpr int may_not_mount = 77;
  const pid_t child = ::fork();
  if (child == 0) {
    whole_file file(dir / "result.json");
    file.write("x");
    const auto* const here = dir.path().c_str();
    if (::unshare(CLONE_NEWNS) != 0 || ::mount("", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0
        || ::mount(here, here, nullptr, MS_BIND, nullptr) != 0
        || ::mount("", here, nullptr, MS_BIND | MS_REMOUNT | MS_RDONLY, nullptr) != 0)
      ::_exit(may_not_mount);
    const auto said = said_by([&] { file.keep(); });
    ::_exit(contains(said, "result.json: Read-only file system") ? 0 : 1);
  }
  int status = 0;
  REQUIRE(::waitpid(child, &status, 0) == child);
  REQUIRE(WIFEXITED(status));
  if (WEXITSTATUS(status) == may_not_mount)
    WARN("skipped: this needs the right to mount");
  else
    CHECK(WEXITSTATUS(status) == 0);
}

TEST_CASE("room that was reserved is there at the end, and what is not used is given back", "[files]") {
  const testing::temporary_directory dir;
  {
    whole_file file(dir / "a");
    file.reserve(1 << 20);
    struct stat is {};
    REQUIRE(::fstat(::fileno(file.stream()), &is) == 0);
    CHECK(is.st_blocks * 512 >= 1 << 20);
    file.write("result");
    file.keep();
  }
  CHECK(content_of(dir / "a") == "result");
  // Where there is less, that is taken; where there is none, it is said.
  CHECK(with_files_up_to(300'000,
                         [&] {
                           whole_file file(dir / "b");
                           file.reserve(1 << 20);
                           file.write(std::string(200'000, 'x'));
                           file.keep();
                           return 0;
                         })
        == 0);
  CHECK(fs::file_size(dir / "b") == 200'000);
  CHECK(with_files_up_to(100,
                         [&] {
                           whole_file file(dir / "c");
                           return contains(said_by([&] { file.reserve(1 << 20); }), "c: File too large") ? 0
                                                                                                         : 1;
                         })
        == 0);
}

TEST_CASE("links are followed, and stay", "[files]") {
  const testing::temporary_directory dir;
  fs::create_directory(dir / "there");
  fs::create_symlink("there/b", dir / "link");
  fs::create_symlink("link", dir / "a");
  write_file(dir / "a", "first"); // of a link to nothing, too
  write_file(dir / "a", "second");
  CHECK(fs::is_symlink(dir / "a"));
  CHECK(fs::is_symlink(dir / "link"));
  CHECK(content_of(dir / "there" / "b") == "second");
  fs::create_symlink("round", dir / "round");
  CHECK(contains(said_by([&] { write_file(dir / "round", "x"); }), "Too many levels of symbolic links"));
}

TEST_CASE("pipes, devices and descriptors are written to and never replaced", "[files]") {
  const testing::temporary_directory dir;
  const named_pipe pipe(dir / "pipe");
  write_file(dir / "pipe", "through");
  CHECK(pipe.text() == "through");
  CHECK(S_ISFIFO(mode_of(dir / "pipe")));
  write_file("/dev/null", "x");
  CHECK(S_ISCHR(mode_of("/dev/null")));
  std::array<int, 2> ends{};
  REQUIRE(::pipe2(ends.data(), O_CLOEXEC) == 0);
  const descriptor read_end(ends[0]), write_end(ends[1]);
  fs::create_symlink(fmt::format("/proc/self/fd/{}", write_end.get()), dir / "as_a_link");
  for (const auto& path : {fs::path(fmt::format("/dev/fd/{}", write_end.get())), dir / "as_a_link"}) {
    write_file(path, "to a descriptor");
    std::array<char, 100> buffer{};
    CHECK(::read(read_end.get(), buffer.data(), buffer.size()) == 15);
  }
  CHECK(fs::is_symlink(dir / "as_a_link"));
  CHECK(contains(said_by([] { write_file("/dev/fd/987", "x"); }), "Bad file descriptor"));
}

TEST_CASE("a descriptor of a file is written to where it stands", "[files]") {
  const testing::temporary_directory dir;
  write_file(dir / "log", "before ");
  const descriptor log(::open((dir / "log").c_str(), O_WRONLY | O_APPEND | O_CLOEXEC));
  write_file(fmt::format("/dev/fd/{}", log.get()), "after");
  CHECK(content_of(dir / "log") == "before after");
}

TEST_CASE("what cannot be a file is refused, and nothing waits for it", "[files]") {
  const testing::temporary_directory dir;
  const named_pipe nobody_reads(dir / "pipe", false);
  CHECK(contains(said_by([&] { write_file(dir / "pipe", "x"); }), "pipe: nobody reads from that pipe"));
  CHECK(contains(said_by([&] { write_file(dir.path(), "x"); }), ": it is a directory, not a file"));
  CHECK(contains(said_by([&] { write_file(dir / "pipe", "x", {.anything = false}); }),
                 ": it is a named pipe, not a file"));
  const descriptor socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  const auto name = (dir / "socket").string();
  REQUIRE(name.size() < sizeof address.sun_path);
  name.copy(address.sun_path, name.size());
  REQUIRE(::bind(socket.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) == 0);
  CHECK(contains(said_by([&] { write_file(name, "x"); }), ": it is a socket, not a file"));
  CHECK(S_ISSOCK(mode_of(name)));
  std::string why;
  for (const auto& [path, kind] : {std::pair{dir / "pipe", "a named pipe"},
                                   {dir.path(), "a directory"},
                                   {fs::path(name), "a socket"},
                                   {fs::path("/dev/zero"), "a device"}}) {
    CHECK_FALSE(open_to_read(path, why));
    CHECK(why == fmt::format("it is {}, not a file", kind));
  }
  CHECK_FALSE(open_to_read(dir / "absent", why));
  CHECK(why == "No such file or directory");
}

TEST_CASE("a file that may not be replaced is not, whatever it is", "[files]") {
  const testing::temporary_directory dir;
  const auto write = [&](const fs::path& path) {
    return said_by([&] { write_file(path, "new", {.mode = 0600, .replaces = false, .anything = false}); });
  };
  CHECK(write(dir / "key") == "done");
  CHECK((mode_of(dir / "key") & 0777) == 0600);
  CHECK(contains(write(dir / "key"), "key: it exists already and is not overwritten"));
  fs::create_symlink("absent", dir / "link");
  CHECK(contains(write(dir / "link"), "not overwritten"));
  CHECK_FALSE(fs::exists(dir / "absent"));
  whole_file late(dir / "late", {.replaces = false});
  late.write("late");
  write_file(dir / "late", "first");
  CHECK(contains(said_by([&] { late.keep(); }), "not overwritten"));
  CHECK(content_of(dir / "late") == "first");
}
