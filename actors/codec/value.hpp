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

/// How values of one type are written and read: codec 0, codec 1, CAF's serialisers, text and JSON. What is
/// done for structs is compiled once and finds their fields by `walks`. The first argument is this itself.
struct value_functions {
  const struct_walks* walks; ///< of a struct; null: of anything else
  caf::error (*write)(const value_functions&, wire_writer&, void* value);
  caf::error (*read)(const value_functions&, wire_reader&, void* value);
  caf::error (*pack)(const value_functions&, msgpack_writer&, void* value);
  caf::error (*unpack)(const value_functions&, msgpack_reader&, void* value);
  caf::error (*save)(const value_functions&, caf::serializer&, void* value);
  caf::error (*load)(const value_functions&, caf::deserializer&, void* value);
  /// Appends it as CAF's deep_to_string would.
  caf::error (*tell)(const value_functions&, std::string&, void* value);
  void (*to_json)(const value_functions&, json_writer&, void* value);
  bool (*absent)(const void* value); ///< such a member is left out; null: never
  /// An error where it is something else.
  caf::error (*from_json)(const value_functions&, const json_reader&, void* value);
};

namespace detail {

/// A step of a walk: hands a field to one of the functions of its type.
template <auto Function, class Codec>
caf::error each_field(void* codec, const value_functions& of, void* field) {
  return (of.*Function)(of, *static_cast<Codec*>(codec), field);
}

/// The same for all structs.
struct struct_steps {
  static caf::error write(const value_functions&, wire_writer&, void*);
  static caf::error read(const value_functions&, wire_reader&, void*);
  static caf::error pack(const value_functions&, msgpack_writer&, void*);
  static caf::error unpack(const value_functions&, msgpack_reader&, void*);
  static caf::error save(const value_functions&, caf::serializer&, void*);
  static caf::error load(const value_functions&, caf::deserializer&, void*);
  static caf::error tell(const value_functions&, std::string&, void*);
  static void to_json(const value_functions&, json_writer&, void*);
  static caf::error from_json(const value_functions&, const json_reader&, void*);
};
template <class T>
inline constexpr value_functions functions_of_struct{&walks_of<T>,           struct_steps::write,
                                                     struct_steps::read,     struct_steps::pack,
                                                     struct_steps::unpack,   struct_steps::save,
                                                     struct_steps::load,     struct_steps::tell,
                                                     struct_steps::to_json,  nullptr,
                                                     struct_steps::from_json};

/// Of a type that stays in its process.
extern const value_functions functions_of_stray;

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

/// Tells of an optional whether it has no value.
template <class T>
constexpr auto absence() -> bool (*)(const void*) {
  if constexpr (is_optional<T>::value)
    return [](const void* value) { return !*static_cast<const T*>(value); };
  else
    return nullptr;
}

/// Of what is no struct. Not inline, so that `extern template` keeps other sources from compiling it.
template <class T>
struct leaf_functions {
  static caf::error write(const value_functions&, wire_writer&, void*);
  static caf::error read(const value_functions&, wire_reader&, void*);
  static caf::error pack(const value_functions&, msgpack_writer&, void*);
  static caf::error unpack(const value_functions&, msgpack_reader&, void*);
  static caf::error save(const value_functions&, caf::serializer&, void*);
  static caf::error load(const value_functions&, caf::deserializer&, void*);
  static caf::error tell(const value_functions&, std::string&, void*);
  static void to_json(const value_functions&, json_writer&, void*);
  static caf::error from_json(const value_functions&, const json_reader&, void*);
  static const value_functions table;
};
template <class T>
const value_functions leaf_functions<T>::table{nullptr, write, read,    pack,         unpack,   save,
                                               load,    tell,  to_json, absence<T>(), from_json};

template <class T>
caf::error leaf_functions<T>::write(const value_functions&, wire_writer& out, void* value) {
  return out.apply(*static_cast<T*>(value));
}
template <class T>
caf::error leaf_functions<T>::read(const value_functions&, wire_reader& in, void* value) {
  return in.apply(*static_cast<T*>(value));
}
template <class T>
caf::error leaf_functions<T>::pack(const value_functions&, msgpack_writer& out, void* value) {
  return out.apply(*static_cast<T*>(value));
}
template <class T>
caf::error leaf_functions<T>::unpack(const value_functions&, msgpack_reader& in, void* value) {
  return in.apply(*static_cast<T*>(value));
}

inline caf::error only_by_codecs() {
  return caf::make_error(caf::sec::unknown_type, "CAF's serialisers do not know this type");
}

// The two lists are written as CAF writes sequences, without an instantiation of its own for each struct.
template <class T>
caf::error leaf_functions<T>::save(const value_functions&, caf::serializer& sink, void* value) {
  auto& x = *static_cast<T*>(value);
  if constexpr (list_of_structs<T>) {
    auto count = static_cast<std::size_t>(x.size());
    if (auto err = sink.begin_sequence(count)) return err;
    const auto& of = functions_of<typename T::value_type>();
    for (auto& each : x)
      if (auto err = of.save(of, sink, const_cast<typename T::value_type*>(&each))) return err;
    return sink.end_sequence();
  } else if constexpr (caf::detail::is_serializable<T>::value) {
    return sink(x);
  } else {
    return only_by_codecs();
  }
}
template <class T>
caf::error leaf_functions<T>::load(const value_functions&, caf::deserializer& source, void* value) {
  auto& x = *static_cast<T*>(value);
  if constexpr (list_of_structs<T>) {
    std::size_t count = 0;
    if (auto err = source.begin_sequence(count)) return err;
    const auto& of = functions_of<typename T::value_type>();
    x.clear();
    while (count-- > 0) {
      typename T::value_type each{};
      if (auto err = of.load(of, source, &each)) return err;
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
caf::error leaf_functions<T>::tell(const value_functions&, std::string& out, void* value) {
  auto& x = *static_cast<T*>(value);
  if constexpr (list_of_structs<T>) {
    const auto& of = functions_of<typename T::value_type>();
    out += '[';
    for (bool later = false; auto& each : x) {
      if (std::exchange(later, true)) out += ", ";
      static_cast<void>(of.tell(of, out, const_cast<typename T::value_type*>(&each)));
    }
    out += ']';
  } else {
    out += caf::deep_to_string(x);
  }
  return caf::none;
}

template <class T>
void write_json(json_writer& out, T& x) {
  const auto& of = functions_of<std::remove_const_t<T>>();
  of.to_json(of, out, const_cast<std::remove_const_t<T>*>(&x));
}
template <class T>
caf::error read_json(const json_reader& in, T& x) {
  const auto& of = functions_of<T>();
  return of.from_json(of, in, &x);
}
/// As a number with a point, also where it is whole.
void write_real(json_writer&, double);
caf::error not_in_json(const char* wanted);

template <class T>
void leaf_functions<T>::to_json(const value_functions&, json_writer& out, void* value) {
  auto& x = *static_cast<T*>(value);
  if constexpr (std::is_same_v<T, bool>) {
    out.value(x);
  } else if constexpr (std::is_same_v<T, caf::atom_value>) {
    out.value(caf::to_string(x));
  } else if constexpr (std::is_enum_v<T>) {
    const auto number = static_cast<std::underlying_type_t<T>>(x);
    write_json(out, number);
  } else if constexpr (std::is_floating_point_v<T>) {
    write_real(out, static_cast<double>(x));
  } else if constexpr (std::is_integral_v<T>) {
    out.value(x);
  } else if constexpr (std::is_same_v<T, std::string>) {
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
  } else if constexpr (std::is_same_v<T, std::vector<bool>>) {
    out.array();
    for (const bool each : x)
      out.value(each);
    out.end();
  } else if constexpr (iterable<T> || is_std_array<T>::value) {
    out.array();
    for (auto& each : x)
      write_json(out, each);
    out.end();
  } else {
    out.value(caf::deep_to_string(x));
  }
}

template <class T>
caf::error leaf_functions<T>::from_json(const value_functions&, const json_reader& in, void* value) {
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
    return detail::leaf_functions<T>::table;
  else
    return detail::functions_of_stray;
}

class any_value;

/// A type whose values are elements of messages, and its place in the trace's tables.
struct value_kind {
  std::uint32_t token; ///< by which CAF's behaviours tell types apart
  caf::rtti_pair type;
  const value_functions* functions;
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
    &functions_of<T>(),
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
