// Nobody in where they don't belong.
#include "tests/support/catch.hpp"
#include "tests/transport/processes.hpp"
#include "transport/frames/limits.hpp"
#include "transport/hub/endpoints.hpp"
#include "transport/hub/gatekeeper.hpp"

#include <fstream>
#include <sys/stat.h>

using namespace transport_tests;
using transport::key_pair;
using transport::make_key_pair;
using transport::security_options;

namespace {

std::string message_of(const std::function<void()>& f) {
  try {
    f();
  } catch (const std::exception& e) {
    return e.what();
  }
  return {};
}

// Lines that a hub logged; waits for one that contains a text.
struct log_lines {
  std::mutex mutex;
  std::condition_variable changed;
  std::vector<std::string> lines;
  void add(std::string_view text) {
    const std::lock_guard guard(mutex);
    lines.emplace_back(text);
    changed.notify_all();
  }
  std::size_t count(const std::string& text) {
    const std::lock_guard guard(mutex);
    return static_cast<std::size_t>(std::count_if(
        lines.begin(), lines.end(), [&](const std::string& l) { return l.find(text) != std::string::npos; }));
  }
  bool wait(const std::string& text, std::chrono::milliseconds at_most = patience) {
    std::unique_lock guard(mutex);
    return changed.wait_for(guard, at_most, [&] {
      return std::any_of(lines.begin(), lines.end(),
                         [&](const std::string& l) { return l.find(text) != std::string::npos; });
    });
  }
};

struct guarded {
  key_pair server = make_key_pair();
  key_pair client = make_key_pair();
  log_lines log;
  std::unique_ptr<test_node> node;

  guarded() {
    auto options = test_node::options_for("server", "tcp://127.0.0.1:*");
    options.security = security_options{server, {{client.public_key, {}}}, {}, {}};
    options.log = [this](transport::log_level, std::string_view text) { log.add(text); };
    node = std::make_unique<test_node>(options);
  }
  std::string endpoint() const { return node->transport->endpoint(); }
  std::string address() const { return transport::split_key(endpoint()).address; }
};

hub_options client_options(const std::string& name, const key_pair& own, const std::string& server_key = {}) {
  auto options = test_node::options_for(name, "");
  options.security = security_options{own, {}, {}, server_key};
  return options;
}

// A plain TCP client that says something and reads until the other side closes.
std::string tcp_conversation(const std::string& address, const std::string& said) {
  const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in to{};
  to.sin_family = AF_INET;
  to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  to.sin_port = htons(static_cast<std::uint16_t>(std::stoul(address.substr(address.rfind(':') + 1))));
  std::string heard;
  if (::connect(fd, reinterpret_cast<sockaddr*>(&to), sizeof to) == 0) {
    [[maybe_unused]] const auto n = ::send(fd, said.data(), said.size(), MSG_NOSIGNAL);
    char buffer[1024];
    pollfd until_close{fd, POLLIN, 0};
    while (::poll(&until_close, 1, 20'000) == 1) {
      const auto got = ::read(fd, buffer, sizeof buffer);
      if (got <= 0) break;
      heard.append(buffer, static_cast<std::size_t>(got));
    }
  }
  ::close(fd);
  return heard;
}

} // namespace

TEST_CASE("key files come back as they went; the secret one is for its owner only", "[transport][keys]") {
  temporary_directory directory;
  const auto path = directory.path() / "node.key";
  const auto keys = make_key_pair();
  CHECK(transport::is_key(keys.public_key));
  CHECK(transport::is_key(keys.secret_key));
  write_key_files(path, keys);
  struct stat about {};
  REQUIRE(::stat(path.c_str(), &about) == 0);
  CHECK((about.st_mode & 0777U) == 0600);
  const auto back = transport::read_key_pair(path);
  CHECK(back.public_key == keys.public_key);
  CHECK(back.secret_key == keys.secret_key);
  CHECK(transport::read_public_key(path.string() + ".pub") == keys.public_key);
  CHECK(message_of([&] { write_key_files(path, keys); }).find("not overwritten") != std::string::npos);
  const auto others = make_key_pair();
  write_key_files(path, others, true);
  CHECK(transport::read_key_pair(path).secret_key == others.secret_key);
  CHECK(transport::read_public_key(path.string() + ".pub") == others.public_key);
  for (const unsigned mode : {0640U, 0604U, 0660U, 0644U}) {
    REQUIRE(::chmod(path.c_str(), mode) == 0);
    CHECK(message_of([&] { transport::read_key_pair(path); }).find("others may use it") != std::string::npos);
  }
}

TEST_CASE("no public key holds what begins a variable in scenario files", "[transport][keys]") {
  for (int i = 0; i < 2'000; ++i) // left alone, eleven of them would
    REQUIRE(make_key_pair().public_key.find("${") == std::string::npos);
}

TEST_CASE("a key file that is none is refused in words", "[transport][keys]") {
  temporary_directory directory;
  const auto path = directory.path() / "k";
  const auto with = [&](const std::string& text) {
    std::ofstream(path) << text;
    ::chmod(path.c_str(), 0600);
    return message_of([&] { transport::read_key_pair(path); });
  };
  const auto one = make_key_pair();
  const auto other = make_key_pair();
  CHECK(message_of([&] { transport::read_key_pair(directory.path() / "none"); }).find("No such file")
        != std::string::npos);
  CHECK(message_of([&] { transport::read_key_pair(directory.path()); }).find("it is a directory, not a file")
        != std::string::npos);
  CHECK(with("").find("has no line") != std::string::npos);
  CHECK(with("secret-key = \"short\"\n").find("40 characters") != std::string::npos);
  CHECK(with(std::string(5000, 'x')).find("too long") != std::string::npos);
  CHECK(with("public-key = \"" + other.public_key + "\"\nsecret-key = \"" + one.secret_key + "\"\n")
            .find("not one pair")
        != std::string::npos);
}

TEST_CASE("hubs with keys talk over tcp; the endpoint carries the server's key", "[transport][security]") {
  guarded server;
  CHECK(server.endpoint().ends_with("|" + server.server.public_key));
  test_node a(client_options("a", server.client));
  std::string why;
  const auto p = a.connect(server.endpoint(), &why);
  CAPTURE(why);
  REQUIRE(p);
  CHECK(send_text(p, "secret") == send_result::ok);
  CHECK(server.node->listener.wait_for("a", "secret"));
  test_node b(client_options("b", server.client, server.server.public_key));
  CHECK(b.connect(server.address())); // by the key of the run
  auto by_endpoint = client_options("c", server.client);
  by_endpoint.security->server_keys[server.address()] = server.server.public_key;
  test_node c(by_endpoint);
  CHECK(c.connect(server.address()));
}

TEST_CASE("clients without a key, with a wrong one, or with one that is not listed get nothing",
          "[transport][security]") {
  guarded server;
  std::string why;
  test_node plain("plain", "");
  CHECK_FALSE(plain.connect(server.endpoint(), &why)); // does not even try
  CHECK(why.find("wants keys") != std::string::npos);
  // On a busy machine an attempt is over before the server has looked at it.
  bool is_told = false;
  for (int i = 0; i < 20 && !is_told; ++i) {
    CHECK_FALSE(plain.connect(server.address(), &why, 300ms));
    is_told = server.log.wait("handshake failed", 1s);
  }
  CHECK(is_told);

  test_node unlisted(client_options("unlisted", make_key_pair()));
  is_told = false;
  for (int i = 0; i < 20 && !is_told; ++i) {
    CHECK_FALSE(unlisted.connect(server.endpoint(), &why, 300ms));
    is_told = server.log.wait("its key is not on the list", 1s);
  }
  CHECK(is_told);

  test_node misled(client_options("misled", server.client, make_key_pair().public_key));
  CHECK_FALSE(misled.connect(server.address(), &why, 300ms));

  test_node keyless(client_options("keyless", server.client));
  CHECK_FALSE(keyless.connect(server.address(), &why));
  CHECK(why.find("no public key is known") != std::string::npos);
  CHECK(server.node->listener.events().empty());

  test_node good(client_options("good", server.client));
  CHECK(good.connect(server.endpoint()));
}

TEST_CASE("a key may be bound to a node's name", "[transport][security]") {
  const auto server_keys = make_key_pair();
  const auto client_keys = make_key_pair();
  auto options = test_node::options_for("server", "tcp://127.0.0.1:*");
  options.security = security_options{server_keys, {{client_keys.public_key, "worker"}}, {}, {}};
  test_node server(options);
  test_node impostor(client_options("boss", client_keys));
  std::string why;
  CHECK_FALSE(impostor.connect(server.transport->endpoint(), &why));
  CHECK(why.find("not allowed") != std::string::npos);
  test_node worker(client_options("worker", client_keys));
  CHECK(worker.connect(server.transport->endpoint()));
}

TEST_CASE("other protocols get nothing, are logged once, and the run goes on", "[transport][security]") {
  guarded server;
  test_node plain("plain", "tcp://127.0.0.1:*");
  const bool with_keys = GENERATE(true, false);
  CAPTURE(with_keys);
  auto& node = with_keys ? *server.node : plain;
  const auto address = with_keys ? server.address() : plain.transport->endpoint();
  std::mt19937_64 random(7);
  std::string noise(100'000, '\0');
  for (auto& c : noise)
    c = static_cast<char>(random());
  const std::string tls{"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", 11};
  for (const auto& said :
       {std::string("GET / HTTP/1.1\r\nHost: x\r\n\r\n"), tls + noise, noise, "\xff" + noise,
        std::string("\xff\0\0\0\0\0\0\0\1\x7f", 10) + noise, std::string()}) {
    const auto heard = tcp_conversation(address, said);
    CHECK(heard.size() <= 4096); // ZMTP's own greeting, and refusals
  }
  CHECK(node.listener.events().empty());
  if (with_keys) {
    // By its host, or as somebody where it was gone before anyone could ask who it was.
    CHECK(server.log.wait("is not let in"));
    CHECK(server.log.count("is not let in") <= 2);
    test_node good(client_options("good", server.client));
    CHECK(good.connect(server.endpoint()));
  } else {
    test_node good("good", "");
    CHECK(good.connect(address));
  }
}

TEST_CASE("each other protocol is told once, and who only looks whether a node is there is not",
          "[transport][security]") {
  const bool with_keys = GENERATE(true, false);
  CAPTURE(with_keys);
  const std::string hello{"\x16\x03\x01\x00\xc8\x01\x00\x00\xc4\x03\x03", 11};
  const std::string signature{"\xff\0\0\0\0\0\0\0\1\x7f", 10};
  const std::vector<std::string> kinds{"GET / HTTP/1.1\r\nHost: x\r\n\r\n",
                                       hello + std::string(200, 'r'),
                                       signature,
                                       "\xff",
                                       "",
                                       "SSH-2.0-x\r\n"};
  struct one {
    guarded keyed;
    log_lines log;
    std::unique_ptr<test_node> plain;
  };
  std::vector<std::unique_ptr<one>> servers;
  std::vector<std::thread> clients;
  for (const auto& said : kinds) {
    auto& server = *servers.emplace_back(std::make_unique<one>());
    auto options = test_node::options_for("plain", "tcp://127.0.0.1:*");
    options.log = [&server](transport::log_level, std::string_view text) { server.log.add(text); };
    server.plain = std::make_unique<test_node>(options);
    const auto address = with_keys ? server.keyed.address() : server.plain->transport->endpoint();
    CHECK_FALSE(transport::is_deserted(address));
    clients.emplace_back([address, said] {
      for (int i = 0; i < 2; ++i)
        tcp_conversation(address, said);
    });
  }
  for (auto& client : clients)
    client.join();
  for (std::size_t i = 0; i < kinds.size(); ++i) {
    CAPTURE(i, kinds[i]);
    auto& log = with_keys ? servers[i]->keyed.log : servers[i]->log;
    CHECK(log.wait("is not let in"));
    // By its host, and once more where a connection was gone before anyone could ask whose it was.
    CHECK(log.count("is not let in") <= 2);
    CHECK(log.count("host 127.0.0.1 is not let in") <= 1);
  }
  log_lines quiet;
  auto options = test_node::options_for("quiet", "tcp://127.0.0.1:*");
  options.log = [&](transport::log_level, std::string_view text) { quiet.add(text); };
  test_node looked_at(options);
  for (int i = 0; i < 20; ++i)
    CHECK_FALSE(transport::is_deserted(looked_at.transport->endpoint()));
  tcp_conversation(looked_at.transport->endpoint(), "\xff"); // told, and after the others
  CHECK(quiet.wait("is not let in"));
  CHECK(quiet.count("is not let in") == 1);
}

TEST_CASE("a ZeroMQ client that does not speak this protocol gets a refusal and nothing else",
          "[transport][security]") {
  log_lines log;
  auto options = test_node::options_for("node", "tcp://127.0.0.1:*");
  options.log = [&](transport::log_level, std::string_view text) { log.add(text); };
  test_node node(options);
  shared_context context;
  void* dealer = zmq_socket(context.get, ZMQ_DEALER);
  const int patience_ms = 20'000;
  const int no_linger = 0;
  zmq_setsockopt(dealer, ZMQ_RCVTIMEO, &patience_ms, sizeof patience_ms);
  zmq_setsockopt(dealer, ZMQ_LINGER, &no_linger, sizeof no_linger);
  REQUIRE(zmq_connect(dealer, node.transport->endpoint().c_str()) == 0);
  for (int i = 0; i < 100; ++i) {
    zmq_send(dealer, "hello?", 6, 0);
    char answer[100];
    CHECK(zmq_recv(dealer, answer, sizeof answer, 0) > 0);
    CHECK(answer[0] == 4); // refuse
  }
  zmq_close(dealer);
  CHECK(log.wait("host 127.0.0.1 is not let in"));
  // By its host, and once more where a connection was gone before anyone could ask whose it was.
  CHECK(log.count("is not let in") <= 2);
  CHECK(node.listener.events().empty());
}

TEST_CASE("tcp beyond loopback needs keys, or to be asked for in plain text by name",
          "[transport][security]") {
  CHECK(message_of([] { test_node("a", "tcp://0.0.0.0:*"); }).find("plaintext = true") != std::string::npos);
  test_node a("a", "");
  std::string why;
  CHECK_FALSE(a.connect("tcp://198.51.100.1:5000", &why));
  CHECK(why.find("plaintext = true") != std::string::npos);
  auto open = test_node::options_for("open", "tcp://0.0.0.0:*");
  open.plaintext = true;
  test_node b(open);
  CHECK(b.transport->endpoint().find("0.0.0.0") == std::string::npos); // as others can reach it
}

TEST_CASE("a flood of strangers leaves few lines and little memory", "[transport][security]") {
  std::vector<std::string> lines;
  {
    transport::stranger_log log(
        [&](transport::log_level, std::string_view text) { lines.emplace_back(text); });
    transport::time_point now{std::chrono::hours{1}};
    for (int i = 0; i < 100'000; ++i) {
      log.note("host " + std::to_string(i % 5000), "noise", now);
      now += std::chrono::microseconds{100};
    }
    CHECK(log.noted() == 100'000);
    CHECK(lines.size() <= 110); // ten a second, for ten seconds
  }
  CHECK(lines.back().find("more attempts") != std::string::npos);
}

TEST_CASE("a stranger with ever new names has few lines, and a name has one", "[transport][security]") {
  std::vector<std::string> lines;
  transport::stranger_log log([&](transport::log_level, std::string_view text) { lines.emplace_back(text); });
  transport::time_point now{std::chrono::hours{1}};
  for (int i = 0; i < 10'000; ++i) {
    log.note("host 192.0.2.1", "n" + std::to_string(i), "not allowed", now);
    log.note("host 192.0.2.2", "b", "not allowed", now);
    log.note("host 192.0.2.2", "noise " + std::to_string(i), now);
    now += 1s;
  }
  CHECK(std::count(lines.begin(), lines.end(), "refused b, of host 192.0.2.2: not allowed") == 1);
  CHECK(lines.size() == 16 + 2);
}

TEST_CASE("a host name that nobody knows does not stop the hub's other links", "[transport][security]") {
  auto options = test_node::options_for("a", "");
  options.plaintext = true;
  test_node a(options);
  test_node b("b", "tcp://127.0.0.1:*");
  std::string why;
  CHECK_FALSE(a.connect("tcp://no-such-host.invalid:5000", &why, 200ms));
  CHECK(a.connect(b.transport->endpoint()));
}
