// Wires over descriptors that ZeroMQ owns, and may have closed.
#include "transport/zmq/zmq_socket.hpp"

#include "tests/support/catch.hpp"

#include <array>
#include <memory>
#include <sys/socket.h>
#include <unistd.h>
#include <zmq.h>

using namespace troupe;

namespace {

struct two_ends {
  two_ends() {
    REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends.data()) == 0);
  }
  ~two_ends() {
    for (const int end : ends)
      ::close(end);
  }
  two_ends(const two_ends&) = delete;
  two_ends& operator=(const two_ends&) = delete;
  bool is_cut() const {
    char byte = 0;
    return ::recv(ends[1], &byte, 1, MSG_PEEK) == 0;
  }
  std::array<int, 2> ends{};
};

struct one_router {
  std::unique_ptr<void, int (*)(void*)> context{zmq_ctx_new(), zmq_ctx_term};
  std::shared_ptr<transport::zmq_socket> socket =
      std::make_shared<transport::zmq_socket>(context.get(), ZMQ_ROUTER);
};

} // namespace

TEST_CASE("a cut ends the connection it is meant for", "[transport][zmq]") {
  one_router router;
  two_ends connection;
  transport::router_wire wire(router.socket, "w1", connection.ends[0]);
  CHECK_FALSE(connection.is_cut());
  CHECK_FALSE(wire.sever()); // ZeroMQ will tell
  CHECK(connection.is_cut());
}

TEST_CASE("a cut spares another connection that has the descriptor by now", "[transport][zmq]") {
  one_router router;
  two_ends connection, other;
  transport::router_wire wire(router.socket, "w1", connection.ends[0]);
  REQUIRE(::dup2(other.ends[0], connection.ends[0]) >= 0); // closed, and the number is given again
  CHECK_FALSE(wire.sever());
  CHECK_FALSE(other.is_cut());
}
