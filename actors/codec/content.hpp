// The content of messages that have one element, as nearly all have.
#pragma once

#include "actors/codec/value.hpp"

#include <caf/actor.hpp>
#include <caf/detail/message_data.hpp>
#include <caf/error.hpp>
#include <caf/mailbox_element.hpp>
#include <caf/make_counted.hpp>
#include <caf/message.hpp>
#include <caf/system_messages.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <map>
#include <new>
#include <string>
#include <utility>
#include <vector>

namespace troupe {

/// The message with these elements in order.
caf::message message_of(std::vector<caf::type_erased_value_ptr> elements);

/// What CAF makes of an argument of make_message or send.
template <class T>
using sent_as = typename caf::unbox_message_element<caf::detail::strip_and_convert_t<T>>::type;

/// The sizes that there are for values in place, in bytes: M(size, ...) for each.
#define TROUPE_EACH_SIZE(M, ...)                                                                             \
  M(16, __VA_ARGS__)                                                                                         \
  M(32, __VA_ARGS__)                                                                                         \
  M(48, __VA_ARGS__)                                                                                         \
  M(64, __VA_ARGS__)                                                                                         \
  M(96, __VA_ARGS__)                                                                                         \
  M(128, __VA_ARGS__)                                                                                        \
  M(192, __VA_ARGS__)                                                                                        \
  M(256, __VA_ARGS__)
#define TROUPE_SIZE(bytes, ...) bytes,
inline constexpr auto content_sizes = std::to_array<std::size_t>({TROUPE_EACH_SIZE(TROUPE_SIZE)});

/// That for an element of so many bytes; 0: it is larger than all.
constexpr std::size_t content_size(std::size_t bytes) {
  for (const auto size : content_sizes)
    if (bytes <= size) return size;
  return 0;
}
/// That for a T.
template <class T>
inline constexpr std::size_t content_size_of = alignof(T) <= alignof(void*)
                                                   ? content_size(sizeof(value_of<T>))
                                                   : 0;
/// Whether values of that type lie in a content.
template <class T>
inline constexpr bool is_content = content_size_of<T> != 0;

/// A tuple of one value, in place. CAF's own tuples generate most of their code for each type; this one is of
/// a few sizes, compiled once. Base: caf::type_erased_tuple or a class of it.
template <class Base, std::size_t Bytes>
class value_tuple : public Base {
 public:
  value_tuple() = default;
  ~value_tuple() override {
    if (kind_ != nullptr) value().~any_value();
  }
  value_tuple(const value_tuple&) = delete;
  value_tuple& operator=(const value_tuple&) = delete;

  /// Once, before anything else.
  template <class T, class U>
  void emplace(U&& x) {
    static_assert(is_content<T> && sizeof(value_of<T>) <= Bytes);
    hold(value_of<T>::make(room_.data(), std::forward<U>(x)), kind_of<T>());
  }
  /// The same with a default value.
  void emplace(const value_kind& kind) { hold(kind.make(room_.data()), kind); }

  std::size_t size() const noexcept final { return 1; }
  std::uint32_t type_token() const noexcept final { return kind_->token; }
  caf::rtti_pair type(std::size_t) const noexcept final { return kind_->type; }
  const void* get(std::size_t) const noexcept final { return room_.data() + sizeof(void*); }
  void* get_mutable(std::size_t) final { return object(); }
  caf::error load(std::size_t, caf::deserializer& source) final { return value().load(source); }
  caf::error save(std::size_t, caf::serializer& sink) const final { return value().save(sink); }
  std::string stringify(std::size_t) const final { return value().stringify(); }
  using Base::copy;
  caf::type_erased_value_ptr copy(std::size_t) const final { return value().copy(); }

  /// A message with what is in this.
  caf::message moved_to_message();
  caf::message copied_to_message() const;

 protected:
  void hold(any_value* in_room, const value_kind& kind) {
    if (in_room->get_mutable() != object()) std::terminate(); // never, by the ABI; the compiler knows
    kind_ = &kind;
  }
  any_value& value() { return *reinterpret_cast<any_value*>(room_.data()); }
  const any_value& value() const { return *reinterpret_cast<const any_value*>(room_.data()); }
  std::byte* room() { return room_.data(); }

 private:
  template <class, std::size_t>
  friend class value_tuple;
  /// Behind the pointer to its virtual functions.
  void* object() { return room_.data() + sizeof(void*); }

  const value_kind* kind_ = nullptr;
  alignas(void*) std::array<std::byte, Bytes> room_;
};

/// What a mailbox element of one value has in it.
template <std::size_t Bytes>
using value_content = value_tuple<caf::type_erased_tuple, Bytes>;

/// What a message of one value has in it.
template <std::size_t Bytes>
class value_message final : public value_tuple<caf::detail::message_data, Bytes> {
 public:
  using value_tuple<caf::detail::message_data, Bytes>::copy;
  value_message* copy() const override { return copy_of(this->value()).release(); }
  static caf::intrusive_ptr<value_message> copy_of(const any_value& value) {
    auto result = caf::make_counted<value_message>();
    result->hold(value.copied(result->room()), value.kind());
    return result;
  }
  static caf::message as_message(caf::intrusive_ptr<value_message> whole) {
    return caf::message{caf::detail::message_data::cow_ptr{std::move(whole)}};
  }
};

template <class Base, std::size_t Bytes>
caf::message value_tuple<Base, Bytes>::moved_to_message() {
  auto result = caf::make_counted<value_message<Bytes>>();
  result->hold(value().moved(result->room()), *kind_);
  return value_message<Bytes>::as_message(std::move(result));
}
template <class Base, std::size_t Bytes>
caf::message value_tuple<Base, Bytes>::copied_to_message() const {
  return value_message<Bytes>::as_message(value_message<Bytes>::copy_of(value()));
}

/// As caf::make_message, whose tuples take several times as long to compile for each combination of types. Of
/// several elements, this one takes an allocation more for each.
template <class... Ts>
caf::message message_with(Ts&&... xs) {
  std::vector<caf::type_erased_value_ptr> elements;
  elements.reserve(sizeof...(Ts));
  (elements.emplace_back(new value_of<sent_as<Ts>>(std::in_place, std::forward<Ts>(xs))), ...);
  return message_of(std::move(elements));
}
template <class T>
requires is_content<sent_as<T>> &&(!std::is_same_v<sent_as<T>, caf::message>)caf::message
    message_with(T&& x) {
  constexpr auto bytes = content_size_of<sent_as<T>>;
  auto result = caf::make_counted<value_message<bytes>>();
  result->template emplace<sent_as<T>>(std::forward<T>(x));
  return value_message<bytes>::as_message(std::move(result));
}

/// A message alone is not put into another.
inline caf::message message_with(caf::message whole) { return whole; }

/// A mailbox element of some kind (CAF's own with values in them are final) in one piece with a
/// message of one value: one allocation.
template <class Base, std::size_t Bytes>
class element_with final : public Base, public value_content<Bytes> {
 public:
  using Base::Base;
  /// The caller's, and still without a value.
  static element_with* create(caf::strong_actor_ptr sender, caf::message_id id);

  caf::type_erased_tuple& content() override { return *this; }
  const caf::type_erased_tuple& content() const override { return *this; }
  caf::message move_content_to_message() override { return this->moved_to_message(); }
  caf::message copy_content_to_message() const override { return this->copied_to_message(); }
};

template <class Base, std::size_t Bytes>
element_with<Base, Bytes>* element_with<Base, Bytes>::create(caf::strong_actor_ptr sender,
                                                             caf::message_id id) {
  return new element_with(std::move(sender), id, caf::mailbox_element::forwarding_stack{});
}

/// With that value.
template <class Element, class T>
caf::mailbox_element_ptr filled(Element* element, T&& x) {
  caf::mailbox_element_ptr owned{element};
  element->template emplace<std::remove_cvref_t<T>>(std::forward<T>(x));
  return owned;
}

} // namespace troupe

// What is compiled once, outside of all namespaces: with `extern` here, and with nothing in content.cpp.

/// For each size of a content.
#define TROUPE_CONTENTS(where) TROUPE_EACH_SIZE(TROUPE_CONTENT, where)
#define TROUPE_CONTENT(bytes, where)                                                                         \
  where template class troupe::value_tuple<caf::type_erased_tuple, bytes>;                                   \
  where template class troupe::value_tuple<caf::detail::message_data, bytes>;                                \
  where template class troupe::value_message<bytes>;
TROUPE_CONTENTS(extern)

/// For each size of elements of a kind.
#define TROUPE_ELEMENTS(where, Base) TROUPE_EACH_SIZE(TROUPE_ELEMENT, where, Base)
#define TROUPE_ELEMENT(bytes, where, Base) where template class troupe::element_with<Base, bytes>;

/// Of these, CAF's own headers make messages in every source that includes them.
#define TROUPE_CAF_TUPLES(where)                                                                             \
  where template class caf::detail::tuple_vals_impl<caf::type_erased_tuple, caf::error>;                     \
  where template class caf::detail::tuple_vals_impl<caf::detail::message_data, caf::error>;                  \
  where template class caf::detail::tuple_vals_impl<caf::detail::message_data, caf::exit_msg>;               \
  where template class caf::detail::tuple_vals_impl<caf::detail::message_data, caf::actor>;                  \
  where template class caf::detail::tuple_vals_impl<caf::detail::message_data, std::string>;                 \
  where template class caf::detail::tuple_vals<caf::error>;                                                  \
  where template class caf::detail::tuple_vals<caf::exit_msg>;                                               \
  where template class caf::detail::tuple_vals<caf::actor>;                                                  \
  where template class caf::detail::tuple_vals<std::string>
TROUPE_CAF_TUPLES(extern);

/// Of types that many messages and fields are of.
#define TROUPE_LEAF(where, ...) where template class troupe::detail::leaf_functions<__VA_ARGS__>
#define TROUPE_LEAVES(where)                                                                                 \
  TROUPE_LEAF(where, bool);                                                                                  \
  TROUPE_LEAF(where, std::int32_t);                                                                          \
  TROUPE_LEAF(where, std::int64_t);                                                                          \
  TROUPE_LEAF(where, std::uint8_t);                                                                          \
  TROUPE_LEAF(where, std::uint16_t);                                                                         \
  TROUPE_LEAF(where, std::uint32_t);                                                                         \
  TROUPE_LEAF(where, std::uint64_t);                                                                         \
  TROUPE_LEAF(where, double);                                                                                \
  TROUPE_LEAF(where, std::string);                                                                           \
  TROUPE_LEAF(where, std::vector<bool>);                                                                     \
  TROUPE_LEAF(where, std::vector<std::int64_t>);                                                             \
  TROUPE_LEAF(where, std::vector<std::uint64_t>);                                                            \
  TROUPE_LEAF(where, std::vector<double>);                                                                   \
  TROUPE_LEAF(where, std::vector<std::string>);                                                              \
  TROUPE_LEAF(where, std::map<std::string, std::string>);                                                    \
  TROUPE_LEAF(where, std::map<std::string, std::uint64_t>);                                                  \
  TROUPE_LEAF(where, caf::actor);                                                                            \
  TROUPE_LEAF(where, std::vector<caf::actor>);                                                               \
  TROUPE_LEAF(where, caf::actor_addr);                                                                       \
  TROUPE_LEAF(where, caf::strong_actor_ptr);                                                                 \
  TROUPE_LEAF(where, caf::timespan);                                                                         \
  TROUPE_LEAF(where, caf::error);                                                                            \
  TROUPE_LEAF(where, caf::message)
TROUPE_LEAVES(extern);

#define TROUPE_VALUES(where)                                                                                 \
  where template class troupe::value_of<caf::error>;                                                         \
  where template class troupe::value_of<caf::actor>;                                                         \
  where template class troupe::value_of<std::string>;                                                        \
  where template class troupe::value_of<std::vector<caf::actor>>;                                            \
  where template class troupe::value_of<std::vector<std::string>>
TROUPE_VALUES(extern);
