// Any bytes as the payload of a message: the first octet chooses the signature. What is
// read is written, and what is written then is read and written alike.
#pragma once

#include "tests/support/codec_samples.hpp"

#include <cstdlib>

namespace troupe::testing {

template <class Reader, class Writer>
void try_payload(std::span<const char> input) {
  // Never taken down: statics outlive the thread's own variables, among them CAF's reference to
  // the logger, which an actor system that ends after them would release a second time.
  static auto& bench = *new codec_bench;
  static const auto& samples = *new auto(bench.samples());
  if (input.empty()) return;
  const auto& shape = samples[static_cast<unsigned char>(input[0]) % samples.size()];
  const auto& signature = bench.signature_of(shape);
  caf::error err;
  const auto message = bench.decode<Reader>(input.subspan(1), signature, err);
  if (err) return;
  const auto once = bench.encode<Writer>(message, err);
  if (err) return; // a nested message of a type that only CAF knows
  const auto again = bench.decode<Reader>(once, signature, err);
  if (err) std::abort();
  if (bench.encode<Writer>(again, err) != once || err) std::abort();
}

} // namespace troupe::testing
