// Any bytes as one frame; what decodes is encoded to the same bytes again.
#include "transport/frames/frames.hpp"

#include <cstdlib>
#include <type_traits>

using namespace troupe::transport;

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
  const std::span<const char> bytes{reinterpret_cast<const char*>(data), size};
  std::visit(
      [&](const auto& f) {
        using kind = std::decay_t<decltype(f)>;
        if constexpr (std::is_same_v<kind, hello_frame>) {
          // One of another version is not read to its end.
          if (f.self.identity.name.empty()) return;
          if (encode(f)->bytes != byte_buffer(bytes.begin(), bytes.end())) std::abort();
        } else if constexpr (requires { encode(f); }) {
          if (encode(f)->bytes != byte_buffer(bytes.begin(), bytes.end())) std::abort();
        }
      },
      decode_frame(bytes));
  return 0;
}
