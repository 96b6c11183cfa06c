#include "actors/node/announced_types.hpp"

#include <algorithm>
#include <string_view>

namespace troupe {

namespace {

// docs/wire-payloads.md, section 7, has the same numbers.
constexpr std::size_t name_bytes_max = 4096;
constexpr std::size_t names_bytes_max = 1U << 20; ///< all of them

/// "a+b" is of an a and a b; "(empty)" of nothing.
std::vector<std::string_view> elements_of(std::string_view name) {
  std::vector<std::string_view> elements;
  if (name == "(empty)") return elements;
  while (true) {
    const auto plus = name.find('+');
    elements.push_back(name.substr(0, plus));
    if (plus == std::string_view::npos) return elements;
    name.remove_prefix(plus + 1);
  }
}

} // namespace

std::string announced_types::define(std::uint32_t number, std::span<const char> name) {
  if (number == 0 || number > signatures_max || name.size() > name_bytes_max)
    return "it defines a signature outside of the limits";
  if (types_.size() <= number) types_.resize(std::max<std::size_t>(number + 1, types_.size() * 2));
  auto& place = types_[number];
  name_bytes_ += name.size() - place.name.size();
  if (name_bytes_ > names_bytes_max)
    return "its signatures take more than " + std::to_string(names_bytes_max) + " bytes";
  place = {nullptr, {name.begin(), name.end()}, {}};
  place.signature = catalog_.find(elements_of(place.name), place.unknown);
  return {};
}

const announced_types::type& announced_types::operator[](std::uint32_t number) const {
  static const type none;
  return number < types_.size() ? types_[number] : none;
}

} // namespace troupe
