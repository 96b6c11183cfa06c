// Columns of numbers in the form that the viewer's page carries them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace troupe::trace {

/// A column as little-endian base-128 numbers, seven bits a byte, the last one without the
/// high bit. Rows that are near their predecessor, as times and message rows are, take a
/// byte or two.
class packed_column {
 public:
  /// Not negative; below 2^53, the largest that the page can count to exactly.
  void add(std::uint64_t);
  /// As the distance from the previous one, zigzag: 0, -1, 1, -2 ...
  void add_delta(std::int64_t);
  const std::vector<std::byte>& bytes() const { return bytes_; }

 private:
  std::vector<std::byte> bytes_;
  std::int64_t previous_ = 0;
};

/// 0, -1, 1, -2 ... as 0, 1, 2, 3 ...
constexpr std::uint64_t zigzag(std::int64_t n) {
  return (static_cast<std::uint64_t>(n) << 1) ^ static_cast<std::uint64_t>(n >> 63);
}

/// Appends; with padding, no line breaks.
void append_base64(std::string& out, std::span<const std::byte>);

} // namespace troupe::trace
