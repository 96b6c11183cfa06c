// One page over HTTP, to clients that behave and to others.
#include "tests/support/catch.hpp"
#include "tests/support/tcp_client.hpp"
#include "tests/support/text.hpp"

#include "cli/watch/page_server.hpp"

#include <atomic>
#include <cerrno>
#include <netinet/in.h>
#include <sys/socket.h>
#include <vector>

using namespace troupe;
using namespace troupe::cli;
using namespace troupe::testing;
using namespace std::chrono_literals;

namespace {

/// A server on a port that the system chose.
struct served {
  explicit served(std::chrono::milliseconds patience = 60s, std::function<std::string()> text = {}) {
    descriptor listening(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    sockaddr_in here{};
    socklen_t size = sizeof here;
    here.sin_family = AF_INET;
    here.sin_addr.s_addr = ::htonl(INADDR_LOOPBACK);
    REQUIRE(::bind(listening.get(), reinterpret_cast<sockaddr*>(&here), size) == 0);
    REQUIRE(::listen(listening.get(), 128) == 0);
    REQUIRE(::getsockname(listening.get(), reinterpret_cast<sockaddr*>(&here), &size) == 0);
    address = "127.0.0.1:" + std::to_string(::ntohs(here.sin_port));
    if (!text) text = [this] { return "page " + std::to_string(++pages) + '\n'; };
    server.emplace(std::move(listening), page_server::page{"/metrics", "text/plain; version=0.0.4", text},
                   patience);
  }
  /// Everything that is said to one request.
  std::string answer(const std::string& request) const {
    tcp_client client(address);
    CHECK(client.send(request));
    return everything(client);
  }
  static std::string everything(tcp_client& client) {
    std::string all;
    for (auto line = client.line(); line != "<end>"; line = client.line()) {
      if (line == "<silence>") return all + line;
      all += line + '\n';
    }
    return all;
  }

  std::string address;
  std::atomic<int> pages{0};
  std::optional<page_server> server;
};

std::string head_of(const std::string& answer) { return answer.substr(0, answer.find("\r\n\r\n")); }

} // namespace

TEST_CASE("GET has the page and its type, and HEAD the same without the page", "[cli][metrics]") {
  const served it;
  const auto got = it.answer("GET /metrics HTTP/1.1\r\nHost: here\r\n\r\n");
  CHECK(got
        == "HTTP/1.1 200 OK\r\nContent-Type: text/plain; version=0.0.4\r\nContent-Length: 7\r\n"
           "Connection: close\r\n\r\npage 1\n");
  const auto head = it.answer("HEAD /metrics HTTP/1.1\r\nHost: here\r\n\r\n");
  CHECK(head == head_of(got) + "\r\n\r\n");
  CHECK(contains(it.answer("GET /metrics?name[]=up HTTP/1.0\n\n"), "page 3"));
}

TEST_CASE("other methods, other pages and what is no HTTP get their own answers", "[cli][metrics]") {
  const served it;
  for (const std::string method : {"POST", "PUT", "DELETE", "OPTIONS"}) {
    const auto refused = it.answer(method + " /metrics HTTP/1.1\r\nContent-Length: 3\r\n\r\nabc");
    CHECK(refused.starts_with("HTTP/1.1 405 Method Not Allowed\r\n"));
    CHECK(contains(refused, "\r\nAllow: GET, HEAD\r\n"));
  }
  const auto elsewhere = it.answer("GET / HTTP/1.1\r\n\r\n");
  CHECK(elsewhere.starts_with("HTTP/1.1 404 Not Found\r\n"));
  CHECK(contains(elsewhere, "there is only /metrics"));
  CHECK_FALSE(contains(it.answer("HEAD / HTTP/1.1\r\n\r\n"), "there is only"));
  for (const auto* wrong : {"hello\r\n\r\n", "GET /metrics\r\n\r\n", "GET  HTTP/1.1\r\n\r\n", "\r\n\r\n"})
    CHECK(it.answer(wrong).starts_with("HTTP/1.1 400 Bad Request\r\n"));
  CHECK(it.answer("GET /metrics HTTP/1.1\r\nX: " + std::string(page_server::request_bytes_max, 'x'))
            .starts_with("HTTP/1.1 431 "));
  CHECK(it.pages == 0);
}

TEST_CASE("connections that say nothing hold up no other", "[cli][metrics]") {
  const served it; // which has more patience than this test
  std::vector<tcp_client> silent;
  for (int i = 0; i < 20; ++i)
    silent.emplace_back(it.address);
  REQUIRE(silent.front().send("GET /metr")); // or not much
  CHECK(contains(it.answer("GET /metrics HTTP/1.1\r\n\r\n"), "page 1"));
  REQUIRE(silent.front().send("ics HTTP/1.1\r\n\r\n"));
  CHECK(contains(served::everything(silent.front()), "page 2"));
}

TEST_CASE("a connection that says nothing is closed, and so are the oldest of very many", "[cli][metrics]") {
  const served impatient(20ms);
  tcp_client silent(impatient.address);
  CHECK(silent.ended());
  const served it;
  std::vector<tcp_client> many;
  for (std::size_t i = 0; i <= page_server::connections_max; ++i)
    many.emplace_back(it.address);
  CHECK(many.front().ended());
  CHECK(contains(it.answer("GET /metrics HTTP/1.1\r\n\r\n"), "page 1"));
}

TEST_CASE("who does not read its answer holds up nobody else", "[cli][metrics]") {
  std::string large; // more than the system keeps for a connection, in lines
  for (int i = 0; i < 16 << 10; ++i)
    large += std::string(1023, 'x') + '\n';
  const served it(60s, [&] { return large; });
  tcp_client deaf(it.address);
  REQUIRE(deaf.send("GET /metrics HTTP/1.1\r\n\r\n"));
  const auto whole = it.answer("GET /metrics HTTP/1.1\r\n\r\n");
  CHECK(whole.size() > large.size());
}

TEST_CASE("a page that cannot be made is an error of the server", "[cli][metrics]") {
  const served it(60s, []() -> std::string { throw std::runtime_error("no memory"); });
  CHECK(it.answer("GET /metrics HTTP/1.1\r\n\r\n").starts_with("HTTP/1.1 500 Internal Server Error\r\n"));
}

TEST_CASE("a server that ends closes its connections", "[cli][metrics]") {
  served it;
  tcp_client silent(it.address);
  CHECK(contains(it.answer("GET /metrics HTTP/1.1\r\n\r\n"), "200 OK"));
  it.server.reset();
  CHECK(silent.ended());
}
