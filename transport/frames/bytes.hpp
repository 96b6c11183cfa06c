// Reading and writing of the wire's elements: little-endian integers, varints, strings.
#pragma once

#include "transport/frames/limits.hpp"
#include "transport/frames/peer.hpp"

#include <cstring>

namespace troupe::transport {

/// Reads from bytes it does not own and never past their end. After the first failure
/// every read returns zero or empty, so that a caller may check ok() once at the end.
class byte_reader {
 public:
  explicit byte_reader(std::span<const char> bytes) : at_(bytes.data()), end_(bytes.data() + bytes.size()) {}

  bool ok() const { return ok_; }
  std::size_t left() const { return static_cast<std::size_t>(end_ - at_); }
  const char* position() const { return at_; }

  template <class Integer>
  Integer fixed() {
    if (left() < sizeof(Integer)) return fail();
    Integer value = 0;
    for (std::size_t i = 0; i < sizeof(Integer); ++i)
      value = static_cast<Integer>(
          value | static_cast<Integer>(Integer{static_cast<unsigned char>(at_[i])} << (8 * i)));
    at_ += sizeof(Integer);
    return value;
  }

  /// At most ten bytes, the shortest form only, no bits beyond the 64th.
  std::uint64_t varint() {
    std::uint64_t value = 0;
    for (unsigned shift = 0; shift < 64; shift += 7) {
      if (at_ == end_) return fail();
      const auto byte = static_cast<unsigned char>(*at_++);
      value |= std::uint64_t{byte & 0x7fU} << shift;
      if (byte < 0x80U) {
        const bool too_long = byte == 0 && shift != 0;
        const bool too_large = shift == 63 && byte > 1;
        return too_long || too_large ? fail() : value;
      }
    }
    return fail();
  }

  std::uint64_t varint_at_most(std::uint64_t limit) {
    const auto value = varint();
    return value <= limit ? value : fail();
  }

  std::span<const char> bytes(std::size_t count) {
    if (count > left()) {
      fail();
      return {};
    }
    const std::span<const char> result{at_, count};
    at_ += count;
    return result;
  }

  /// A length and that many bytes; nothing is allocated for a length that lies.
  std::span<const char> counted(std::size_t limit) {
    return bytes(static_cast<std::size_t>(varint_at_most(limit)));
  }
  std::string string(std::size_t limit) {
    const auto view = counted(limit);
    return {view.begin(), view.end()};
  }

 private:
  std::uint8_t fail() {
    ok_ = false;
    at_ = end_;
    return 0;
  }
  const char* at_;
  const char* end_;
  bool ok_ = true;
};

template <class Integer>
void put_fixed_at(char* where, Integer value) {
  for (std::size_t i = 0; i < sizeof(Integer); ++i)
    where[i] = static_cast<char>(static_cast<unsigned char>(value >> (8 * i)));
}

template <class Integer>
void put_fixed(byte_buffer& out, Integer value) {
  char raw[sizeof(Integer)];
  put_fixed_at(raw, value);
  out.insert(out.end(), raw, raw + sizeof(Integer));
}

/// Returns the position after the varint; at least limits::varint_bytes_max must be free.
inline char* put_varint_at(char* where, std::uint64_t value) {
  while (value >= 0x80U) {
    *where++ = static_cast<char>(static_cast<unsigned char>(value | 0x80U));
    value >>= 7;
  }
  *where++ = static_cast<char>(static_cast<unsigned char>(value));
  return where;
}

inline void put_varint(byte_buffer& out, std::uint64_t value) {
  char raw[limits::varint_bytes_max];
  out.insert(out.end(), raw, put_varint_at(raw, value));
}

inline void put_counted(byte_buffer& out, std::span<const char> bytes) {
  put_varint(out, bytes.size());
  out.insert(out.end(), bytes.begin(), bytes.end());
}
inline void put_text(byte_buffer& out, std::string_view text) {
  put_counted(out, std::span<const char>{text.data(), text.size()});
}

/// Small numbers of either sign as small unsigned ones.
constexpr std::uint64_t zigzag(std::uint64_t difference) {
  return difference << 1 ^ (difference >> 63 != 0 ? ~std::uint64_t{0} : 0);
}
constexpr std::uint64_t unzigzag(std::uint64_t coded) {
  return coded >> 1 ^ ((coded & 1) != 0 ? ~std::uint64_t{0} : 0);
}

} // namespace troupe::transport
