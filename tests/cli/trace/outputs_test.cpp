// Where the commands of a trace write to, and what they read that is no file.
#include "base/files.hpp"
#include "tests/support/catch.hpp"
#include "tests/trace/commands.hpp"
#include "tests/trace/support.hpp"
#include "trace/live/live.hpp"
#include "trace/record/ledger.hpp"

#include <csignal>
#include <fcntl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

using namespace troupe;
namespace fs = std::filesystem;

namespace {

void record_pings(const fs::path& directory) {
  trace::recorder r{tests::options_in(directory, "main")};
  const auto client = r.add_actor(0, 1, "client"), server = r.add_actor(0, 2, "server");
  const auto type = r.intern("ping");
  for (int i = 0; i < 10; ++i) {
    const auto id = r.send({}, client, server, type).id;
    r.handled(id, server, type, r.now());
  }
}

} // namespace

TEST_CASE("an output that takes nothing more is an error of every format, and no file is left",
          "[trace][commands][files]") {
  const testing::temporary_directory dir;
  fs::create_directory(dir / "run");
  record_pings(dir / "run");
  fs::create_directory(dir / "out");
  trace::trace_query q;
  q.inputs = {dir / "run"};
  q.format = GENERATE("sqlite", "csv", "perfetto", "otlp", "shiviz", "mermaid", "dot", "graph", "view");
  CAPTURE(q.format);
  const auto write = [&](const fs::path& to) {
    q.output = to;
    const auto command = q.format == "view"    ? trace::view
                         : q.format == "graph" ? trace::graph
                                               : trace::export_trace;
    auto named = q;
    if (q.format == "graph" || q.format == "view") named.format.clear();
    return tests::run_command(command, named);
  };
  if (q.format != "csv") {
    const auto full = write("/dev/full");
    CHECK(full.code == 2);
    CHECK(full.err == "cannot write /dev/full: No space left on device\n");
    CHECK(fs::is_character_file("/dev/full"));
  }
  // A limit on the size of files is met as the end of a disk is.
  const pid_t child = ::fork();
  if (child == 0) {
    ::signal(SIGXFSZ, SIG_IGN);
    const rlimit limit{10, 10};
    ::setrlimit(RLIMIT_FSIZE, &limit);
    const auto cut = write(dir / "out" / "x");
    const bool told = cut.err.starts_with("cannot write ") && cut.err.ends_with(": File too large\n");
    ::_exit(cut.code == 2 && told ? 0 : 1);
  }
  int status = 0;
  REQUIRE(::waitpid(child, &status, 0) == child);
  CHECK(status == 0);
  for (const auto& each : fs::recursive_directory_iterator(dir / "out"))
    CHECK(each.is_directory());
}

TEST_CASE("a database goes through a pipe as it goes into a file", "[trace][commands][files]") {
  const testing::temporary_directory dir;
  record_pings(dir.path());
  trace::trace_query q;
  q.inputs = {dir.path()};
  q.format = "sqlite";
  REQUIRE(::mkfifo((dir / "pipe").c_str(), 0600) == 0);
  const descriptor reader(::open((dir / "pipe").c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC));
  REQUIRE(::fcntl(reader.get(), F_SETPIPE_SZ, 1 << 20) >= 1 << 20);
  q.output = dir / "pipe";
  CHECK(tests::run_command(trace::export_trace, q).code == 0);
  std::string all(1 << 20, '\0');
  all.resize(static_cast<std::size_t>(std::max<ssize_t>(0, ::read(reader.get(), all.data(), all.size()))));
  CHECK(all.starts_with("SQLite format 3"));
  q.output = dir / "file";
  REQUIRE(tests::run_command(trace::export_trace, q).code == 0);
  CHECK(fs::file_size(dir / "file") == all.size());
  CHECK(fs::is_fifo(dir / "pipe"));
}

TEST_CASE("-o - is stdout, where the output is one text", "[trace][commands][files]") {
  const testing::temporary_directory dir;
  record_pings(dir.path());
  trace::trace_query q;
  q.inputs = {dir.path()};
  q.output = "-";
  for (const auto format : {"perfetto", "dot"}) {
    q.format = format;
    const auto said = tests::run_command(trace::export_trace, q);
    CHECK(said.code == 0);
    CHECK_FALSE(said.out.empty());
    CHECK(said.err.empty());
  }
  CHECK_FALSE(tests::run_command(trace::graph, q).out.empty());
  for (const auto format : {"sqlite", "csv"}) {
    q.format = format;
    const auto said = tests::run_command(trace::export_trace, q);
    CHECK(said.code == 2);
    CHECK(said.err.starts_with("-o cannot be stdout: "));
  }
}

TEST_CASE("what is no file among traces and books is not waited for", "[trace][commands][files]") {
  const testing::temporary_directory dir;
  record_pings(dir.path());
  REQUIRE(::mkfifo((dir / "w1.trace").c_str(), 0600) == 0);
  REQUIRE(::mkfifo((dir / "w1.books").c_str(), 0600) == 0);
  fs::create_directory(dir / "w2.trace");
  trace::trace_query q;
  q.inputs = {dir.path()};
  auto said = tests::run_command(trace::show, q);
  CHECK(said.code == 0);
  CHECK(said.err.find("w1.trace: it is a named pipe, not a file") != std::string::npos);
  CHECK(said.err.find("w2.trace: it is a directory, not a file") != std::string::npos);
  CHECK_FALSE(said.out.empty());
  q.sources = {dir / "w1.trace"};
  said = tests::run_command(trace::collect, q);
  CHECK(said.code == 2);
  CHECK(said.err.find("w1.trace: it is a named pipe, not a file") != std::string::npos);
  CHECK_THROWS_AS(trace::read_books(dir / "w1.books"), std::runtime_error);
  trace::live_view live(dir.path());
  CHECK(live.look({}).nodes.size() == 1);
}
