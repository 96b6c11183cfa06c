#include "transport/lines/stream_server.hpp"

#include "transport/lines/stream_server_loop.hpp"

namespace troupe::transport {

std::string_view to_string(client_kind x) { return x == client_kind::tcp ? "tcp" : "zeromq"; }

stream_server::stream_server(stream_server_options options, stream_listener& listener)
    : loop_(std::make_unique<loop>(std::move(options), listener)) {}

stream_server::~stream_server() = default;

std::string stream_server::tcp_address() const { return loop_->tcp_address(); }
std::string stream_server::zeromq_endpoint() const { return loop_->zeromq_endpoint(); }
std::size_t stream_server::connections_max() const { return loop_->connections_max(); }

void stream_server::answer(client_id client, std::string text) {
  loop_->post({loop::command::kind::answer, client, std::move(text), {}});
}
void stream_server::notify(client_id client, std::string text) {
  loop_->post({loop::command::kind::notify, client, std::move(text), {}});
}
void stream_server::fail(client_id client, std::string last_words) {
  loop_->post({loop::command::kind::fail, client, std::move(last_words), {}});
}
void stream_server::stop(std::chrono::milliseconds patience) {
  loop_->post({loop::command::kind::stop, 0, {}, patience});
}

} // namespace troupe::transport
