// Files that are no files, and files that are no text.
#include "tests/runner/fixture.hpp"

#include "tests/support/catch.hpp"

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

using namespace scenario_tests;

namespace {

class directory {
 public:
  directory() {
    std::string name = (std::filesystem::temp_directory_path() / "troupe-files-XXXXXX").string();
    REQUIRE(::mkdtemp(name.data()) != nullptr);
    path_ = name;
  }
  ~directory() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  std::filesystem::path write(const std::string& name, const std::string& text) const {
    std::ofstream(path_ / name, std::ios::binary) << text;
    return path_ / name;
  }
  const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
};

/// The only mistake, without the directory in front.
std::string only_mistake(const std::filesystem::path& path) {
  const auto l = load(path, {&pool(), &echo()}, {}, from({}));
  CHECK_FALSE(l.result);
  REQUIRE(l.mistakes.size() == 1);
  CHECK(l.mistakes[0].source == path.string());
  const auto& d = l.mistakes[0];
  return (d.line > 0 ? std::to_string(d.line) + ':' + std::to_string(d.column) + ' ' : "") + d.message
         + (d.help.empty() ? "" : " | " + d.help);
}

} // namespace

TEST_CASE("a scenario file is read", "[scenarios][reading]") {
  const directory dir;
  const auto l = load(dir.write("echo.toml", "scenario = 'echo_server'\n"), {&pool(), &echo()}, {}, from({}));
  REQUIRE(l.result);
  CHECK(l.result->file == dir.path() / "echo.toml");
}

TEST_CASE("what is no readable file is told with what it is", "[scenarios][reading]") {
  const directory dir;
  dir.write("worker_pool.toml", "");
  CHECK(only_mistake(dir.path() / "worker_pol.toml")
        == "there is no such file | did you mean " + (dir.path() / "worker_pool.toml").string() + "?");
  CHECK(only_mistake(dir.path() / "quite_another_name.toml") == "there is no such file");
  CHECK(only_mistake(dir.path() / "pot.toml") == "there is no such file"); // the ending does not make it near
  CHECK(only_mistake(dir.path() / "worker_pool.toml" / "x.toml") == "there is no such file");
  CHECK(only_mistake(dir.path()) == "this is a directory, not a file | name a scenario file in it");
  CHECK(only_mistake("/dev/null") == "this is a device, not a file | expected a scenario file (TOML)");
  CHECK(only_mistake("/dev/zero") == "this is a device, not a file | expected a scenario file (TOML)");
  const auto pipe = dir.path() / "pipe.toml";
  REQUIRE(::mkfifo(pipe.c_str(), 0600) == 0);
  CHECK(only_mistake(pipe) == "this is a named pipe, not a file | expected a scenario file (TOML)");
  const int fd = ::socket(AF_UNIX, SOCK_STREAM, 0);
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  const auto socket = (dir.path() / "s.toml").string();
  REQUIRE(socket.size() < sizeof address.sun_path);
  socket.copy(address.sun_path, socket.size());
  REQUIRE(::bind(fd, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0);
  CHECK(only_mistake(socket) == "this is a socket, not a file | expected a scenario file (TOML)");
  ::close(fd);
}

TEST_CASE("a file without the right to read it is told so", "[scenarios][reading]") {
  const directory dir;
  const auto path = dir.write("secret.toml", "scenario = 'echo_server'\n");
  REQUIRE(::chmod(path.c_str(), 0) == 0);
  REQUIRE(::chmod(dir.path().c_str(), 0755) == 0);
  // Root reads everything, so that the test steps down for a moment.
  const bool root = ::geteuid() == 0;
  if (root) REQUIRE(::seteuid(65534) == 0);
  const auto l = load(path, {&pool()}, {}, from({}));
  if (root) REQUIRE(::seteuid(0) == 0);
  REQUIRE(l.mistakes.size() == 1);
  CHECK(render(l.mistakes[0]).plain()
        == path.string()
               + ": error: this file may not be read\n      = help: its permissions do not let you; see `ls "
                 "-l`\n");
}

TEST_CASE("a file that holds no text is told where", "[scenarios][reading]") {
  const directory dir;
  const std::string must = " | it must at least say scenario = \"…\"";
  CHECK(only_mistake(dir.write("a.toml", "")) == "this file is empty" + must);
  CHECK(only_mistake(dir.write("b.toml", " \n\t\r\n")) == "this file holds only blanks" + must);
  CHECK(only_mistake(dir.write("c.toml", "\xef\xbb\xbf")) == "this file is empty" + must);
  CHECK(only_mistake(dir.write("d.toml", "scenario = 'ü'\n# ü \xfc\n"))
        == "2:5 the byte 0xfc is not UTF-8 | save the file as UTF-8");
  CHECK(only_mistake(dir.write("e.toml", "# \xc3"))
        == "1:3 the byte 0xc3 is not UTF-8 | save the file as UTF-8");
  CHECK(only_mistake(dir.write("f.toml", "# \xed\xa0\x80"))
        == "1:3 the byte 0xed is not UTF-8 | save the file as UTF-8");
  CHECK(only_mistake(dir.write("g.toml", std::string("\nscen\0ario", 10)))
        == "2:5 here is a NUL byte | a scenario file is text");
  CHECK(only_mistake(dir.write("h.toml", "\xff\xfes\0c\0")) == "this file is UTF-16 | save it as UTF-8");
  CHECK(only_mistake(dir.write("i.toml", "# only a comment\n"))
        == "1:1 there is no `scenario` | begin the file with scenario = \"worker_pool\" or \"echo_server\"");
}

TEST_CASE("a file may be 1 MiB long, and not longer", "[scenarios][reading]") {
  const directory dir;
  const std::string begin = "scenario = 'echo_server'\n#";
  const std::size_t limit = 1U << 20;
  CHECK(load(dir.write("a.toml", begin + std::string(limit - begin.size(), 'x')), {&echo()}, {}, from({}))
            .result);
  CHECK(only_mistake(dir.write("b.toml", begin + std::string(limit + 1 - begin.size(), 'x')))
            .starts_with("this file is too large for a scenario file | at most 1MiB are read"));
  CHECK(parse(begin + std::string(limit, 'x'), "x", {&echo()}, {}, {}).mistakes.size() == 1);
}
