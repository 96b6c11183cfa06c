// A stable sort of ten million numbers in a fifth of a second.
#pragma once

#include <array>
#include <cstdint>
#include <vector>

namespace troupe::trace {

struct sort_entry {
  std::uint64_t key = 0;
  std::uint32_t what = 0;
};

/// By key, ascending; equal keys keep their order. Linear; digits that all keys share cost
/// one counting pass for all of them together.
inline void radix_sort(std::vector<sort_entry>& entries) {
  constexpr unsigned digit_bits = 11, digits = 6;
  constexpr std::uint64_t mask = (1U << digit_bits) - 1;
  static_assert(digit_bits * digits >= 64);
  std::vector<std::array<std::uint32_t, 1U << digit_bits>> counts(digits);
  for (auto& e : entries)
    for (unsigned d = 0; d < digits; ++d)
      ++counts[d][e.key >> (d * digit_bits) & mask];
  std::vector<sort_entry> other;
  for (unsigned d = 0; d < digits; ++d) {
    auto& count = counts[d];
    if (entries.empty() || count[entries[0].key >> (d * digit_bits) & mask] == entries.size()) continue;
    std::uint32_t sum = 0;
    for (auto& c : count) {
      auto here = c;
      c = sum;
      sum += here;
    }
    other.resize(entries.size());
    for (auto& e : entries)
      other[count[e.key >> (d * digit_bits) & mask]++] = e;
    entries.swap(other);
  }
}

} // namespace troupe::trace
