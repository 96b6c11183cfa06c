// Any bytes as what strangers and a dialled node send to a switchboard: an octet says on
// which of four wires, two more how long the frame is.
#include "transport/session/switchboard.hpp"

using namespace troupe::transport;

namespace {

struct silent_listener final : hub_listener {
  void on_peer_up(const peer_ptr&) override {}
  void on_frame(const peer_ptr&, inbound_frame frame) override {
    envelope_view view;
    while (frame.next(view)) {
    }
  }
  void on_peer_down(const peer_ptr&, down_reason, std::string_view, std::uint64_t) override {}
};

struct null_wire final : wire {
  bool transmit(const frame_ptr&) override { return true; }
  void close(bool) override {}
  bool sever() override { return true; }
};

struct null_dialler final : dialler {
  wire_ptr last;
  wire_ptr dial(const std::string&, std::string&) override { return last = std::make_shared<null_wire>(); }
  bool is_deserted(const std::string&) override { return false; }
};

struct null_sink final : output_sink {
  void ready(const link_ptr&) override {}
};

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
  static troupe::trace::recorder recorder({{}, "fuzzed", 1, troupe::trace::level::off});
  silent_listener listener;
  null_dialler dials;
  switchboard_options options;
  options.identity = {"fuzzed", 1};
  options.peers_max = 4;
  switchboard board(options, listener, recorder, dials, std::make_shared<null_sink>());
  time_point now{std::chrono::hours{1}};
  board.connect("somewhere", std::chrono::seconds{1}, {}, now);
  board.tick(now);
  const std::vector<wire_ptr> lines{dials.last, std::make_shared<null_wire>(), std::make_shared<null_wire>(),
                                    std::make_shared<null_wire>()};
  const auto* end = data + size;
  while (end - data > 3) {
    const auto& line = lines[*data & 3];
    const bool broken = (*data & 0x80) != 0;
    const std::size_t length =
        std::min<std::size_t>(data[1] + 256U * data[2], static_cast<std::size_t>(end - data - 3));
    data += 3;
    if (broken)
      board.on_broken(line, "cut", now);
    else
      board.on_frame(line, std::make_unique<buffered_frame>(byte_buffer(data, data + length)), now);
    data += length;
    now += std::chrono::milliseconds{50};
    board.tick(now);
  }
  board.abandon();
  return 0;
}
