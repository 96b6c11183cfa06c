#include "actors/patterns/reducer.hpp"

#include "actors/codec/message_catalog.hpp"

namespace troupe {

void add_reducer_messages(message_catalog& catalog) {
  catalog.add<tree_crew, tree_size, tree_failed, ask_reducer, reducer_report>();
}

std::uint64_t tree_shape::width(std::uint32_t level) const {
  auto result = leaves;
  for (; level > 0 && result > 1; --level)
    result = result / arity + (result % arity != 0);
  return result;
}

std::uint32_t tree_shape::levels() const {
  std::uint32_t result = 0;
  while (width(result) > 1)
    ++result;
  return result;
}

std::uint64_t tree_shape::joins(std::uint32_t level) const {
  const auto below = width(level - 1);
  if (below <= 1) return 0;
  return below / arity + (below % arity > 1);
}

std::uint64_t tree_shape::members(std::uint32_t level, std::uint64_t index) const {
  const auto below = width(level - 1);
  const auto first = index * arity;
  return first >= below ? 0 : std::min(arity, below - first);
}

std::uint64_t tree_mark(std::uint64_t element) {
  // The finisher of SplitMix64: neighbours get marks that have nothing in common.
  auto x = (element + 1) * 0x9e3779b97f4a7c15ULL;
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9ULL;
  x = (x ^ (x >> 27)) * 0x94d049bb133111ebULL;
  return x ^ (x >> 31);
}

} // namespace troupe
