#include "tests/support/catch.hpp"
#include "tests/transport/support.hpp"
#include "transport/frames/frames.hpp"

#include <algorithm>
#include <future>

#include <thread>

using namespace transport_tests;

namespace {

// A fresh endpoint of each kind; "tcp" lets the system choose the port.
struct endpoints {
  temporary_directory directory;
  shared_context context;
  int count = 0;
  std::string fresh(const std::string& kind) {
    ++count;
    if (kind == "tcp") return "tcp://127.0.0.1:*";
    if (kind == "ipc") return "ipc://" + (directory.path() / ("n" + std::to_string(count))).string();
    return "inproc://test-" + std::to_string(count);
  }
};

std::vector<std::string> numbered(std::size_t count) {
  std::vector<std::string> result{"up"};
  for (std::size_t i = 0; i < count; ++i)
    result.push_back(std::to_string(i));
  return result;
}

} // namespace

TEST_CASE("two hubs connect, talk both ways in order, and part with a goodbye", "[transport][hub]") {
  const auto* kind = GENERATE("ipc", "tcp", "inproc");
  CAPTURE(kind);
  endpoints at;
  test_node a("a", at.fresh(kind), at.context.get);
  test_node b("b", at.fresh(kind), at.context.get);
  std::string why;
  const auto b_at_a = a.connect(b.transport->endpoint(), &why);
  CAPTURE(why);
  REQUIRE(b_at_a);
  CHECK(b_at_a->is_up());
  CHECK(b_at_a->identity() == b.transport->identity());
  CHECK(b_at_a->hello().endpoint == b.transport->endpoint());
  REQUIRE(b.listener.wait_for("a", "up"));
  const auto a_at_b = b.transport->peers().at(0);
  for (int i = 0; i < 1000; ++i) {
    REQUIRE(send_text(b_at_a, std::to_string(i)) == send_result::ok);
    REQUIRE(send_text(a_at_b, std::to_string(i)) == send_result::ok);
  }
  CHECK(a.listener.wait_count(1001));
  CHECK(b.listener.wait_count(1001));
  CHECK(a.listener.texts() == numbered(1000));
  CHECK(b.listener.texts() == numbered(1000));

  a.transport->stop(10s);
  REQUIRE(b.listener.wait_for("a", "down left"));
  REQUIRE(a.listener.wait_for("b", "down stopped"));
  CHECK(b.listener.events().back().lost == 0);
  CHECK(a.listener.events().back().lost == 0);
  CHECK(send_text(a_at_b, "too late") == send_result::peer_down);
  b.transport->stop(10s);
}

TEST_CASE("two hubs that open each other at once end up with one link, and nothing is lost",
          "[transport][hub]") {
  const auto* kind = GENERATE("ipc", "tcp", "inproc");
  CAPTURE(kind);
  endpoints at;
  for (int round = 0; round < 20; ++round) {
    test_node a("a", at.fresh(kind), at.context.get);
    test_node b("b", at.fresh(kind), at.context.get);
    const bool by_identity = round % 2 == 0;
    std::vector<peer_ptr> peers(2);
    std::thread other([&] {
      peers[1] = by_identity ? b.transport->open(a.transport->identity(), a.transport->endpoint())
                             : b.connect(a.transport->endpoint());
      if (peers[1])
        for (int i = 0; i < 100; ++i)
          send_text(peers[1], std::to_string(i));
    });
    peers[0] = by_identity ? a.transport->open(b.transport->identity(), b.transport->endpoint())
                           : a.connect(b.transport->endpoint());
    if (peers[0])
      for (int i = 0; i < 100; ++i)
        send_text(peers[0], std::to_string(i));
    other.join();
    REQUIRE(peers[0]);
    REQUIRE(peers[1]);
    CHECK(a.listener.wait_count(101));
    CHECK(b.listener.wait_count(101));
    CHECK(a.listener.texts() == numbered(100));
    CHECK(b.listener.texts() == numbered(100));
    CHECK(a.transport->peers().size() == 1);
    CHECK(b.transport->peers().size() == 1);
  }
}

TEST_CASE("what is sent before the peer is up waits for it", "[transport][hub]") {
  endpoints at;
  auto options = test_node::options_for("late", at.fresh("ipc"));
  test_node early("early", at.fresh("ipc"));
  const auto late_at_early = early.transport->open(options.identity, options.listen);
  CHECK_FALSE(late_at_early->is_up());
  CHECK(late_at_early->hello().endpoint.empty());
  CHECK(send_text(late_at_early, "patience") == send_result::ok);
  test_node late(options);
  CHECK(late.listener.wait_for("early", "patience"));
}

TEST_CASE("a hub that ends without a goodbye is found silent", "[transport][hub]") {
  const auto* kind = GENERATE("ipc", "tcp", "inproc");
  CAPTURE(kind);
  endpoints at;
  auto options = test_node::options_for("a", at.fresh(kind), at.context.get);
  options.liveness = 1s;
  test_node a(options);
  auto b = std::make_unique<test_node>("b", at.fresh(kind), at.context.get);
  const bool dialled_by_a = GENERATE(true, false);
  const auto p = dialled_by_a ? a.connect(b->transport->endpoint()) : b->connect(a.transport->endpoint());
  REQUIRE(p);
  REQUIRE(a.listener.wait_for("b", "up"));
  b->transport.reset();
  CHECK(a.listener.wait_for("b", "down silent"));
}

TEST_CASE("a hub killed on this host is down long before the liveness interval", "[transport][hub]") {
  const auto* kind = GENERATE("ipc", "tcp");
  CAPTURE(kind);
  endpoints at;
  auto options = test_node::options_for("a", at.fresh(kind));
  options.liveness = 1h;
  test_node a(options);
  auto b = std::make_unique<test_node>("b", at.fresh(kind));
  const bool dialled_by_a = GENERATE(true, false);
  REQUIRE((dialled_by_a ? a.connect(b->transport->endpoint()) : b->connect(a.transport->endpoint())));
  REQUIRE(a.listener.wait_for("b", "up"));
  b->transport.reset();
  CHECK(a.listener.wait_for("b", "down silent"));
}

TEST_CASE("a cut connection is resumed, and nothing is lost, doubled or reordered", "[transport][hub]") {
  const auto* kind = GENERATE("ipc", "tcp", "inproc");
  CAPTURE(kind);
  endpoints at;
  test_node a("a", at.fresh(kind), at.context.get);
  test_node b("b", at.fresh(kind), at.context.get);
  const auto b_at_a = a.connect(b.transport->endpoint());
  REQUIRE(b_at_a);
  REQUIRE(b.listener.wait_for("a", "up"));
  const auto a_at_b = b.transport->peers().at(0);
  constexpr std::size_t count = 5000;
  for (std::size_t i = 0; i < count; ++i) {
    REQUIRE(send_text(b_at_a, std::to_string(i)) == send_result::ok);
    REQUIRE(send_text(a_at_b, std::to_string(i)) == send_result::ok);
    if (i % 1000 == 300) a.transport->cut(b_at_a);
    if (i % 1000 == 700) b.transport->cut(a_at_b);
  }
  CHECK(a.listener.wait_count(count + 1));
  CHECK(b.listener.wait_count(count + 1));
  CHECK(a.listener.texts() == numbered(count));
  CHECK(b.listener.texts() == numbered(count));
}

TEST_CASE("nobody at the endpoint is told within the time", "[transport][hub]") {
  endpoints at;
  auto options = test_node::options_for("a", "");
  options.connect_timeout = 50ms;
  test_node a(options);
  std::string why;
  CHECK_FALSE(a.connect("ipc://" + (at.directory.path() / "nobody").string(), &why, 50ms));
  CHECK(why.find("nobody") != std::string::npos);
  const auto p = a.transport->open({"nobody", 7}, "tcp://127.0.0.1:1");
  CHECK(send_text(p, "lost") == send_result::ok);
  REQUIRE(a.listener.wait_for("nobody", "down unreachable"));
  CHECK(a.listener.events().back().lost == 1);
  CHECK(send_text(p, "too late") == send_result::peer_down);
}

TEST_CASE("an endpoint that can never work is refused at once, in words", "[transport][hub]") {
  test_node a("a", "");
  std::string why;
  for (const auto* wrong :
       {"http://x", "tcp://127.0.0.1", "tcp://127.0.0.1:0", "tcp://:5", "ipc://", "inproc://", ""}) {
    CAPTURE(wrong);
    CHECK_FALSE(a.connect(wrong, &why));
    CHECK(why.find("cannot connect to") != std::string::npos);
  }
}

TEST_CASE("a hub stops within its linger time although a peer cannot be reached", "[transport][hub]") {
  endpoints at;
  test_node a("a", at.fresh("tcp"));
  const auto nobody = a.transport->open({"nobody", 7}, "tcp://127.0.0.1:1");
  CHECK(send_text(nobody, "lost") == send_result::ok);
  const auto begin = std::chrono::steady_clock::now();
  a.transport->stop(100ms);
  CHECK(std::chrono::steady_clock::now() - begin < 20s);
  REQUIRE(a.listener.wait_for("nobody", "down stopped"));
  CHECK(a.listener.events().back().lost == 1);
}

namespace {

/// What a hub has said, and a hub that says it.
struct said {
  std::mutex mutex;
  std::vector<std::string> lines;
  void listen_to(hub_options& options) {
    options.log = [this](transport::log_level level, std::string_view text) {
      const std::lock_guard guard(mutex);
      if (level == transport::log_level::warning) lines.emplace_back(text);
    };
  }
  std::ptrdiff_t count(const std::string& part) {
    const std::lock_guard guard(mutex);
    return std::count_if(lines.begin(), lines.end(),
                         [&](const std::string& line) { return line.find(part) != std::string::npos; });
  }
};

/// What a look at that endpoint gives: the other node's name, or why not.
std::string look(test_node& from, const std::string& endpoint) {
  std::promise<std::string> done;
  from.transport->look(endpoint, 20s, [&](const transport::peer_hello* there, std::string_view why_not) {
    done.set_value(there != nullptr ? there->identity.name : std::string(why_not));
  });
  return done.get_future().get();
}

bool contains(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

} // namespace

TEST_CASE("a name belongs to who has it for as long as that one lives", "[transport][hub]") {
  endpoints at;
  said log;
  auto options = test_node::options_for("a", at.fresh("ipc"));
  options.liveness = 1h;
  options.describe = [](const transport::peer_hello&) { return std::string{"pid 42"}; };
  log.listen_to(options);
  test_node a(options);
  const auto first = test_node::options_for("b", at.fresh("ipc"));
  const auto second = test_node::options_for("b", at.fresh("ipc"));
  auto old = std::make_unique<test_node>(first);
  REQUIRE(old->connect(a.transport->endpoint()));
  REQUIRE(a.listener.wait_for("b", "up"));
  std::string why;
  {
    test_node early(second);
    for (int i = 0; i < 3; ++i) {
      CHECK_FALSE(early.connect(a.transport->endpoint(), &why));
      CHECK(contains(why, "the name is taken: b is in this run already, pid 42"));
    }
    CHECK(contains(look(early, a.transport->endpoint()), "b is in this run already, pid 42"));
  }
  CHECK(log.count("refused b, of process") == 1); // once for a stranger
  test_node namesake("a", "");
  CHECK_FALSE(namesake.connect(a.transport->endpoint(), &why));
  CHECK(contains(why, "a is in this run already, pid 42"));
  CHECK(a.listener.events().size() == 1); // nothing happened to the first one
  CHECK(old->listener.events().size() == 1);

  old.reset(); // without a word, as if it were killed
  test_node now(second);
  REQUIRE(now.connect(a.transport->endpoint()));
  REQUIRE(a.listener.wait_count(3));
  const auto events = a.listener.events();
  CHECK(events[0].incarnation == first.identity.incarnation);
  CHECK(events[1].what == "down silent");
  CHECK(events[1].incarnation == first.identity.incarnation);
  CHECK(events[2].what == "up");
  CHECK(events[2].incarnation == second.identity.incarnation);
  now.transport->stop(10s);
  REQUIRE(a.listener.wait_for("b", "down left"));
  test_node ghost(first); // which a newer one has followed
  CHECK_FALSE(ghost.connect(a.transport->endpoint(), &why));
  CHECK(contains(why, "newer incarnation"));
}

TEST_CASE("who is not admitted gets no session, and both sides are told why", "[transport][hub]") {
  endpoints at;
  said log, theirs;
  auto options = test_node::options_for("a", at.fresh("tcp"));
  options.admit = [](const transport::peer_hello& who) {
    return who.identity.name == "b" ? std::string{} : who.identity.name + " is not b";
  };
  log.listen_to(options);
  test_node a(options);
  auto of_stranger = test_node::options_for("c", "");
  theirs.listen_to(of_stranger);
  test_node stranger(of_stranger);
  std::string why;
  for (int i = 0; i < 3; ++i)
    CHECK_FALSE(stranger.connect(a.transport->endpoint(), &why));
  CHECK(contains(why, "not allowed: c is not b"));
  CHECK(contains(look(stranger, a.transport->endpoint()), "c is not b"));
  CHECK(log.count("refused c, of host 127.0.0.1: not allowed: c is not b") == 1);
  CHECK(theirs.count("refused this node: not allowed: c is not b") == 4);
  test_node b("b", "");
  CHECK(look(b, a.transport->endpoint()) == "a");
  CHECK(a.listener.events().empty()); // a look is no visit
  CHECK(a.transport->peers().empty());
  CHECK(b.connect(a.transport->endpoint()));
  CHECK(look(b, a.transport->endpoint()) == "a"); // of one that is there
}

TEST_CASE("a visitor's name is for who brings files", "[transport][hub]") {
  endpoints at;
  auto options = test_node::options_for("a", at.fresh("ipc"));
  options.admit = [](const transport::peer_hello&) { return std::string{"nobody"}; };
  test_node a(options);
  auto visit = test_node::options_for("visitor-17", "");
  std::string why;
  {
    test_node b(visit);
    CHECK_FALSE(b.connect(a.transport->endpoint(), &why));
    CHECK(contains(why, "not allowed: a name that begins with visitor-"));
  }
  visit.capabilities = transport::capability_upload;
  test_node b(visit);
  CHECK(b.connect(a.transport->endpoint()));
}

TEST_CASE("who is cut off is told why, and does not come back", "[transport][hub]") {
  endpoints at;
  said log, theirs;
  auto options = test_node::options_for("a", at.fresh("ipc"));
  log.listen_to(options);
  test_node a(options);
  auto greedy = test_node::options_for("b", "");
  theirs.listen_to(greedy);
  test_node b(greedy);
  REQUIRE(b.connect(a.transport->endpoint()));
  REQUIRE(a.listener.wait_for("b", "up"));
  a.transport->cut_off(a.transport->peers().at(0), "it has too many of something");
  REQUIRE(a.listener.wait_for("b", "down protocol"));
  REQUIRE(b.listener.wait_for("a", "down refused"));
  CHECK(log.count("b is cut off: it has too many of something") == 1);
  CHECK(theirs.count("a refused this node: over a limit: it has too many of something") == 1);
  std::string why;
  CHECK_FALSE(b.connect(a.transport->endpoint(), &why));
  CHECK(contains(why, "over a limit"));
  test_node again(test_node::options_for("b", ""));
  CHECK(again.connect(a.transport->endpoint()));
}

TEST_CASE("who does not take the answers to what it asks is cut off before they fill the memory",
          "[transport][hub]") {
  endpoints at;
  auto options = test_node::options_for("a", at.fresh("ipc"));
  options.queue_bytes_max = 100'000;
  test_node a(options);
  auto deaf = test_node::options_for("b", "");
  deaf.window_bytes = 10'000; // and it keeps what it gets
  test_node b(deaf);
  b.listener.keep_frames(true);
  REQUIRE(b.connect(a.transport->endpoint()));
  REQUIRE(a.listener.wait_for("b", "up"));
  const auto p = a.transport->peers().at(0);
  const std::string text(1000, 'x');
  int queued = 0;
  while (send_text(p, text, 1, envelope_kind::ended) == send_result::ok)
    ++queued;
  CHECK(queued >= 190);
  CHECK(queued <= 230);
  CHECK(a.listener.wait_for("b", "down protocol"));
}

TEST_CASE("the socket file is gone after a stop, and a second hub cannot take a used one",
          "[transport][hub]") {
  endpoints at;
  const auto endpoint = at.fresh("ipc");
  test_node a("a", endpoint);
  CHECK(std::filesystem::exists(endpoint.substr(6)));
  CHECK_THROWS_AS(test_node("b", endpoint), std::runtime_error);
  a.transport->stop(1s);
  CHECK_FALSE(std::filesystem::exists(endpoint.substr(6)));
}

TEST_CASE("a full queue refuses messages, never control records", "[transport][hub]") {
  endpoints at;
  auto options = test_node::options_for("a", "");
  options.queue_bytes_max = 100'000;
  test_node a(options);
  const auto p = a.transport->open({"nobody", 7}, "ipc://" + (at.directory.path() / "nobody").string());
  const std::string text(1000, 'x');
  std::uint64_t accepted = 0;
  while (send_text(p, text) == send_result::ok)
    ++accepted;
  CHECK(send_text(p, text) == send_result::queue_full);
  CHECK(accepted >= 90);
  CHECK(accepted <= 101);
  CHECK(send_text(p, text, 1, envelope_kind::watch) == send_result::ok);
  a.transport->stop(0ms);
  CHECK(a.listener.events().back().lost == accepted);
}

TEST_CASE("who keeps frames stops their sender, and goes on when they are done with", "[transport][hub]") {
  endpoints at;
  auto slow = test_node::options_for("slow", at.fresh("ipc"));
  slow.window_bytes = 200'000;
  test_node b(slow);
  b.listener.keep_frames(true);
  auto options = test_node::options_for("a", "");
  options.queue_bytes_max = 1'000'000;
  test_node a(options);
  const auto p = a.connect(b.transport->endpoint());
  REQUIRE(p);
  const std::string text(1000, 'x');
  std::size_t accepted = 0;
  auto result = send_result::ok;
  // Ends because the window closes: the queue fills up although the peer is there.
  while ((result = send_text(p, text)) == send_result::ok)
    ++accepted;
  CHECK(result == send_result::queue_full);
  CHECK(accepted < 1400);
  CHECK(b.listener.events().size() < 400);
  b.listener.keep_frames(false);
  CHECK(b.listener.wait_count(accepted + 1));
}

namespace {

/// A socket of ZeroMQ that speaks for itself.
struct raw_socket {
  explicit raw_socket(int type) : get(zmq_socket(context.get, type)) {
    const int patience_ms = 30'000, no_linger = 0;
    zmq_setsockopt(get, ZMQ_RCVTIMEO, &patience_ms, sizeof patience_ms);
    zmq_setsockopt(get, ZMQ_LINGER, &no_linger, sizeof no_linger);
  }
  ~raw_socket() { zmq_close(get); }
  raw_socket(const raw_socket&) = delete;
  raw_socket& operator=(const raw_socket&) = delete;

  void send(std::string_view part, bool more = false) const {
    REQUIRE(zmq_send(get, part.data(), part.size(), more ? ZMQ_SNDMORE : 0) >= 0);
  }
  void send(const transport::frame_ptr& f) const { send({f->bytes.data(), f->bytes.size()}); }
  /// One part; empty where none comes.
  std::string receive() const {
    std::string part(10'000, '\0');
    const int size = zmq_recv(get, part.data(), part.size(), 0);
    part.resize(size > 0 ? static_cast<std::size_t>(size) : 0);
    return part;
  }

  shared_context context;
  void* get;
};

} // namespace

TEST_CASE("a message of several parts costs the one who dialled its connection", "[transport][hub]") {
  temporary_directory directory;
  test_node node("node", "ipc://" + (directory.path() / "node").string());
  const raw_socket caller(ZMQ_DEALER);
  REQUIRE(zmq_connect(caller.get, node.transport->endpoint().c_str()) == 0);
  transport::hello_frame hello;
  hello.version_min = hello.version_max = 1;
  hello.frame_bytes_max = 1 << 20;
  hello.self.identity = {"caller", 7};
  caller.send(encode(hello));
  REQUIRE(caller.receive().substr(0, 1) == "\2"); // welcome
  caller.send(encode(transport::confirm_frame{{.epoch = 1, .seen_epoch = 1, .generation = 1}}));
  REQUIRE(node.listener.wait_for("caller", "up"));
  caller.send("one", true);
  caller.send("two");
  caller.send(encode(transport::ack_frame{}));
  auto answer = caller.receive();
  while (answer.substr(0, 1) == "\x13") // heartbeats, from before
    answer = caller.receive();
  CHECK(answer.substr(0, 2) == "\4\xb"); // refuse, unconfirmed: this connection carries no session any more
}

TEST_CASE("who answers with a message of several parts is dialled anew", "[transport][hub]") {
  temporary_directory directory;
  const raw_socket called(ZMQ_ROUTER);
  const auto endpoint = "ipc://" + (directory.path() / "called").string();
  REQUIRE(zmq_bind(called.get, endpoint.c_str()) == 0);
  test_node node("node", "");
  node.transport->connect(endpoint, 60s, {});
  const auto first = called.receive();
  REQUIRE(called.receive().substr(0, 1) == "\1"); // hello
  called.send(first, true);
  called.send("one", true);
  called.send("two");
  const auto second = called.receive();
  CHECK(called.receive().substr(0, 1) == "\1");
  CHECK(second != first); // another connection
}
