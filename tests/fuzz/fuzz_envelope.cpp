// Any bytes as the envelopes of one frame: the check in whole and the reading one by one
// agree, and nothing is read outside.
#include "transport/session/inbound.hpp"

#include <cstdlib>

using namespace troupe::transport;

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
  const byte_buffer bytes(data, data + size);
  if (check_envelopes(bytes) != nullptr) return 0;
  auto raw = std::make_unique<buffered_frame>(bytes);
  raw->left = raw->bytes();
  auto frame = inbound_frame_access::make(std::move(raw));
  envelope_view view;
  std::size_t payload_bytes = 0;
  byte_buffer again;
  envelope_context context;
  while (frame.next(view)) {
    payload_bytes += view.payload.size();
    const auto begin = begin_envelope(again, view.header, context);
    again.insert(again.end(), view.payload.begin(), view.payload.end());
    finish_envelope(again, begin);
  }
  if (payload_bytes > size) std::abort();
  if (check_envelopes(again) != nullptr) std::abort();
  return 0;
}
