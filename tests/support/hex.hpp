// Octets as people write them down.
#pragma once

#include <string>

namespace troupe::testing {

template <class Bytes>
std::string hex(const Bytes& bytes) {
  constexpr const char* digits = "0123456789abcdef";
  std::string out;
  for (const char c : bytes) {
    out += digits[static_cast<unsigned char>(c) >> 4];
    out += digits[static_cast<unsigned char>(c) & 15];
  }
  return out;
}

} // namespace troupe::testing
