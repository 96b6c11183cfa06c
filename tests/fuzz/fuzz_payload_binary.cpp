// Payload codec 0: compact, without tags.
#include "tests/fuzz/fuzz_payload.hpp"

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
  const std::span<const char> input{reinterpret_cast<const char*>(data), size};
  troupe::testing::try_payload<troupe::wire_reader, troupe::wire_writer>(input);
  return 0;
}
