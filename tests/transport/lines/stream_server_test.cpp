// The stream server over real sockets, with an answerer that lives on its own thread.
#include "tests/support/catch.hpp"
#include "tests/support/memory.hpp"
#include "tests/support/tcp_client.hpp"
#include "transport/lines/line_clients.hpp"
#include "transport/lines/stream_server.hpp"
#include "transport/zmq/zmq_socket.hpp"

#include <algorithm>
#include <condition_variable>
#include <deque>
#include <future>
#include <sys/resource.h>
#include <thread>

using namespace troupe::transport;
using namespace std::chrono_literals;
using troupe::testing::resident_kib;
using troupe::testing::tcp_client;

namespace {

/// Echoes at once, except lines that begin with "hold": those it keeps until they are released.
class echo final : public stream_listener {
 public:
  explicit echo(stream_server_options options = {}) {
    if (options.tcp.empty() && options.zeromq.empty()) options.tcp = "127.0.0.1:*";
    server_ = std::make_unique<stream_server>(std::move(options), *this);
    ready_.set_value();
  }
  // The server ends first, while its thread may still call back; so it is the last member.
  ~echo() override = default;

  tcp_client connect() const { return tcp_client{server_->tcp_address()}; }
  stream_server& server() { return *server_; }

  /// Answers so many of those that were held first.
  void release(std::size_t count = std::numeric_limits<std::size_t>::max()) {
    std::lock_guard lock{mutex_};
    for (; count > 0 && !held_.empty(); --count) {
      server_->answer(held_.front().first, held_.front().second);
      held_.pop_front();
    }
  }
  std::size_t held() const { return held_.size(); } ///< in a predicate
  template <class Function>
  void change(Function function) {
    std::lock_guard lock{mutex_};
    function();
    changed_.notify_all();
  }
  template <class Predicate>
  bool eventually(Predicate predicate) {
    std::unique_lock lock{mutex_};
    return changed_.wait_for(lock, 30s, [&] { return predicate(); });
  }
  template <class Predicate>
  bool holds(Predicate predicate) {
    std::lock_guard lock{mutex_};
    return predicate();
  }
  line_ending ending(std::size_t i) {
    std::lock_guard lock{mutex_};
    return endings.at(i);
  }
  /// Stops the server and waits for its counts.
  stream_counts stop(std::chrono::milliseconds patience = 5s) {
    server_->stop(patience);
    eventually([this] { return counts.has_value(); });
    return counts.value_or(stream_counts{});
  }

  void on_connected(client_id client, client_kind, const std::string&) override {
    change([&] { clients.push_back(client); });
  }
  void on_line(client_id client, std::string line) override {
    wait_until_ready();
    if (line == "boom")
      server_->fail(client, "error: the handler failed");
    else if (line.starts_with("hold"))
      change([&] { held_.emplace_back(client, line); });
    else
      server_->answer(client, "Echoed back: " + line);
  }
  void on_closed(client_id, line_ending why) override {
    change([&] { endings.push_back(why); });
  }
  void on_intake_closed() override {
    change([&] { intake_closed = true; });
  }
  void on_stopped(const stream_counts& x) override {
    change([&] { counts = x; });
  }

  std::vector<client_id> clients;
  std::vector<line_ending> endings;
  bool intake_closed = false;
  std::optional<stream_counts> counts;

 private:
  void wait_until_ready() { is_ready_.wait(); }
  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<std::pair<client_id, std::string>> held_;
  std::promise<void> ready_;
  std::shared_future<void> is_ready_ = ready_.get_future().share();
  std::unique_ptr<stream_server> server_;
};

std::uint64_t count(const std::array<std::uint64_t, line_ending_count>& by, line_ending why) {
  return by[static_cast<std::size_t>(why)];
}
std::uint64_t sum(const std::array<std::uint64_t, line_ending_count>& by) {
  std::uint64_t result = 0;
  for (auto x : by)
    result += x;
  return result;
}
void check_books(const stream_counts& x) {
  CHECK(x.accepted == x.answered + sum(x.unanswered));
  CHECK(x.connections + x.refused == sum(x.ended));
}

} // namespace

TEST_CASE("a plain TCP client is echoed, whatever pieces its bytes come in", "[transport][stream]") {
  echo e;
  auto client = e.connect();
  client.send("Hello, World!\n");
  CHECK(client.line() == "Echoed back: Hello, World!");
  for (char c : std::string("dr"))
    client.send({&c, 1});
  client.send("ip\r\nnext\n");
  CHECK(client.line() == "Echoed back: drip");
  CHECK(client.line() == "Echoed back: next");
  client.close();
  REQUIRE(e.eventually([&] { return !e.endings.empty(); }));
  CHECK(e.ending(0) == line_ending::client_left);
  const auto counts = e.stop();
  CHECK(counts.answered == 3);
  check_books(counts);
}

TEST_CASE("many clients get their own lines in order", "[transport][stream]") {
  echo e;
  std::vector<tcp_client> clients;
  for (int i = 0; i < 50; ++i)
    clients.push_back(e.connect());
  for (int round = 0; round < 20; ++round)
    for (std::size_t i = 0; i < clients.size(); ++i)
      clients[i].send("client " + std::to_string(i) + " round " + std::to_string(round) + "\n");
  bool right = true;
  for (std::size_t i = 0; i < clients.size(); ++i)
    for (int round = 0; round < 20; ++round)
      right = right
              && clients[i].line()
                     == "Echoed back: client " + std::to_string(i) + " round " + std::to_string(round);
  CHECK(right);
  const auto counts = e.stop();
  CHECK(counts.answered == 1000);
  CHECK(counts.connections_peak == 50);
  check_books(counts);
}

TEST_CASE("hostile clients are told why and closed; the others are unharmed", "[transport][stream]") {
  stream_server_options options;
  options.tcp = "127.0.0.1:*";
  options.limits.line_bytes_max = 1000;
  options.limits.line_timeout = 300ms;
  echo e{options};
  auto good = e.connect();
  SECTION("a line of very many bytes") {
    auto bad = e.connect();
    const std::string megabyte(1U << 20, 'x');
    for (int i = 0; i < 300 && bad.send(megabyte); ++i) {
    }
    // The words were sent before the end; a reset may have overtaken them on the way.
    const auto words = bad.line();
    CHECK((words == "error: a line has at most 1000 bytes" || words == "<end>"));
    REQUIRE(e.eventually([&] { return !e.endings.empty(); }));
    CHECK(e.ending(0) == line_ending::line_too_long);
  }
  SECTION("bytes that are no text") {
    auto bad = e.connect();
    bad.send("\xff\xfe\xfd\n");
    CHECK(bad.line() == "error: this line is not UTF-8");
    CHECK(bad.line() == "<end>");
  }
  SECTION("no line end") {
    auto bad = e.connect();
    bad.send("and then");
    CHECK(bad.line() == "error: the line did not end in time");
    CHECK(bad.line() == "<end>");
  }
  SECTION("a handler that fails") {
    auto bad = e.connect();
    bad.send("fine\nboom\nafter\n");
    CHECK(bad.line() == "Echoed back: fine");
    CHECK(bad.line() == "error: the handler failed");
    CHECK(bad.line() == "<end>");
  }
  good.send("still here\n");
  CHECK(good.line() == "Echoed back: still here");
  check_books(e.stop());
}

TEST_CASE("a client that ends its side gets the answers to its whole lines, then the end",
          "[transport][stream]") {
  echo e;
  SECTION("at once") {
    for (int i = 0; i < 50; ++i) {
      auto client = e.connect();
      client.send("one\ntwo\nthree");
      client.end_output();
      REQUIRE(client.line() == "Echoed back: one");
      REQUIRE(client.line() == "Echoed back: two");
      REQUIRE(client.line() == "<end>");
    }
    const auto counts = e.stop();
    CHECK(counts.answered == 100);
    CHECK(count(counts.ended, line_ending::client_left) == 50);
    check_books(counts);
  }
  SECTION("after a while, and more lines than are accepted at a time") {
    auto client = e.connect();
    std::string all;
    for (int i = 0; i < 1000; ++i)
      all += "hold " + std::to_string(i) + '\n';
    client.send(all);
    client.end_output();
    for (int answered = 0; answered < 1000; answered += 50) {
      REQUIRE(e.eventually([&] { return e.held() >= 50; }));
      e.release(50);
      for (int i = answered; i < answered + 50; ++i)
        REQUIRE(client.line() == "hold " + std::to_string(i));
    }
    CHECK(client.line() == "<end>");
    check_books(e.stop());
  }
}

TEST_CASE("of a client that says much at once few lines are open, and the others are served",
          "[transport][stream]") {
  stream_server_options options;
  options.tcp = "127.0.0.1:*";
  options.zeromq = "tcp://127.0.0.1:*";
  options.limits.open_lines_max = 10;
  echo e{options};
  line_clients dealers{e.server().zeromq_endpoint(), 2};
  dealers.connect(0);
  auto greedy = e.connect();
  const int lines = 5'000;
  std::string all;
  for (int i = 0; i < lines; ++i)
    all += "hold " + std::to_string(i) + '\n';
  greedy.send(all);
  int said_by_dealer = 0; // as many as its socket keeps
  while (said_by_dealer < lines && dealers.send(0, "hold " + std::to_string(said_by_dealer)))
    ++said_by_dealer;
  REQUIRE(e.eventually([&] { return e.held() == 20; }));
  for (int i = 0; i < 20; ++i) {
    auto other = e.connect();
    other.send("mine\n");
    REQUIRE(other.line() == "Echoed back: mine");
    std::vector<line_clients::line> heard;
    dealers.connect(1);
    dealers.send(1, "mine");
    while (heard.empty())
      dealers.wait(20s, heard);
    REQUIRE(heard.front().text == "Echoed back: mine");
  }
  CHECK(e.holds([&] { return e.held() == 20; }));
  int heard_by_dealer = 0;
  std::thread reader([&] {
    std::vector<line_clients::line> heard;
    while (heard_by_dealer < said_by_dealer) {
      heard.clear();
      dealers.wait(20s, heard);
      if (heard.empty()) return;
      for (auto& each : heard)
        heard_by_dealer += each.client == 0 && each.text == "hold " + std::to_string(heard_by_dealer);
    }
  });
  std::atomic<bool> heard_all{false};
  std::thread releaser([&] {
    while (!heard_all)
      if (e.eventually([&] { return e.held() > 0 || heard_all; })) e.release();
  });
  bool right = true;
  for (int i = 0; i < lines && right; ++i)
    right = greedy.line() == "hold " + std::to_string(i);
  CHECK(right);
  reader.join();
  e.change([&] { heard_all = true; });
  releaser.join();
  CHECK(heard_by_dealer == said_by_dealer);
  check_books(e.stop());
}

TEST_CASE("a client that says very much and reads all the time is no slow reader", "[transport][stream]") {
  stream_server_options options;
  options.tcp = "127.0.0.1:*";
  options.limits.queued_bytes_max = 10'000;
  echo e{options};
  auto client = e.connect();
  const int lines = 50'000;
  std::thread writer([&] {
    std::string all;
    for (int i = 0; i < lines; ++i)
      all += std::to_string(i) + '\n';
    client.send(all);
    client.end_output();
  });
  bool right = true;
  for (int i = 0; i < lines && right; ++i)
    right = client.line() == "Echoed back: " + std::to_string(i);
  CHECK(right);
  CHECK(client.line() == "<end>");
  writer.join();
  const auto counts = e.stop();
  CHECK(counts.answered == lines);
  check_books(counts);
}

TEST_CASE("clients that do not read are closed, and cost no more than connections_max of them",
          "[transport][stream]") {
  stream_server_options options;
  options.tcp = "127.0.0.1:*";
  options.connections_max = 5;
  options.limits.queued_bytes_max = 256U << 10;
  options.limits.reading_timeout = 200ms;
  echo e{options};
  auto good = e.connect();
  good.send("first\n");
  REQUIRE(good.line() == "Echoed back: first");
  const auto before = resident_kib();
  std::vector<tcp_client> deaf;
  const std::string line = std::string(8000, 'x') + '\n';
  for (std::size_t round = 0; round < 5; ++round) {
    for (int i = 0; i < 4; ++i) {
      deaf.push_back(e.connect());
      // Until it is closed: its answers fill its queue, and then it is not read any more.
      while (deaf.back().send(line)) {
      }
    }
    REQUIRE(e.eventually([&] { return e.endings.size() == 4 * (round + 1); }));
    good.send("tick\n");
    REQUIRE(good.line() == "Echoed back: tick");
  }
  CHECK(resident_kib() - before < 30 << 10);
  CHECK(e.holds([&] {
    return std::all_of(e.endings.begin(), e.endings.end(),
                       [](line_ending each) { return each == line_ending::slow_reader; });
  }));
  const auto counts = e.stop();
  CHECK(count(counts.unanswered, line_ending::slow_reader) > 0);
  CHECK(counts.connections_peak <= 5);
  check_books(counts);
}

TEST_CASE("connections over the limit are told so, and memory stays bounded under a crowd",
          "[transport][stream]") {
  rlimit files{};
  ::getrlimit(RLIMIT_NOFILE, &files);
  files.rlim_cur = std::min<rlim_t>(files.rlim_max, 8192);
  ::setrlimit(RLIMIT_NOFILE, &files);
  const std::size_t crowd = files.rlim_cur >= 8192 ? 2000 : 200;
  stream_server_options options;
  options.tcp = "127.0.0.1:*";
  options.connections_max = crowd / 4;
  echo e{options};
  auto good = e.connect();
  good.send("first\n");
  REQUIRE(good.line() == "Echoed back: first");
  const auto before = resident_kib();
  std::vector<tcp_client> clients;
  for (std::size_t i = 0; i < crowd; ++i) {
    clients.push_back(e.connect());
    clients.back().send("half a line");
  }
  REQUIRE(clients.back().line() == "error: there are too many connections");
  CHECK(clients.back().ended());
  good.send("still here\n");
  CHECK(good.line() == "Echoed back: still here");
  CHECK(resident_kib() - before < 200 << 10);
  clients.clear();
  REQUIRE(e.eventually([&] { return e.endings.size() == e.server().connections_max() - 1; }));
  auto late = e.connect();
  late.send("room again\n");
  CHECK(late.line() == "Echoed back: room again");
  const auto counts = e.stop();
  CHECK(counts.connections_peak == e.server().connections_max());
  CHECK(counts.refused == crowd + 1 - e.server().connections_max());
  check_books(counts);
}

TEST_CASE("a stop waits for what is open, answers it, and accepts nothing more", "[transport][stream]") {
  echo e;
  auto open = e.connect();
  auto idle = e.connect();
  open.send("hold 1\nhold 2\nhalf");
  idle.send("hello\n");
  REQUIRE(idle.line() == "Echoed back: hello");
  open.send("");
  REQUIRE(e.eventually([&] { return e.clients.size() == 2; }));
  // Both lines must have been accepted before the stop; an echo behind them would wait.
  auto marker = e.connect();
  marker.send("marker\n");
  REQUIRE(marker.line() == "Echoed back: marker");
  e.server().stop(20s);
  REQUIRE(e.eventually([&] { return e.intake_closed; }));
  CHECK(idle.ended());
  open.send(" a line\n");
  e.release();
  CHECK(open.line() == "hold 1");
  CHECK(open.line() == "hold 2");
  CHECK(open.line() == "<end>");
  REQUIRE(e.eventually([&] { return e.counts.has_value(); }));
  CHECK(e.counts->answered == 4);
  CHECK(sum(e.counts->unanswered) == 0);
  check_books(*e.counts);
}

TEST_CASE("what is not answered in time is counted at a stop", "[transport][stream]") {
  echo e;
  auto client = e.connect();
  client.send("fine\nhold 1\nhold 2\n");
  REQUIRE(client.line() == "Echoed back: fine");
  auto marker = e.connect();
  marker.send("marker\n");
  REQUIRE(marker.line() == "Echoed back: marker");
  const auto counts = e.stop(50ms);
  CHECK(count(counts.unanswered, line_ending::stopped) == 2);
  CHECK(client.ended());
  check_books(counts);
}

TEST_CASE("with one line a connection, the echo is followed by the end", "[transport][stream]") {
  stream_server_options options;
  options.tcp = "127.0.0.1:*";
  options.limits.lines_max = 1;
  echo e{options};
  for (int i = 0; i < 20; ++i) {
    auto client = e.connect();
    client.send("one\ntwo\n");
    REQUIRE(client.line() == "Echoed back: one");
    REQUIRE(client.line() == "<end>");
  }
  const auto counts = e.stop();
  CHECK(counts.accepted == 20);
  CHECK(count(counts.ended, line_ending::finished) == 20);
  check_books(counts);
}

TEST_CASE("ZeroMQ clients are echoed in the form they asked in, and seen to leave", "[transport][stream]") {
  stream_server_options options;
  options.zeromq = "tcp://127.0.0.1:*";
  options.limits.line_bytes_max = 1000;
  echo e{options};
  void* context = zmq_ctx_new();
  {
    auto connect = [&](int type) {
      auto socket = std::make_unique<troupe::transport::zmq_socket>(context, type);
      socket->set(ZMQ_LINGER, 0);
      socket->set(ZMQ_RCVTIMEO, 20'000);
      socket->connect(e.server().zeromq_endpoint());
      return socket;
    };
    auto ask = [](troupe::transport::zmq_socket& socket, std::string_view text) {
      zmq_send(socket.get(), text.data(), text.size(), 0);
      char reply[2000];
      const auto size = zmq_recv(socket.get(), reply, sizeof reply, 0);
      return std::string(reply, static_cast<std::size_t>(std::max(size, 0)));
    };
    auto request = connect(ZMQ_REQ);
    auto dealer = connect(ZMQ_DEALER);
    CHECK(ask(*request, "Hello, World!") == "Echoed back: Hello, World!");
    CHECK(ask(*request, "again") == "Echoed back: again");
    CHECK(ask(*dealer, "plain") == "Echoed back: plain");
    CHECK(ask(*dealer, "\xff") == "error: this line is not UTF-8");
    CHECK(ask(*dealer, "a new beginning") == "Echoed back: a new beginning");
    zmq_send(dealer->get(), "a", 1, ZMQ_SNDMORE);
    CHECK(ask(*dealer, "b") == "error: a message has one part, the text");
    request.reset();
    REQUIRE(e.eventually([&] { return e.endings.size() == 2; }));
    CHECK(e.ending(0) == line_ending::not_utf8);
    CHECK(e.ending(1) == line_ending::client_left);
  }
  zmq_ctx_term(context);
  check_books(e.stop());
}

TEST_CASE("an address that cannot be used is told with its reason", "[transport][stream]") {
  echo first;
  stream_server_options options;
  options.tcp = first.server().tcp_address();
  CHECK_THROWS_WITH(echo{options}, "cannot listen on tcp://" + options.tcp + ": Address already in use");
  options.tcp = "no.such.host.invalid:1";
  CHECK_THROWS_AS(echo{options}, std::runtime_error);
  first.stop();
}
