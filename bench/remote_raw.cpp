// Raw ZeroMQ: the same bytes without any actors.
#include "bench/remote_bench.hpp"
#include "bench/support.hpp"

#include <chrono>
#include <cstring>
#include <thread>
#include <zmq.h>

namespace bench {

namespace {

using clock = std::chrono::steady_clock;

std::string endpoint_of(void* socket) {
  char text[256];
  std::size_t size = sizeof text;
  zmq_getsockopt(socket, ZMQ_LAST_ENDPOINT, text, &size);
  return text;
}

void* open(void* context, int type, bool bind, const std::string& endpoint) {
  void* socket = zmq_socket(context, type);
  const int linger = 0;
  zmq_setsockopt(socket, ZMQ_LINGER, &linger, sizeof linger);
  const int failed = bind ? zmq_bind(socket, endpoint.c_str()) : zmq_connect(socket, endpoint.c_str());
  if (failed != 0) throw std::runtime_error("raw ZeroMQ: " + endpoint + ": " + zmq_strerror(errno));
  return socket;
}

/// Receives `count` messages, then answers with one, for ever.
void serve(void* context, int type, const std::string& endpoint, std::uint64_t count, std::string& bound) {
  void* socket = open(context, type, true, endpoint);
  bound = endpoint_of(socket);
  std::thread([socket, count] {
    zmq_msg_t message;
    zmq_msg_init(&message);
    while (true) {
      for (std::uint64_t i = 0; i < count; ++i)
        if (zmq_msg_recv(&message, socket, 0) < 0) return;
      zmq_send(socket, "done", 4, 0);
    }
  }).detach();
}

} // namespace

double raw_one_way(const load& what) {
  const child other{{"--child", "raw", std::to_string(what.pairs) + ' ' + std::to_string(what.messages)}};
  void* context = zmq_ctx_new();
  std::vector<std::thread> senders;
  std::size_t at = 0;
  const auto began = clock::now();
  for (int pair = 0; pair < what.pairs; ++pair) {
    const auto end = other.first_line().find(' ', at);
    const auto endpoint = other.first_line().substr(at, end - at);
    at = end + 1;
    senders.emplace_back([&what, context, endpoint] {
      void* socket = open(context, ZMQ_PAIR, false, endpoint);
      const std::string bytes(what.bytes, 'x');
      for (std::uint64_t i = 0; i < what.messages; ++i)
        zmq_send(socket, bytes.data(), bytes.size(), 0);
      char done[8];
      zmq_recv(socket, done, sizeof done, 0);
      zmq_close(socket);
    });
  }
  for (auto& sender : senders)
    sender.join();
  const auto seconds = std::chrono::duration<double>(clock::now() - began).count();
  zmq_ctx_term(context);
  return static_cast<double>(what.messages) * what.pairs / seconds;
}

std::vector<double> raw_round_trips_us(std::uint64_t rounds) {
  const child other{{"--child", "raw", "1 1"}};
  void* context = zmq_ctx_new();
  void* socket = open(context, ZMQ_PAIR, false, other.first_line().substr(0, other.first_line().find(' ')));
  std::vector<double> result;
  char bytes[32] = {};
  for (std::uint64_t i = 0; i < rounds; ++i) {
    const auto began = clock::now();
    zmq_send(socket, bytes, sizeof bytes, 0);
    zmq_recv(socket, bytes, sizeof bytes, 0);
    result.push_back(std::chrono::duration<double, std::micro>(clock::now() - began).count());
  }
  zmq_close(socket);
  zmq_ctx_term(context);
  return result;
}

/// "PAIRS MESSAGES": as many sockets, each answering after so many messages.
int serve_raw(const std::string& argument) {
  const auto blank = argument.find(' ');
  const auto pairs = std::stoi(argument.substr(0, blank));
  const auto messages = std::stoull(argument.substr(blank + 1));
  void* context = zmq_ctx_new();
  std::string line;
  for (int i = 0; i < pairs; ++i) {
    std::string bound;
    serve(context, ZMQ_PAIR, "tcp://127.0.0.1:*", messages, bound);
    line += bound + ' ';
  }
  ready_and_wait(line);
  return 0;
}

} // namespace bench
