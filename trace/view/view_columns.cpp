#include "trace/view/view_columns.hpp"

namespace troupe::trace {

void packed_column::add(std::uint64_t n) {
  while (n >= 0x80) {
    bytes_.push_back(static_cast<std::byte>((n & 0x7fU) | 0x80U));
    n >>= 7;
  }
  bytes_.push_back(static_cast<std::byte>(n));
}

void packed_column::add_delta(std::int64_t n) {
  add(zigzag(n - previous_));
  previous_ = n;
}

void append_base64(std::string& out, std::span<const std::byte> in) {
  constexpr char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  out.reserve(out.size() + (in.size() + 2) / 3 * 4);
  for (std::size_t i = 0; i < in.size(); i += 3) {
    std::uint32_t bits = 0;
    for (std::size_t k = 0; k < 3; ++k)
      bits = bits << 8 | (i + k < in.size() ? std::to_integer<std::uint32_t>(in[i + k]) : 0U);
    for (std::size_t k = 0; k < 4; ++k)
      out += i + k <= in.size() ? digits[bits >> (18 - 6 * k) & 63U] : '=';
  }
}

} // namespace troupe::trace
