#include "actors/codec/node_key.hpp"

#include <algorithm>
#include <cstring>
#include <string_view>

namespace troupe {

namespace {
using data = caf::node_id::default_data;
constexpr std::string_view mark = "troupe node "; // fills the 12 bytes after the incarnation
static_assert(mark.size() + sizeof(std::uint64_t) == data::host_id_size);
} // namespace

caf::node_id node_id_of(std::uint64_t incarnation) {
  data::host_id_type host{};
  std::memcpy(host.data(), &incarnation, sizeof incarnation);
  std::copy(mark.begin(), mark.end(), host.begin() + sizeof incarnation);
  return caf::make_node_id(1, host);
}

std::uint64_t incarnation_of(const caf::node_id& id) {
  if (!id || id->implementation_id() != data::class_id) return 0;
  const auto host = static_cast<const data*>(id.operator->())->host_id();
  if (!std::equal(mark.begin(), mark.end(), host.begin() + sizeof(std::uint64_t))) return 0;
  std::uint64_t incarnation = 0;
  std::memcpy(&incarnation, host.data(), sizeof incarnation);
  return incarnation;
}

} // namespace troupe
