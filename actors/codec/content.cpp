#include "actors/codec/content.hpp"

#include <caf/detail/dynamic_message_data.hpp>
#include <caf/make_counted.hpp>

namespace troupe {
namespace {

caf::message message_of_one(caf::type_erased_value_ptr element) {
  std::vector<caf::type_erased_value_ptr> elements;
  elements.push_back(std::move(element));
  return message_of(std::move(elements));
}

} // namespace

caf::message message_of(std::vector<caf::type_erased_value_ptr> elements) {
  using data = caf::detail::dynamic_message_data;
  return caf::message{caf::detail::message_data::cow_ptr{caf::make_counted<data>(std::move(elements))}};
}

caf::message one_value::move_to_message() { return message_of_one(take()); }
caf::message one_value::copy_to_message() const { return message_of_one(value().copy()); }

} // namespace troupe

template class caf::detail::tuple_vals_impl<caf::type_erased_tuple, caf::error>;
template class caf::detail::tuple_vals_impl<caf::detail::message_data, caf::error>;
template class caf::detail::tuple_vals_impl<caf::detail::message_data, caf::exit_msg>;
template class caf::detail::tuple_vals_impl<caf::detail::message_data, caf::actor>;
template class caf::detail::tuple_vals_impl<caf::detail::message_data, std::string>;
template class caf::detail::type_erased_value_impl<caf::error>;
template class caf::detail::type_erased_value_impl<caf::exit_msg>;
template class caf::detail::type_erased_value_impl<caf::actor>;
template class caf::detail::type_erased_value_impl<std::string>;
template class caf::detail::type_erased_value_impl<std::vector<caf::actor>>;
template class caf::detail::type_erased_value_impl<std::vector<std::string>>;
