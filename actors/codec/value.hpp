// What is known of a type whose values are elements of messages.
#pragma once

#include "actors/codec/fields.hpp"
#include "actors/codec/json_reader.hpp"
#include "actors/codec/msgpack_reader.hpp"
#include "actors/codec/msgpack_writer.hpp"
#include "actors/codec/wire_codec.hpp"
#include "base/json_writer.hpp"

#include <caf/allowed_unsafe_message_type.hpp>
#include <caf/deep_to_string.hpp>
#include <caf/deserializer.hpp>
#include <caf/make_message.hpp>
#include <caf/rtti_pair.hpp>
#include <caf/serializer.hpp>
#include <caf/type_erased_value.hpp>

#include <atomic>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <new>
#include <string>
#include <utility>

namespace troupe {

/// How values of one type are written and read: codec 0, codec 1, CAF's serialisers, text and JSON. Of a
/// type that stays in its process, these themselves: errors.
class value_functions {
 public:
  virtual caf::error write(wire_writer&, void* value) const;
  virtual caf::error write(msgpack_writer&, void* value) const;
  virtual caf::error write(caf::serializer&, void* value) const;
  virtual caf::error read(wire_reader&, void* value) const;
  virtual caf::error read(msgpack_reader&, void* value) const;
  virtual caf::error read(caf::deserializer&, void* value) const;
  /// Appends it as CAF's deep_to_string would.
  virtual caf::error tell(std::string&, void* value) const;
  virtual void to_json(json_writer&, void* value) const;
  /// An error where it is something else.
  virtual caf::error from_json(const json_reader&, void* value) const;
  /// Whether a member with that value is left out.
  virtual bool absent(const void*) const { return false; }
};

namespace detail {

// Steps of a walk.
template <class Codec>
caf::error write_field(void* codec, const value_functions& of, void* field) {
  return of.write(*static_cast<Codec*>(codec), field);
}
template <class Codec>
caf::error read_field(void* codec, const value_functions& of, void* field) {
  return of.read(*static_cast<Codec*>(codec), field);
}

/// Of any struct, by the walks through its fields.
class struct_functions final : public value_functions {
 public:
  constexpr explicit struct_functions(const struct_walks& walks) : walks_(walks) {}
  caf::error write(wire_writer&, void*) const override;
  caf::error write(msgpack_writer&, void*) const override;
  caf::error write(caf::serializer&, void*) const override;
  caf::error read(wire_reader&, void*) const override;
  caf::error read(msgpack_reader&, void*) const override;
  caf::error read(caf::deserializer&, void*) const override;
  caf::error tell(std::string&, void*) const override;
  void to_json(json_writer&, void*) const override;
  caf::error from_json(const json_reader&, void*) const override;

 private:
  const struct_walks& walks_;
};

/// Whether the codecs can write and read it. What the fields of a struct are is seen where they are met.
template <class T>
constexpr bool can_travel() {
  if constexpr (has_fields<T>)
    return true;
  else if constexpr (is_optional<T>::value)
    return can_travel<optional_value<T>>();
  else if constexpr (map_like<T>)
    return can_travel<std::remove_const_t<typename T::key_type>>() && can_travel<typename T::mapped_type>();
  else if constexpr (iterable<T> || is_std_array<T>::value)
    return can_travel<typename T::value_type>();
  else if constexpr (is_tuple<T>::value)
    return []<std::size_t... Is>(std::index_sequence<Is...>) {
      return (can_travel<std::remove_const_t<std::tuple_element_t<Is, T>>>() && ...);
    }
  (std::make_index_sequence<std::tuple_size_v<T>>{});
  else return known_to_codecs<T> || caf::detail::is_serializable<T>::value;
}

template <class T>
concept list_of_structs = iterable<T> && !map_like<T> && has_fields<typename T::value_type>;

template <class T>
concept keyed_by_text = map_like<T> && std::same_as<std::remove_const_t<typename T::key_type>, std::string>;

/// Of what is no struct. Not inline, so that `extern template` keeps other sources from compiling it.
template <class T>
class leaf_functions final : public value_functions {
 public:
  caf::error write(wire_writer& out, void* value) const override;
  caf::error write(msgpack_writer& out, void* value) const override;
  caf::error write(caf::serializer&, void*) const override;
  caf::error read(wire_reader& in, void* value) const override;
  caf::error read(msgpack_reader& in, void* value) const override;
  caf::error read(caf::deserializer&, void*) const override;
  caf::error tell(std::string&, void*) const override;
  void to_json(json_writer&, void*) const override;
  caf::error from_json(const json_reader&, void*) const override;
  bool absent(const void*) const override;
};

template <class T>
caf::error leaf_functions<T>::write(wire_writer& out, void* value) const {
  return out.apply(*static_cast<T*>(value));
}
template <class T>
caf::error leaf_functions<T>::write(msgpack_writer& out, void* value) const {
  return out.apply(*static_cast<T*>(value));
}
template <class T>
caf::error leaf_functions<T>::read(wire_reader& in, void* value) const {
  return in.apply(*static_cast<T*>(value));
}
template <class T>
caf::error leaf_functions<T>::read(msgpack_reader& in, void* value) const {
  return in.apply(*static_cast<T*>(value));
}
template <class T>
bool leaf_functions<T>::absent(const void* value) const {
  if constexpr (is_optional<T>::value)
    return !*static_cast<const T*>(value);
  else
    return false;
}

inline caf::error only_by_codecs() {
  return caf::make_error(caf::sec::unknown_type, "CAF's serialisers do not know this type");
}

// The two lists are written as CAF writes sequences, without an instantiation of its own for each struct.
template <class T>
caf::error leaf_functions<T>::write(caf::serializer& sink, void* value) const {
  auto& x = *static_cast<T*>(value);
  if constexpr (list_of_structs<T>) {
    auto count = static_cast<std::size_t>(x.size());
    if (auto err = sink.begin_sequence(count)) return err;
    const auto& of = functions_of<typename T::value_type>();
    for (auto& each : x)
      if (auto err = of.write(sink, const_cast<typename T::value_type*>(&each))) return err;
    return sink.end_sequence();
  } else if constexpr (caf::detail::is_serializable<T>::value) {
    return sink(x);
  } else {
    return only_by_codecs();
  }
}
template <class T>
caf::error leaf_functions<T>::read(caf::deserializer& source, void* value) const {
  auto& x = *static_cast<T*>(value);
  if constexpr (list_of_structs<T>) {
    std::size_t count = 0;
    if (auto err = source.begin_sequence(count)) return err;
    const auto& of = functions_of<typename T::value_type>();
    x.clear();
    while (count-- > 0) {
      typename T::value_type each{};
      if (auto err = of.read(source, &each)) return err;
      x.insert(x.end(), std::move(each));
    }
    return source.end_sequence();
  } else if constexpr (caf::detail::is_serializable<T>::value) {
    return source(x);
  } else {
    return only_by_codecs();
  }
}
template <class T>
caf::error leaf_functions<T>::tell(std::string& out, void* value) const {
  auto& x = *static_cast<T*>(value);
  if constexpr (list_of_structs<T>) {
    const auto& of = functions_of<typename T::value_type>();
    out += '[';
    for (bool later = false; auto& each : x) {
      if (std::exchange(later, true)) out += ", ";
      static_cast<void>(of.tell(out, const_cast<typename T::value_type*>(&each)));
    }
    out += ']';
  } else {
    out += caf::deep_to_string(x);
  }
  return caf::none;
}

template <class T>
void write_json(json_writer& out, T& x) {
  functions_of<std::remove_const_t<T>>().to_json(out, const_cast<std::remove_const_t<T>*>(&x));
}
template <class T>
caf::error read_json(const json_reader& in, T& x) {
  return functions_of<T>().from_json(in, &x);
}
/// As a number with a point, also where it is whole.
void write_real(json_writer&, double);
caf::error not_in_json(const char* wanted);

template <class T>
void leaf_functions<T>::to_json(json_writer& out, void* value) const {
  auto& x = *static_cast<T*>(value);
  if constexpr (std::is_same_v<T, caf::atom_value>) {
    out.value(caf::to_string(x));
  } else if constexpr (std::is_enum_v<T>) {
    const auto number = static_cast<std::underlying_type_t<T>>(x);
    write_json(out, number);
  } else if constexpr (std::is_floating_point_v<T>) {
    write_real(out, static_cast<double>(x));
  } else if constexpr (std::is_integral_v<T> || std::is_same_v<T, std::string>) {
    out.value(x);
  } else if constexpr (is_optional<T>::value) {
    x ? write_json(out, *x) : static_cast<void>(out.null());
  } else if constexpr (is_duration<T>::value) {
    write_real(out, std::chrono::duration<double>(x).count());
  } else if constexpr (keyed_by_text<T>) {
    out.object();
    for (auto& [name, each] : x) {
      out.key(name);
      write_json(out, each);
    }
    out.end();
  } else if constexpr (is_tuple<T>::value) {
    out.array();
    std::apply([&out](auto&... xs) { (write_json(out, xs), ...); }, x);
    out.end();
  } else if constexpr (iterable<T> || is_std_array<T>::value) {
    out.array();
    for (const typename T::value_type& each : x) // vector<bool> makes one
      write_json(out, each);
    out.end();
  } else {
    out.value(caf::deep_to_string(x));
  }
}

template <class T>
caf::error leaf_functions<T>::from_json(const json_reader& in, void* value) const {
  auto& x = *static_cast<T*>(value);
  if constexpr (std::is_same_v<T, bool>) {
    if (!in.boolean(x)) return not_in_json("true or false");
  } else if constexpr (std::is_enum_v<T> && !std::is_same_v<T, caf::atom_value>) {
    std::underlying_type_t<T> number{};
    if (auto err = read_json(in, number)) return err;
    x = static_cast<T>(number);
  } else if constexpr (std::is_floating_point_v<T>) {
    double number = 0;
    if (!in.real(number)) return not_in_json("a number");
    x = static_cast<T>(number);
  } else if constexpr (std::is_integral_v<T>) {
    std::conditional_t<std::is_signed_v<T>, std::int64_t, std::uint64_t> number = 0;
    bool fits = false;
    if constexpr (std::is_signed_v<T>)
      fits = in.integer(number);
    else
      fits = in.natural(number);
    x = static_cast<T>(number);
    if (!fits || x != number) return not_in_json("a whole number in its range");
  } else if constexpr (std::is_same_v<T, std::string>) {
    if (!in.text(x)) return not_in_json("a text");
  } else if constexpr (is_optional<T>::value) {
    x = T{};
    if (in.is_null()) return caf::none;
    x = optional_value<T>{};
    return read_json(in, *x);
  } else if constexpr (is_duration<T>::value) {
    double seconds = 0;
    if (!in.real(seconds)) return not_in_json("a number of seconds");
    x = std::chrono::duration_cast<T>(std::chrono::duration<double>{seconds});
  } else if constexpr (keyed_by_text<T>) {
    if (!in.is_object()) return not_in_json("an object");
    x.clear();
    for (auto& name : in.keys())
      if (auto err = read_json(in[name], x[name])) return err;
  } else if constexpr (is_std_array<T>::value) {
    if (!in.is_list() || in.size() != x.size()) return not_in_json("a list of that length");
    for (std::size_t i = 0; i < x.size(); ++i)
      if (auto err = read_json(in[i], x[i])) return err;
  } else if constexpr (std::is_same_v<T, std::vector<bool>> || (iterable<T> && !map_like<T>)) {
    if (!in.is_list()) return not_in_json("a list");
    x.clear();
    for (std::size_t i = 0; i < in.size(); ++i) {
      typename T::value_type each{};
      if (auto err = read_json(in[i], each)) return err;
      x.insert(x.end(), std::move(each));
    }
  } else {
    return not_in_json("nothing that JSON has");
  }
  return caf::none;
}

template <class T>
inline constexpr struct_functions functions_of_struct{walks_of<T>};
template <class T>
inline constexpr leaf_functions<T> functions_of_leaf{};
inline constexpr value_functions functions_of_stray{};

} // namespace detail

template <class T>
constexpr const value_functions& functions_of() {
  static_assert(
      detail::can_travel<T>() || caf::is_allowed_unsafe_message_type<T>::value,
      "a message, and each of its fields, is declared with TROUPE_MESSAGE or TROUPE_FIELDS, has an "
      "overload of inspect(), or is of a type that travels by itself: docs/scenarios/own.md lists them");
  if constexpr (detail::has_fields<T>)
    return detail::functions_of_struct<T>;
  else if constexpr (detail::can_travel<T>())
    return detail::functions_of_leaf<T>;
  else
    return detail::functions_of_stray;
}

class any_value;

/// A type whose values are elements of messages, and its place in the trace's tables.
struct value_kind {
  std::uint32_t token; ///< by which CAF's behaviours tell types apart
  caf::rtti_pair type;
  const value_functions& functions;
  /// In that memory, or, for null, on the heap; null where the type has no default.
  any_value* (*make)(void* where);
  std::size_t bytes; ///< of a value_of; SIZE_MAX where it is aligned like nothing else
  /// Of the catalog that was asked last: its serial number before 32 bits of the name's index.
  mutable std::atomic<std::uint64_t> name_in_trace{0};
};
template <class T>
const value_kind& kind_of();

/// Any element of a message.
class any_value : public caf::type_erased_value {
 public:
  virtual const value_kind& kind() const noexcept = 0;
  // A new one with what is in this: in that memory, or, for null, on the heap.
  virtual any_value* copied(void* where) const = 0;
  virtual any_value* moved(void* where) = 0;

  caf::rtti_pair type() const final { return kind().type; }
  caf::error load(caf::deserializer&) final;
  caf::error save(caf::serializer&) const final;
  std::string stringify() const final;
  caf::type_erased_value_ptr copy() const final { return caf::type_erased_value_ptr{copied(nullptr)}; }
};

/// A T as an element of a message. CAF's own class for it has its serialisers compiled for each type.
template <class T>
class value_of final : public any_value {
 public:
  template <class... Us>
  explicit value_of(std::in_place_t, Us&&... xs) : x_(std::forward<Us>(xs)...) {}
  template <class... Us>
  static any_value* make(void* where, Us&&... xs) {
    return where != nullptr ? new (where) value_of(std::in_place, std::forward<Us>(xs)...)
                            : new value_of(std::in_place, std::forward<Us>(xs)...);
  }

  void* get_mutable() final { return &x_; }
  const void* get() const final { return &x_; }
  const value_kind& kind() const noexcept final { return kind_of<T>(); }
  any_value* copied(void* where) const final { return make(where, x_); }
  any_value* moved(void* where) final { return make(where, std::move(x_)); }

 private:
  T x_;
};

namespace detail {

template <class T>
inline constinit const value_kind kind{
    caf::make_type_token<T>(),
    {caf::type_nr<T>::value, caf::type_nr<T>::value == 0 ? &typeid(T) : nullptr},
    functions_of<T>(),
    [](void* where) -> any_value* {
      if constexpr (std::default_initializable<T>)
        return value_of<T>::make(where);
      else
        return nullptr;
    },
    alignof(T) <= alignof(void*) ? sizeof(value_of<T>) : SIZE_MAX};

} // namespace detail

template <class T>
const value_kind& kind_of() {
  return detail::kind<T>;
}

/// As JSON text; what is not UTF-8 in it is replaced.
std::string to_json_text(const value_functions&, const void* value);

} // namespace troupe
