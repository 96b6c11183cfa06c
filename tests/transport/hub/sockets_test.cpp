// Hubs over real sockets that are cut, stalled, stopped and killed.
#include "tests/support/catch.hpp"
#include "tests/support/memory.hpp"
#include "tests/support/sanitized.hpp"
#include "tests/transport/processes.hpp"

#include <algorithm>
#include <cstdio>
#include <iostream>

using namespace transport_tests;
using troupe::testing::peak_kib;

namespace {

// What the child sends back, which is what was sent, in order and once.
bool all_came_back(recording_listener& listener, const std::string& peer, std::size_t count) {
  std::vector<std::string> wanted;
  for (std::size_t i = 0; i < count; ++i)
    wanted.push_back(std::to_string(i));
  const auto of_peer = [&](const std::vector<heard>& all) {
    std::vector<std::string> result;
    for (const auto& e : all)
      if (e.peer == peer && std::isdigit(e.what[0]) != 0) result.push_back(e.what);
    return result;
  };
  listener.wait([&](const std::vector<heard>& all) { return of_peer(all).size() >= count; });
  return of_peer(listener.events()) == wanted;
}

bool has_down(const std::vector<heard>& all) {
  return std::any_of(all.begin(), all.end(), [](const heard& e) { return e.what.starts_with("down"); });
}

} // namespace

TEST_CASE("a proxy that cuts the connection again and again loses nothing", "[transport][sockets]") {
  test_node a("a", "");
  test_node b("b", "tcp://127.0.0.1:*");
  tcp_proxy proxy(b.transport->endpoint());
  const auto p = a.connect(proxy.endpoint());
  REQUIRE(p);
  constexpr std::size_t count = 20'000;
  for (std::size_t i = 0; i < count; ++i) {
    REQUIRE(send_text(p, std::to_string(i)) == send_result::ok);
    if (i % 4000 == 3999) {
      proxy.cut();
      // The next cut shall hit another connection.
      REQUIRE(b.listener.wait_count(i - 3000));
    }
  }
  CHECK(all_came_back(b.listener, "a", count));
  CHECK(proxy.accepted() > 1);
  CHECK_FALSE(has_down(a.listener.events()));
  CHECK_FALSE(has_down(b.listener.events()));
}

TEST_CASE("a proxy that stalls for less than the liveness interval loses nothing", "[transport][sockets]") {
  auto options = test_node::options_for("a", "");
  options.liveness = 10s;
  test_node a(options);
  auto other = test_node::options_for("b", "tcp://127.0.0.1:*");
  other.liveness = 10s;
  test_node b(other);
  tcp_proxy proxy(b.transport->endpoint());
  const auto p = a.connect(proxy.endpoint());
  REQUIRE(p);
  for (std::size_t i = 0; i < 1000; ++i)
    send_text(p, std::to_string(i));
  proxy.stall(true);
  for (std::size_t i = 1000; i < 2000; ++i)
    send_text(p, std::to_string(i));
  proxy.stall(false);
  CHECK(all_came_back(b.listener, "a", 2000));
  CHECK_FALSE(has_down(b.listener.events()));
}

TEST_CASE("a proxy that stalls for longer makes both sides find the other silent", "[transport][sockets]") {
  auto options = test_node::options_for("a", "");
  options.liveness = 2s;
  test_node a(options);
  auto other = test_node::options_for("b", "tcp://127.0.0.1:*");
  other.liveness = 2s;
  test_node b(other);
  tcp_proxy proxy(b.transport->endpoint());
  const auto p = a.connect(proxy.endpoint());
  REQUIRE(p);
  REQUIRE(b.listener.wait_for("a", "up"));
  proxy.stall(true);
  send_text(p, "lost");
  REQUIRE(a.listener.wait_for("b", "down silent"));
  REQUIRE(b.listener.wait_for("a", "down silent"));
  CHECK(a.listener.events().back().lost == 1);
  proxy.stall(false);
  const auto again = a.connect(proxy.endpoint()); // the same two incarnations, a new session
  REQUIRE(again);
  CHECK(again != p);
  CHECK(send_text(again, "found") == send_result::ok);
  CHECK(b.listener.wait_for("a", "found"));
  CHECK(b.listener.texts().back() == "found");
}

TEST_CASE("a process that is stopped for less than the liveness interval goes on as before",
          "[transport][sockets]") {
  const auto* kind = GENERATE("ipc", "tcp");
  temporary_directory directory;
  const auto listen =
      std::string(kind) == "ipc" ? "ipc://" + (directory.path() / "c").string() : "tcp://127.0.0.1:*";
  child_process child({"child", listen});
  test_node a("a", "");
  const auto p = a.connect(child.endpoint());
  REQUIRE(p);
  for (std::size_t i = 0; i < 100; ++i)
    send_text(p, std::to_string(i));
  child.stop();
  for (std::size_t i = 100; i < 200; ++i)
    CHECK(send_text(p, std::to_string(i)) == send_result::ok);
  child.kill(SIGCONT);
  CHECK(all_came_back(a.listener, "child", 200));
  CHECK_FALSE(has_down(a.listener.events()));
}

TEST_CASE("a process that is stopped for longer is down, and comes back as a new session",
          "[transport][sockets]") {
  temporary_directory directory;
  child_process child({"child", "ipc://" + (directory.path() / "c").string(), "liveness=60000"});
  auto options = test_node::options_for("a", "");
  options.liveness = 2s;
  test_node a(options);
  const auto p = a.connect(child.endpoint());
  REQUIRE(p);
  child.stop();
  send_text(p, "lost");
  REQUIRE(a.listener.wait_for("child", "down silent"));
  CHECK(a.listener.events().back().lost == 1);
  child.kill(SIGCONT);
  const auto again = a.connect(child.endpoint());
  REQUIRE(again);
  CHECK(again->identity() == p->identity());
  CHECK(send_text(again, "0") == send_result::ok);
  CHECK(all_came_back(a.listener, "child", 1));
}

TEST_CASE("processes that are all stopped for longer lose nobody; one that is stopped alone is lost",
          "[transport][sockets]") {
  const auto* kind = GENERATE("ipc", "tcp");
  temporary_directory directory;
  const auto listen = [&](const std::string& name) {
    return std::string(kind) == "ipc" ? "ipc://" + (directory.path() / name).string() : "tcp://127.0.0.1:*";
  };
  child_process x({"x", listen("x"), "liveness=2000", "tell=1"});
  child_process y({"y", listen("y"), "liveness=2000", "tell=1", "connect=" + x.endpoint()});
  // A busy machine may let them stand still at other times, too.
  const auto next_event = [](child_process& of) {
    auto line = of.next_line();
    while (line == "stood still")
      line = of.next_line();
    return line;
  };
  REQUIRE(next_event(x) == "up y");
  REQUIRE(next_event(y) == "up x");
  x.stop();
  y.stop();
  std::this_thread::sleep_for(6s); // is what is tested: three times the interval
  x.kill(SIGCONT);
  y.kill(SIGCONT);
  // Had one of them called the other silent, it would have said so first or next.
  CHECK(x.next_line() == "stood still");
  CHECK(y.next_line() == "stood still");
  y.stop();
  CHECK(next_event(x) == "down y silent");
  y.kill(SIGCONT);
  CHECK(y.next_line() == "stood still");
  CHECK(next_event(y) == "down x silent");
}

TEST_CASE("a process that is killed is found at once, and its successor replaces it",
          "[transport][sockets]") {
  const auto* kind = GENERATE("ipc", "tcp");
  const bool child_dials = GENERATE(false, true);
  CAPTURE(kind, child_dials);
  temporary_directory directory;
  const auto listen = [&](const std::string& name) {
    return std::string(kind) == "ipc" ? "ipc://" + (directory.path() / name).string() : "tcp://127.0.0.1:*";
  };
  auto options = test_node::options_for("a", listen("a"));
  options.liveness = 1h;
  test_node a(options);
  auto first = std::make_unique<child_process>(std::vector<std::string>{
      "child", listen("c"), child_dials ? "connect=" + a.transport->endpoint() : "plaintext=1"});
  if (!child_dials) REQUIRE(a.connect(first->endpoint()));
  REQUIRE(a.listener.wait_for("child", "up"));
  const auto old = first->incarnation();
  first->kill(SIGKILL);
  first->reap();
  REQUIRE(a.listener.wait_for("child", "down silent"));
  child_process second(
      {"child", listen("c"), child_dials ? "connect=" + a.transport->endpoint() : "plaintext=1"});
  if (!child_dials) REQUIRE(a.connect(second.endpoint()));
  REQUIRE(a.listener.wait([&](const auto& all) {
    return std::any_of(all.begin(), all.end(), [&](const heard& e) {
      return e.what == "up" && e.incarnation == second.incarnation();
    });
  }));
  CHECK(second.incarnation() != old);
  for (const auto& p : a.transport->peers()) // when it answers, it knows that it is connected
    send_text(p, "0");
  REQUIRE(a.listener.wait_for("child", "0"));
  second.close_input();
  CHECK(a.listener.wait_for("child", "down left"));
  CHECK(second.reap() == 0);
}

TEST_CASE("a consumer ten times slower than its producer costs neither process more than its bounds",
          "[transport][sockets]") {
  temporary_directory directory;
  child_process child({"child", "ipc://" + (directory.path() / "c").string(), "consume=10000"});
  auto options = test_node::options_for("a", "");
  options.queue_bytes_max = 8U << 20;
  test_node a(options);
  const auto p = a.connect(child.endpoint());
  REQUIRE(p);
  const auto before = peak_kib(), child_before = peak_kib(child.pid());
  const std::string text(1000, 'x');
  constexpr std::uint64_t wanted = 150'000; // 150 MB, in all
  std::uint64_t accepted = 0, refused = 0;
  while (accepted < wanted) {
    const auto result = send_text(p, text);
    if (result == send_result::ok) {
      ++accepted;
      continue;
    }
    REQUIRE(result == send_result::queue_full);
    ++refused; // the layer above books it as dropped, with this reason
    std::this_thread::yield();
  }
  while (send_text(p, "end") != send_result::ok)
    std::this_thread::yield();
  CHECK(a.listener.wait_for("child", std::to_string(accepted))); // each that was accepted, and no other
  CHECK(refused > 0);
  if (troupe::testing::sanitized) return;
  CHECK(peak_kib() < before + 40'000);                  // the queue, and some
  CHECK(peak_kib(child.pid()) < child_before + 80'000); // the window, and some
}

TEST_CASE("sixty-four hubs on one machine, each linked with the first", "[transport][sockets]") {
  temporary_directory directory;
  shared_context context;
  zmq_ctx_set(context.get, ZMQ_MAX_SOCKETS, 2000);
  const auto at = [&](int i) { return "ipc://" + (directory.path() / std::to_string(i)).string(); };
  // Sixty-four busy threads on two cores: nobody shall be taken for silent.
  const auto options = [&](int i) {
    auto o = test_node::options_for("n" + std::to_string(i), at(i), context.get);
    o.heartbeat = 500ms;
    o.liveness = 60s;
    o.connect_timeout = 60s;
    return o;
  };
  test_node first(options(0));
  std::list<test_node> others;
  for (int i = 1; i < 64; ++i)
    others.emplace_back(options(i));
  for (auto& n : others) {
    const auto p = n.transport->open(first.transport->identity(), first.transport->endpoint());
    for (int k = 0; k < 10; ++k)
      send_text(p, std::to_string(k));
  }
  CHECK(first.listener.wait_count(63 * 11));
  CHECK(first.transport->peers().size() == 63);
  for (const auto& p : first.transport->peers())
    send_text(p, "back");
  for (auto& n : others)
    CHECK(n.listener.wait_for("n0", "back"));
  first.transport->stop(20s);
  for (auto& n : others)
    CHECK(n.listener.wait_for("n0", "down left"));
}

namespace {

/// What a command prints, and whether it succeeded.
std::pair<std::string, bool> run(const std::string& command) {
  std::FILE* pipe = ::popen((command + " 2>&1").c_str(), "re");
  if (pipe == nullptr) return {"cannot run " + command, false};
  std::string text;
  for (char buffer[256]; std::fgets(buffer, sizeof buffer, pipe) != nullptr;)
    text += buffer;
  const int status = ::pclose(pipe);
  return {text, status == 0};
}

/// In namespaces of its own, as their root: a cable from here to the namespace "other".
void pull_the_cable() {
  const auto cable = [](const char* state) {
    const auto [text, done] = run(std::string("ip link set here ") + state);
    INFO(text);
    REQUIRE(done);
  };
  child_process child({"child", "tcp://198.18.77.2:*", "plaintext=1", "liveness=4000"},
                      {"ip", "netns", "exec", "other"});
  auto options = test_node::options_for("a", "");
  options.liveness = 4s;
  options.plaintext = true;
  test_node a(options);
  std::string why;
  const auto p = a.connect(child.endpoint(), &why);
  CAPTURE(why);
  REQUIRE(p);
  for (std::size_t i = 0; i < 100; ++i)
    send_text(p, std::to_string(i));
  REQUIRE(all_came_back(a.listener, "child", 100));
  cable("down");
  const auto before = a.listener.events().size();
  for (std::size_t i = 100; i < 200; ++i)
    send_text(p, std::to_string(i));
  std::this_thread::sleep_for(1s); // the moment for which it is out
  CHECK(a.listener.events().size() == before);
  cable("up");
  CHECK(all_came_back(a.listener, "child", 200));
  CHECK_FALSE(has_down(a.listener.events()));
  cable("down");
  CHECK(a.listener.wait_for("child", "down silent"));
}

} // namespace

TEST_CASE(
    "nodes in two network namespaces survive a cable that is pulled for a moment, not one that stays out",
    "[transport][sockets][netns]") {
  constexpr auto* inside = "TROUPE_TEST_IN_NAMESPACES";
  if (std::getenv(inside) != nullptr) {
    pull_the_cable();
    return;
  }
  // All of it is gone with the process, and nobody else sees it: neither addresses nor names
  // can clash. 198.18.0.0/15 is set aside for tests of this kind.
  const auto unshare =
      std::string("unshare --net --mount ") + (::geteuid() == 0 ? "" : "--user --map-root-user ") + "sh -c '";
  const std::string set_up = "mount -t tmpfs none /run && ip netns add other"
                             " && ip link add here type veth peer name there netns other"
                             " && ip addr add 198.18.77.1/30 dev here && ip link set here up"
                             " && ip -n other addr add 198.18.77.2/30 dev there"
                             " && ip -n other link set there up";
  if (const auto [why, possible] = run(unshare + set_up + "'"); !possible) {
    std::cout << "skipped: no network namespaces can be made here: " << why << std::endl;
    return;
  }
  const auto self = std::filesystem::read_symlink("/proc/self/exe").string();
  const auto [output, passed] =
      run(std::string(inside) + "=1 " + unshare + set_up + R"( && exec "$0" "[netns]"' ')" + self + "'");
  INFO(output);
  CHECK(passed);
}
