// Any bytes as the frames that reach a session which is up: a length of one octet before
// each, and between them the session goes on by itself.
#include "transport/session/session.hpp"

#include <cstdlib>

using namespace troupe::transport;

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
  session_options options;
  options.window_bytes = 4096;
  session s(options, 1);
  time_point now{std::chrono::hours{1}};
  auto encode_little = [](byte_buffer& out) {
    out.resize(out.size() + 100, 'x');
    return true;
  };
  const auto push = [&] {
    s.push({}, &encode_little,
           [](void* f, byte_buffer& out) { return (*static_cast<decltype(encode_little)*>(f))(out); });
  };
  push();
  s.attach({1, 0, 0, 0, 1000}, 1, 1 << 20, now);
  const auto* end = data + size;
  while (data < end && s.state() == session_state::up) {
    const std::size_t wanted = *data++;
    const std::size_t length = std::min(wanted, static_cast<std::size_t>(end - data));
    const auto result = s.take(decode_frame({reinterpret_cast<const char*>(data), length}), length, now);
    data += length;
    if (result.what == verdict::gap || result.what == verdict::violation || result.what == verdict::left)
      break;
    push();
    while (s.pull_control(now) || s.pull()) {
    }
    now += std::chrono::milliseconds{10};
    if (s.queued_bytes() > options.queue_bytes_max + options.frame_bytes_max) std::abort();
  }
  s.close();
  return 0;
}
