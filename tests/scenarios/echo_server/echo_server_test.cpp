// The whole echo server over real sockets, with clients of all sorts.
#include "scenarios/echo_server/echo_server.hpp"

#include "tests/runner/run_text.hpp"
#include "tests/support/memory.hpp"
#include "tests/support/tcp_client.hpp"
#include "transport/lines/line_clients.hpp"

#include <future>
#include <thread>

using namespace troupe;
using namespace troupe::scenarios;
using namespace std::chrono_literals;
using nlohmann::json;
using troupe::testing::failures;
using troupe::testing::refusal;
using troupe::testing::run_text;
using troupe::testing::run_text_to_deadline;
using troupe::testing::tcp_client;

namespace {

const scenario& demo() {
  static const scenario s = echo_server();
  return s;
}

const std::string head = "scenario = \"echo_server\"\ndeadline = \"10m\"\n[parameters]\n";

/// A server that serves until it is told to stop, on a thread of its own.
class served_run {
 public:
  explicit served_run(const std::string& more) {
    const auto loaded = parse(head + more, "test.toml", {&demo()}, {}, {});
    REQUIRE(loaded.result);
    options_.what = *loaded.result;
    options_.run_dir = directory_.path();
    options_.interrupts = &interrupts_;
    options_.observer.on_warning = [this](const std::string& text) {
      const auto find = [&](const std::string& before, std::promise<std::string>& into) {
        if (text.starts_with(before))
          into.set_value(text.substr(before.size(), text.find(' ', before.size()) - before.size()));
      };
      find("serving TCP on ", tcp_);
      find("serving ZeroMQ on ", zeromq_);
      const std::lock_guard lock{mutex_};
      warnings_ += text + '\n';
    };
    thread_ = std::thread([this] { outcome_ = execute(demo(), options_); });
    try {
      tcp = address(tcp_);
      if (more.find("zeromq") != std::string::npos) zeromq = address(zeromq_);
    } catch (...) {
      stop();
      throw;
    }
  }
  ~served_run() {
    interrupts_.store(1);
    if (thread_.joinable()) thread_.join();
  }
  /// Ctrl-C, and the end of everything.
  const outcome& stop() {
    interrupts_.store(1);
    if (thread_.joinable()) thread_.join();
    return outcome_;
  }
  void interrupt() { interrupts_.store(1); }
  std::string warnings() {
    const std::lock_guard lock{mutex_};
    return warnings_;
  }
  std::string tcp, zeromq;

 private:
  static std::string address(std::promise<std::string>& from) {
    auto future = from.get_future();
    if (future.wait_for(30s) != std::future_status::ready)
      throw std::runtime_error("the server is not there");
    return future.get();
  }

  testing::temporary_directory directory_;
  run_options options_;
  std::atomic<int> interrupts_{0};
  std::promise<std::string> tcp_, zeromq_;
  std::mutex mutex_;
  std::string warnings_;
  outcome outcome_;
  std::thread thread_;
};

/// accepted = answered + unanswered, and the books of the actors balance.
void check_books(const outcome& run) {
  INFO(failures(run));
  CHECK(run.result_verdict == verdict::interrupted);
  REQUIRE(run.result.is_object());
  INFO(run.result.dump(2));
  std::uint64_t unanswered = 0;
  const auto& lines = run.result.at("sockets").at("lines");
  for (auto& [reason, count] : lines.at("unanswered").items())
    unanswered += count.get<std::uint64_t>();
  CHECK(lines.at("accepted").get<std::uint64_t>() == lines.at("answered").get<std::uint64_t>() + unanswered);
  for (auto& check : run.checks)
    if (check.name == "the books balance") CHECK(check.passed);
}

std::uint64_t ended(const outcome& run, const std::string& why) {
  return run.result.at("sockets").at("ended").value(why, std::uint64_t{0});
}

} // namespace

TEST_CASE("plain TCP and ZeroMQ clients are echoed, whatever pieces their bytes come in", "[echo_server]") {
  served_run run{"zeromq = \"tcp://127.0.0.1:*\""};
  tcp_client one{run.tcp}, two{run.tcp};
  for (const char c : std::string{"Hello, World!\r\n"}) {
    one.send({&c, 1});
    two.send("x");
  }
  two.send("\na\nb\nc\n");
  CHECK(one.line() == "Echoed back: Hello, World!");
  CHECK(two.line() == "Echoed back: " + std::string(15, 'x'));
  for (const auto* text : {"a", "b", "c"})
    CHECK(two.line() == std::string{"Echoed back: "} + text);

  transport::line_clients dealers{run.zeromq, 2};
  dealers.connect(0);
  dealers.connect(1);
  dealers.send(0, "zero");
  dealers.send(1, "one");
  std::vector<transport::line_clients::line> lines;
  while (lines.size() < 2)
    dealers.wait(20s, lines);
  for (auto& each : lines)
    CHECK(each.text == (each.client == 0 ? "Echoed back: zero" : "Echoed back: one"));
  check_books(run.stop());
}

TEST_CASE("presence is told over TCP too", "[echo_server]") {
  served_run run{"mode = \"presence\""};
  tcp_client anna{run.tcp};
  CHECK(anna.line() == "Welcome! 1 user(s) are online!");
  {
    tcp_client berta{run.tcp};
    CHECK(berta.line() == "Welcome! 2 user(s) are online!");
    CHECK(anna.line() == "New user connected!");
  }
  CHECK(anna.line() == "Client disconnected. 1 user(s) are online!");
  check_books(run.stop());
}

TEST_CASE("in close-after-reply mode the echo is followed by the end", "[echo_server]") {
  served_run run{"mode = \"close_after_reply\""};
  tcp_client client{run.tcp};
  client.send("one\ntwo\n");
  CHECK(client.line() == "Echoed back: one");
  CHECK(client.line() == "<end>");
  check_books(run.stop());
}

TEST_CASE("hostile clients are told and closed, the others are unharmed, and memory is bounded",
          "[echo_server]") {
  served_run run{
      "connections_max = 40\nline_timeout = \"300ms\"\nline_bytes_max = 1000\nqueued_bytes_max = 20000"};
  tcp_client good{run.tcp};
  const auto before = testing::peak_kib();

  tcp_client endless{run.tcp};
  const std::string megabyte(1 << 20, 'x');
  for (int i = 0; i < 200 && endless.send(megabyte); ++i) { // it is closed long before 200 MB
  }
  tcp_client binary{run.tcp};
  binary.send("\xff\xfe\n");
  CHECK(binary.line() == "error: this line is not UTF-8");
  CHECK(binary.line() == "<end>");
  tcp_client unfinished{run.tcp};
  unfinished.send("no line end");
  CHECK(unfinished.line() == "error: the line did not end in time");
  CHECK(unfinished.line() == "<end>");
  tcp_client failing{run.tcp};
  failing.send("boom\n");
  CHECK(failing.line() == "error: the handler failed");
  CHECK(failing.line() == "<end>");
  // Writes and never reads: dropped once its unread answers are too many.
  tcp_client deaf{run.tcp};
  const std::string line = std::string(900, 'd') + '\n';
  for (int i = 0; i < 200'000 && deaf.send(line); ++i) {
  }
  std::vector<tcp_client> crowd;
  std::size_t refused = 0;
  for (int i = 0; i < 200; ++i) {
    crowd.emplace_back(run.tcp);
    crowd.back().send("hello\n");
  }
  for (auto& each : crowd) {
    const auto answer = each.line();
    if (answer == "error: there are too many connections" || answer == "<end>")
      ++refused;
    else
      CHECK(answer == "Echoed back: hello");
  }
  CHECK(refused >= 160);

  good.send("still there?\n");
  CHECK(good.line() == "Echoed back: still there?");
  CHECK(testing::peak_kib() - before < 64 * 1024);
  const auto& result = run.stop();
  check_books(result);
  CHECK(ended(result, "line_too_long") + ended(result, "client_left") >= 1);
  CHECK(ended(result, "not_utf8") == 1);
  CHECK(ended(result, "line_timeout") == 1);
  CHECK(ended(result, "handler_failed") == 1);
  CHECK(ended(result, "slow_reader") == 1);
  CHECK(result.result.at("handlers_failed") == 1);
  CHECK(result.result.at("sockets").at("refused").get<std::size_t>() >= 160);
  CHECK(result.result.at("sockets").at("connections_peak").get<std::size_t>() <= 40);
  CHECK_THAT(run.warnings(), Catch::Matchers::Contains("its handler failed: it was told \"boom\""));
}

TEST_CASE("clients that end their side are answered before the connection closes", "[echo_server]") {
  served_run run{""};
  for (int i = 0; i < 100; ++i) {
    tcp_client client{run.tcp};
    client.send("one\ntwo\nthree");
    client.end_output();
    REQUIRE(client.line() == "Echoed back: one");
    REQUIRE(client.line() == "Echoed back: two");
    REQUIRE(client.line() == "<end>");
  }
  const auto& result = run.stop();
  check_books(result);
  const auto& sockets = result.result.at("sockets");
  CHECK(sockets.at("lines").at("answered") == 200);
  CHECK(sockets.at("lines").at("unanswered").empty());
  CHECK(ended(result, "client_left") == 100);
}

TEST_CASE("a client that says everything at once is answered, and does not hold up the others",
          "[echo_server]") {
  served_run run{"queued_bytes_max = 20000\nwork = \"1ms\""};
  constexpr int lines = 500;
  tcp_client greedy{run.tcp};
  std::string all;
  for (int i = 0; i < lines; ++i)
    all += std::to_string(i) + '\n';
  greedy.send(all);
  greedy.end_output();
  // A handler that takes its time has the client's next lines only: an answer to another client
  // need not wait for it.
  tcp_client other{run.tcp};
  for (int i = 0; i < 10; ++i) {
    other.send("mine\n");
    REQUIRE(other.line() == "Echoed back: mine");
  }
  for (int i = 0; i < lines; ++i)
    REQUIRE(greedy.line() == "Echoed back: " + std::to_string(i));
  CHECK(greedy.line() == "<end>");
  const auto& result = run.stop();
  check_books(result);
  CHECK(ended(result, "slow_reader") == 0);
  CHECK(result.result.at("sockets").at("lines").at("answered") == lines + 10);
}

TEST_CASE("a stop answers what is open, and counts what takes longer than the grace", "[echo_server]") {
  const bool too_long = GENERATE(false, true);
  served_run run{too_long ? "work = \"1h\"" : "work = \"500ms\""};
  tcp_client client{run.tcp};
  client.send("open\n");
  // Accepted for sure when an answer to something else was, on another connection: the
  // server reads in turn. Here the line may also come after the stop, and is then refused.
  run.interrupt();
  const auto answer = client.line();
  const auto& result = run.stop();
  check_books(result);
  const auto& lines = result.result.at("sockets").at("lines");
  if (lines.at("accepted") == 0) return;
  if (too_long)
    CHECK(lines.at("unanswered").at("stopped") == 1);
  else
    CHECK(answer == "Echoed back: open");
}

TEST_CASE("a load over actors, TCP and ZeroMQ is echoed whole, from one node and from several",
          "[echo_server]") {
  const std::string over = GENERATE("actors", "tcp", "zeromq");
  const std::string mode = GENERATE("echo", "close_after_reply", "presence");
  const int nodes = GENERATE(0, 2);
  CAPTURE(over, mode, nodes);
  const auto result = run_text(demo(),
                               head + "clients = 12\nmessages = 20\nover = \"" + over + "\"\nmode = \"" + mode
                                   + "\"\nzeromq = \"tcp://127.0.0.1:*\"",
                               nodes);
  INFO(failures(result));
  CHECK(result.result_verdict == verdict::passed);
  const auto& load = result.result.at("load");
  CHECK(load.at("echoed") == 240);
  CHECK(load.at("wrong") == 0);
  CHECK(load.at("latency_us").at("p50").get<double>() > 0);
  CHECK(load.at("latency_us").at("p50").get<double>() <= load.at("latency_us").at("max").get<double>());
}

TEST_CASE("a load that is stopped gets the echoes that come within the grace", "[echo_server]") {
  const std::string over = GENERATE("actors", "tcp", "zeromq");
  CAPTURE(over);
  // Stopped when all have been echoed once: whatever is open then is answered by the server.
  std::atomic<int> interrupts{0};
  run_observer observer;
  observer.on_progress = [&](std::uint64_t done, auto&&...) {
    if (done >= 3) interrupts.store(1);
  };
  const auto result = run_text(demo(),
                               head
                                   + "clients = 3\nmessages = 1_000_000\nzeromq = \"tcp://127.0.0.1:*\"\n"
                                     "work = \"200ms\"\nover = \""
                                   + over + '"',
                               0, &interrupts, observer);
  CHECK(result.result_verdict == verdict::interrupted);
  REQUIRE(result.result.is_object());
  const auto& load = result.result.at("load");
  INFO(result.result.dump(2));
  CHECK(load.at("echoed").get<int>() >= 3);
  CHECK(load.at("sent") == load.at("echoed"));
  CHECK(load.at("unanswered") == 0);
}

TEST_CASE("a load that is stopped counts the echoes that take longer than the grace", "[echo_server]") {
  const std::string over = GENERATE("actors", "tcp", "zeromq");
  CAPTURE(over);
  const auto result = run_text_to_deadline(
      demo(),
      "scenario = \"echo_server\"\n[parameters]\nclients = 3\nmessages = 1_000_000\n"
      "zeromq = \"tcp://127.0.0.1:*\"\nwork = \"1h\"\nover = \""
          + over + '"',
      0, [](const outcome& run) { return run.result.is_object() && run.result.at("load").at("sent") == 3; });
  CHECK(result.result_verdict == verdict::deadline);
  REQUIRE(result.result.is_object());
  const auto& load = result.result.at("load");
  INFO(result.result.dump(2));
  CHECK(load.at("sent") == 3);
  CHECK(load.at("echoed") == 0);
  CHECK(load.at("wrong") == 0);
  CHECK(load.at("unanswered") == 3);
}

TEST_CASE("impossible combinations are refused with a sentence", "[echo_server]") {
  const auto [parameters, sentence] = GENERATE(table<std::string, std::string>({
      {"tcp = \"\"", "nobody could reach the server"},
      {"tcp = \"\"\nclients = 2\nover = \"tcp\"", "needs an address: give tcp"},
      {"clients = 2\nover = \"zeromq\"", "needs an endpoint: give zeromq"},
      {"clients = 2\nover = \"tcp\"\nconnections_max = 1", "turn some of the load away"},
      {"clients = 1\nmessage_bytes = 100\nline_bytes_max = 50", "longer than the server accepts"},
  }));
  CHECK_THAT(refusal(demo(), head + parameters), Catch::Matchers::Contains(sentence));
}

TEST_CASE("an address that cannot be listened on is told with its reason", "[echo_server]") {
  const auto result = run_text(demo(), head + "tcp = \"192.0.2.1:9\"");
  CHECK(result.result_verdict == verdict::check_failed);
  CHECK_THAT(result.reason, Catch::Matchers::StartsWith("cannot listen on tcp://192.0.2.1:9: "));
}
