// Starts that fail: one sentence, exit code 2, and nothing is left behind.
#include "tests/support/catch.hpp"
#include "tests/support/program.hpp"
#include "tests/support/temporary_directory.hpp"
#include "tests/support/text.hpp"

#include <sys/prctl.h>
#include <sys/resource.h>
#include <thread>

using namespace troupe::testing;
using namespace std::chrono_literals;
namespace fs = std::filesystem;

namespace {

const std::string pool = (fs::path(CONFIG_DIR) / "worker_pool.toml").string();

bool nothing_in(const fs::path& directory) {
  return fs::recursive_directory_iterator(directory) == fs::recursive_directory_iterator();
}

/// `sh -c SCRIPT PROGRAM ARGUMENTS...`: the script ends with exec "$0" "$@".
struct in_shell {
  in_shell(const std::string& script, std::vector<std::string> arguments)
      : started("/bin/sh", with(script, std::move(arguments)), directory.path()), code(started.wait()) {}
  static std::vector<std::string> with(const std::string& script, std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(), {"-c", script + " exec \"$0\" \"$@\"", TROUPE_PROGRAM});
    return arguments;
  }
  temporary_directory directory;
  program started;
  int code;
};

std::vector<std::string> tcp_run_at(const std::string& host) {
  return {"run", pool, "--nodes", "2", "--set", "topology.endpoint=tcp", "--set", "topology.host=" + host};
}

} // namespace

TEST_CASE("a run listens at localhost and at the loopback of IPv6", "[program][start]") {
  for (const auto* host : {"localhost", "127.0.0.1", "[::1]", "::1"}) {
    if (std::string_view(host).find(':') != std::string_view::npos && !fs::exists("/proc/net/if_inet6"))
      continue;
    CAPTURE(host);
    const in_shell run("", tcp_run_at(host));
    CAPTURE(run.started.errors);
    CHECK(run.code == 0);
  }
}

TEST_CASE("a host that is not ours is one sentence, before anything is started", "[program][start]") {
  for (const auto* host : {"192.0.2.1", "no-such-host.invalid"}) {
    CAPTURE(host);
    auto arguments = tcp_run_at(host);
    arguments.insert(arguments.end(), {"--set", "topology.security.plaintext=true"});
    const in_shell run("", arguments);
    CAPTURE(run.started.errors);
    CHECK(run.code == 2);
    CHECK(contains(run.started.errors,
                   std::string("cannot listen at `host` = \"") + host + "\" of [topology]: "));
    arguments[0] = "check";
    const in_shell check("", arguments);
    CHECK(check.code == 0); // the plan may be for another machine
    CHECK(contains(check.started.errors, "here the run could not start: cannot listen at"));
  }
  const in_shell with_port("", tcp_run_at("127.0.0.1:80"));
  CHECK(with_port.code == 2);
  CHECK(contains(with_port.started.errors, "is not a host"));
}

TEST_CASE("a TMPDIR that is none is named; one that is too long for sockets is gone round",
          "[program][start]") {
  for (const auto* value : {"", "/no/such/directory"}) {
    const in_shell run(std::string("export TMPDIR='") + value + "';", {"run", pool, "--nodes", "2"});
    CAPTURE(run.started.errors);
    CHECK(run.code == 2);
    CHECK(contains(run.started.errors, std::string("TMPDIR is \"") + value + "\", which is no directory"));
  }
  const in_shell longer("export TMPDIR=$PWD/" + std::string(100, 'x') + "; mkdir $TMPDIR;",
                        {"run", pool, "--nodes", "2"});
  CAPTURE(longer.started.errors);
  CHECK(longer.code == 0);
}

TEST_CASE("few open files: the limit is raised, or the run says before it starts what it lacks",
          "[program][start]") {
  const in_shell soft("ulimit -S -n 64;", {"run", pool, "--nodes", "8"});
  CAPTURE(soft.started.errors);
  CHECK(soft.code == 0);
  const in_shell hard("ulimit -n 100;", {"run", pool, "--nodes", "20"});
  CAPTURE(hard.started.errors);
  CHECK(hard.code == 2);
  CHECK(contains(hard.started.errors, "20 nodes need 184 open files, and this process may open "));
  CHECK(contains(hard.started.errors, "`ulimit -n`"));
  CHECK(nothing_in(hard.directory / "tmp"));
  // However few there are, it ends with a sentence.
  for (const auto files : {12, 20, 28, 36, 44}) {
    CAPTURE(files);
    const in_shell few("ulimit -n " + std::to_string(files) + ";", {"run", pool, "--nodes", "1"});
    CAPTURE(few.started.errors);
    CHECK(few.code == 2);
    CHECK_FALSE(contains(few.started.errors, "Aborted"));
    CHECK(nothing_in(few.directory / "tmp"));
  }
}

TEST_CASE("a node that cannot listen or join ends with one sentence", "[program][start]") {
  const in_shell unreachable("", {"node", "--join", "ipc:///no/such/socket", "--name", "a"});
  CAPTURE(unreachable.started.errors);
  CHECK(unreachable.code == 2);
  CHECK(contains(unreachable.started.errors, "node a: cannot join ipc:///no/such/socket: "));
  CHECK_FALSE(contains(unreachable.started.errors, "error("));
}

TEST_CASE("a node that loses its launcher says why it ends", "[program][start]") {
  const temporary_directory directory;
  const auto file = directory / "external.toml";
  std::ofstream(file)
      << "scenario = \"worker_pool\"\n[parameters]\ntask = \"sleep\"\ninputs = [60000]\nworkers = 1\n"
         "[topology]\nendpoint = \"tcp\"\nexternal = [\"a\"]\njoin_timeout = \"2m\"\n";
  program launcher(TROUPE_PROGRAM, {"run", file.string()}, directory.path());
  REQUIRE(launcher.says(" --name a"));
  const auto begin = launcher.errors.find("tcp://");
  const auto endpoint = launcher.errors.substr(begin, launcher.errors.find(' ', begin) - begin);
  program node(TROUPE_PROGRAM, {"node", "--join", endpoint, "--name", "a"}, directory.path());
  REQUIRE(launcher.says("troupe: running"));
  launcher.signal(SIGKILL);
  CHECK(node.wait() == 4);
  CAPTURE(node.errors);
  CHECK(contains(node.errors, "troupe: node a: the launcher is lost: "));
}

TEST_CASE("a launcher that is killed while it starts, or waits for nodes, leaves no directory",
          "[program][start]") {
  ::prctl(PR_SET_CHILD_SUBREAPER, 1); // so that we can wait for orphans
  const temporary_directory directory;
  const auto file = directory / "external.toml";
  std::ofstream(file) << "scenario = \"worker_pool\"\n[parameters]\ninputs = [2]\nworkers = 1\n"
                         "[topology]\nendpoint = \"ipc\"\nexternal = [\"a\"]\n";
  for (int i = 0; i < 10; ++i) {
    program launcher(TROUPE_PROGRAM, {"run", file.string()}, directory.path());
    if (i == 0) {
      REQUIRE(launcher.says(" --name a"));
    } else { // at any moment of its start
      std::this_thread::sleep_for(std::chrono::milliseconds{5 * i});
    }
    launcher.signal(SIGKILL);
    CHECK(launcher.wait() == 128 + SIGKILL);
    while (::waitpid(-1, nullptr, 0) > 0) {
    }
    CHECK(nothing_in(directory / "tmp"));
  }
  ::prctl(PR_SET_CHILD_SUBREAPER, 0);
}
