#include "actors/codec/content.hpp"

#include "actors/codec/arrivals.hpp"

#include <caf/detail/dynamic_message_data.hpp>

namespace troupe {

caf::message message_of(std::vector<caf::type_erased_value_ptr> elements) {
  using data = caf::detail::dynamic_message_data;
  return caf::message{caf::detail::message_data::cow_ptr{caf::make_counted<data>(std::move(elements))}};
}

} // namespace troupe

TROUPE_CONTENTS()
TROUPE_CAF_TUPLES();
TROUPE_LEAVES();
TROUPE_VALUES();
TROUPE_ELEMENTS(, troupe::arrived)
