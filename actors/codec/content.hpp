// The content of messages that have one element, as nearly all have.
#pragma once

#include <caf/actor.hpp>
#include <caf/error.hpp>
#include <caf/mailbox_element.hpp>
#include <caf/message.hpp>
#include <caf/system_messages.hpp>

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace troupe {

/// The message with these elements in order.
caf::message message_of(std::vector<caf::type_erased_value_ptr> elements);

/// What CAF makes of an argument of make_message or send.
template <class T>
using sent_as = typename caf::unbox_message_element<caf::detail::strip_and_convert_t<T>>::type;

/// As caf::make_message, whose tuples take several times as long to compile for each combination of types;
/// this one takes an allocation more for each element.
template <class... Ts>
caf::message message_with(Ts&&... xs) {
  static_assert((caf::is_serializable_or_whitelisted<sent_as<Ts>>::value && ...),
                "a message type needs an overload of inspect()");
  std::vector<caf::type_erased_value_ptr> elements;
  elements.reserve(sizeof...(Ts));
  (elements.push_back(caf::make_type_erased_value<sent_as<Ts>>(std::forward<Ts>(xs))), ...);
  return message_of(std::move(elements));
}

/// A message alone is not put into another.
inline caf::message message_with(caf::message whole) { return whole; }

/// A tuple of one value. CAF's own tuples generate most of their code for each type; here only
/// what a handler calls is.
class one_value : public caf::type_erased_tuple {
 public:
  std::size_t size() const noexcept final { return 1; }
  caf::error load(std::size_t, caf::deserializer& source) final { return value().load(source); }
  caf::error save(std::size_t, caf::serializer& sink) const final { return value().save(sink); }
  std::string stringify(std::size_t) const final { return value().stringify(); }
  caf::type_erased_value_ptr copy(std::size_t) const final { return value().copy(); }

 protected:
  caf::message move_to_message();
  caf::message copy_to_message() const;

 private:
  virtual caf::type_erased_value& value() = 0;
  virtual const caf::type_erased_value& value() const = 0;
  virtual caf::type_erased_value_ptr take() = 0;
};

/// T itself, in place.
template <class T>
class content_of : public one_value {
  static_assert(caf::is_serializable_or_whitelisted<T>::value,
                "a message type needs an overload of inspect()");

 public:
  explicit content_of(const T& value) : value_(value) {}
  explicit content_of(T&& value) : value_(std::move(value)) {}

  const void* get(std::size_t) const noexcept final { return &static_cast<const T&>(value_); }
  void* get_mutable(std::size_t) final { return &static_cast<T&>(value_); }
  caf::rtti_pair type(std::size_t) const noexcept final { return caf::make_rtti_pair<T>(); }
  std::uint32_t type_token() const noexcept final { return caf::make_type_token<T>(); }

 private:
  caf::type_erased_value& value() final { return value_; }
  const caf::type_erased_value& value() const final { return value_; }
  caf::type_erased_value_ptr take() final {
    return caf::make_type_erased_value<T>(std::move(static_cast<T&>(value_)));
  }

  caf::detail::type_erased_value_impl<T> value_;
};

/// A mailbox element of some kind (CAF's own with values in them are final) in one piece with a
/// message of one value: one allocation.
template <class Base, class T>
class element_of final : public Base, public content_of<T> {
 public:
  /// `xs` are for Base.
  template <class U, class... Ts>
  explicit element_of(U&& value, Ts&&... xs)
      : Base(std::forward<Ts>(xs)...), content_of<T>(std::forward<U>(value)) {}

  caf::type_erased_tuple& content() override { return *this; }
  const caf::type_erased_tuple& content() const override { return *this; }
  caf::message move_content_to_message() override { return this->move_to_message(); }
  caf::message copy_content_to_message() const override { return this->copy_to_message(); }
};

} // namespace troupe

// CAF's own headers make messages of these types, in every source that includes them: their code is in
// content.cpp.
extern template class caf::detail::tuple_vals_impl<caf::type_erased_tuple, caf::error>;
extern template class caf::detail::tuple_vals_impl<caf::detail::message_data, caf::error>;
extern template class caf::detail::tuple_vals_impl<caf::detail::message_data, caf::exit_msg>;
extern template class caf::detail::tuple_vals_impl<caf::detail::message_data, caf::actor>;
extern template class caf::detail::tuple_vals_impl<caf::detail::message_data, std::string>;
extern template class caf::detail::type_erased_value_impl<caf::error>;
extern template class caf::detail::type_erased_value_impl<caf::exit_msg>;
extern template class caf::detail::type_erased_value_impl<caf::actor>;
extern template class caf::detail::type_erased_value_impl<std::string>;
extern template class caf::detail::type_erased_value_impl<std::vector<caf::actor>>;
extern template class caf::detail::type_erased_value_impl<std::vector<std::string>>;
