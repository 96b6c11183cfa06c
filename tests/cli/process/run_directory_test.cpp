#include "tests/support/catch.hpp"
#include "tests/support/temporary_directory.hpp"

#include "cli/process/run_directory.hpp"

#include <fstream>
#include <set>
#include <thread>
#include <unistd.h>

using namespace troupe::cli;
namespace fs = std::filesystem;

namespace {

const auto some_time = std::chrono::system_clock::time_point(std::chrono::seconds(1700000000));

} // namespace

TEST_CASE("a run directory is named after scenario, time and chance", "[cli]") {
  const troupe::testing::temporary_directory in;
  const auto run = make_run_directory(in / "a" / "b", "worker_pool", some_time);
  CHECK(fs::is_directory(run));
  CHECK(run.parent_path() == in / "a" / "b");
  const std::string known = "worker_pool-20231114T221320Z-";
  const auto name = run.filename().string();
  REQUIRE(name.size() == known.size() + 6);
  CHECK(name.starts_with(known));
  CHECK(name.find_first_not_of("0123456789abcdef", known.size()) == std::string::npos);
}

TEST_CASE("runs that start at the same second get directories of their own", "[cli]") {
  const troupe::testing::temporary_directory in;
  std::set<fs::path> seen;
  for (int i = 0; i < 100; ++i)
    seen.insert(make_run_directory(in.path(), "x", some_time));
  CHECK(seen.size() == 100);
}

TEST_CASE("latest follows the newest run", "[cli]") {
  const troupe::testing::temporary_directory in;
  for (int i = 0; i < 2; ++i) {
    const auto run = make_run_directory(in.path(), "x", some_time);
    point_latest_at(run);
    CHECK(find_run(in / "latest") == fs::canonical(run));
    CHECK(fs::read_symlink(in / "latest").is_relative());
  }
}

TEST_CASE("latest never points nowhere while runs start", "[cli]") {
  const troupe::testing::temporary_directory in;
  point_latest_at(make_run_directory(in.path(), "x", some_time));
  std::atomic<bool> stop = false;
  std::thread writer([&] {
    for (int i = 0; i < 200; ++i)
      point_latest_at(make_run_directory(in.path(), "x", some_time));
    stop = true;
  });
  std::size_t missing = 0;
  while (!stop)
    missing += fs::exists(in / "latest") ? 0 : 1;
  writer.join();
  CHECK(missing == 0);
}

TEST_CASE("a place where no run directory can be made is named with the reason", "[cli]") {
  const troupe::testing::temporary_directory in;
  std::ofstream(in / "file") << "x";
  const auto message = [](const fs::path& out) -> std::string {
    try {
      make_run_directory(out, "x", some_time);
    } catch (const run_directory_error& e) {
      return e.what();
    }
    return "no error";
  };
  for (const auto& out : {in / "file", in / "file" / "below"}) {
    CHECK(message(out).find((in / "file").string() + " exists and is not a directory") != std::string::npos);
    CHECK(message(out).find("--out") != std::string::npos);
  }
  CHECK(message("/proc/nothing/here").find("/proc/nothing/here") != std::string::npos);
  if (::geteuid() != 0) { // root may write everywhere
    fs::create_directory(in / "locked");
    fs::permissions(in / "locked", fs::perms::owner_read | fs::perms::owner_exec);
    CHECK(message(in / "locked").find("Permission denied") != std::string::npos);
  }
}

TEST_CASE("something else called latest is left alone and told", "[cli]") {
  const troupe::testing::temporary_directory in;
  fs::create_directories(in / "latest" / "precious");
  const auto run = make_run_directory(in.path(), "x", some_time);
  CHECK_THROWS_WITH(point_latest_at(run), "cannot point " + (in / "latest").string()
                                              + " at this run: Is a directory; commands of trace find it by "
                                                "its name, "
                                              + run.string());
  CHECK(fs::exists(in / "latest" / "precious"));
  CHECK(std::distance(fs::directory_iterator(in.path()), fs::directory_iterator()) == 2);
}

TEST_CASE("a run that is not there is answered with a sentence", "[cli]") {
  const troupe::testing::temporary_directory in;
  std::ofstream(in / "file") << "x";
  const auto message = [&](const fs::path& run) -> std::string {
    try {
      find_run(run);
    } catch (const run_directory_error& e) {
      return e.what();
    }
    return "no error";
  };
  CHECK(message(in / "latest").find("there is no run yet") == 0);
  CHECK(message(in / "other").find("there is no run directory") == 0);
  CHECK(message(in / "file").find("is not a run directory") != std::string::npos);
  const auto run = make_run_directory(in.path(), "x", some_time);
  point_latest_at(run);
  fs::remove(run);
  CHECK(message(in / "latest").find("no longer there") != std::string::npos);
}
