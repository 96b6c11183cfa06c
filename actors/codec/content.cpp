#include "actors/codec/content.hpp"

#include "actors/codec/arrivals.hpp"

#include <caf/detail/dynamic_message_data.hpp>

namespace troupe {

caf::message message_of(std::vector<caf::type_erased_value_ptr> elements) {
  using data = caf::detail::dynamic_message_data;
  return caf::message{caf::detail::message_data::cow_ptr{caf::make_counted<data>(std::move(elements))}};
}

} // namespace troupe

TROUPE_CONTENTS();

template class caf::detail::tuple_vals_impl<caf::type_erased_tuple, caf::error>;
template class caf::detail::tuple_vals_impl<caf::detail::message_data, caf::error>;
template class caf::detail::tuple_vals_impl<caf::detail::message_data, caf::exit_msg>;
template class caf::detail::tuple_vals_impl<caf::detail::message_data, caf::actor>;
template class caf::detail::tuple_vals_impl<caf::detail::message_data, std::string>;
template class caf::detail::tuple_vals<caf::error>;
template class caf::detail::tuple_vals<caf::exit_msg>;
template class caf::detail::tuple_vals<caf::actor>;
template class caf::detail::tuple_vals<std::string>;

TROUPE_LEAVES();
template class troupe::value_of<caf::error>;
template class troupe::value_of<caf::actor>;
template class troupe::value_of<std::string>;
template class troupe::value_of<std::vector<caf::actor>>;
template class troupe::value_of<std::vector<std::string>>;

TROUPE_ELEMENTS(, troupe::arrived);
