// Draws from a seed that are the same everywhere. The standard fixes what its generators give, but not what
// its distributions and shuffles make of that.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <random>
#include <utility>

namespace troupe {

/// A number below `limit`, which is not 0, all equally likely (Lemire, "Fast Random Integer Generation in an
/// Interval", 2019; there are 128 bits wherever this is built).
inline std::uint64_t draw_below(std::mt19937_64& random, std::uint64_t limit) {
  __extension__ using wide = unsigned __int128;
  auto product = wide{random()} * limit;
  if (static_cast<std::uint64_t>(product) < limit)
    for (const auto unfair = (0 - limit) % limit; static_cast<std::uint64_t>(product) < unfair;)
      product = wide{random()} * limit;
  return static_cast<std::uint64_t>(product >> 64);
}

/// A number from `low` to `high`, both included. Precondition: low ≤ high, and not all of 64 bits.
inline std::int64_t draw_between(std::mt19937_64& random, std::int64_t low, std::int64_t high) {
  const auto first = static_cast<std::uint64_t>(low);
  return static_cast<std::int64_t>(first + draw_below(random, static_cast<std::uint64_t>(high) - first + 1));
}

/// A number from 0 to below 1.
inline double draw_share(std::mt19937_64& random) {
  return std::min(static_cast<double>(random()) / 0x1p64, std::nextafter(1.0, 0.0));
}

/// Puts the elements into an order that is drawn.
template <class Elements>
void draw_order(std::mt19937_64& random, Elements& elements) {
  for (auto left = elements.size(); left > 1; --left)
    std::swap(elements[left - 1], elements[draw_below(random, left)]);
}

} // namespace troupe
