// The fields of a struct one after the other, for whichever codec: what is compiled for each struct of a
// program, and once, however many codecs there are.
#pragma once

#include "actors/codec/codec_traits.hpp"

#include <caf/meta/annotation.hpp>
#include <caf/meta/load_callback.hpp>
#include <caf/meta/save_callback.hpp>
#include <caf/meta/type_name.hpp>

#include <string_view>
#include <type_traits>

namespace troupe {

class value_functions;

/// Those of T; see value.hpp.
template <class T>
constexpr const value_functions& functions_of();

/// Among what an inspect overload hands to its inspector, before the fields: their names, as in "a, b, c".
struct field_names : caf::meta::annotation {
  constexpr explicit field_names(std::string_view list) : names(list) {}
  std::string_view names;
};

/// An inspector in CAF's sense that hands each field on, with the functions of its type. Out: from the
/// struct to a codec; else the other way.
template <bool Out>
class field_walk {
 public:
  using result_type = caf::error;
  static constexpr bool reads_state = Out;
  static constexpr bool writes_state = !Out;
  /// What is done with each field, of the type that has these functions.
  using step = caf::error (*)(void* codec, const value_functions&, void* field);

  field_walk(step take, void* codec) : take_(take), codec_(codec) {}

  template <class... Ts>
  caf::error operator()(Ts&&... xs) {
    caf::error result;
    static_cast<void>((pass(result, xs) && ...));
    return result;
  }
  /// That the struct gave itself; empty: none.
  std::string_view type_name() const { return name_; }
  /// Of the field that is at its step; its number from 0 where the struct tells no names.
  std::string field_name() const;

 private:
  template <class T>
  bool pass(caf::error& result, T& x) {
    using U = std::remove_const_t<T>;
    if constexpr (!caf::meta::is_annotation<U>::value) {
      ++fields_;
      result = take_(codec_, functions_of<U>(), const_cast<U*>(&x));
    } else if constexpr (std::is_same_v<U, caf::meta::type_name_t>) {
      name_ = x.value;
    } else if constexpr (std::is_same_v<U, field_names>) {
      names_ = x.names;
    } else if constexpr (Out ? caf::meta::is_save_callback<U>::value
                             : caf::meta::is_load_callback<U>::value) {
      result = x.fun();
    }
    return !result;
  }

  const step take_;
  void* const codec_;
  std::string_view name_, names_;
  std::size_t fields_ = 0; ///< begun
};
extern template class field_walk<true>;
extern template class field_walk<false>;
using fields_out = field_walk<true>;
using fields_in = field_walk<false>;

/// Through all fields of a struct that lies at `value`.
struct struct_walks {
  caf::error (*out)(fields_out&, void* value);
  caf::error (*in)(fields_in&, void* value);
};
template <class T>
inline constexpr struct_walks walks_of{
    [](fields_out& f, void* value) -> caf::error { return inspect(f, *static_cast<T*>(value)); },
    [](fields_in& f, void* value) -> caf::error { return inspect(f, *static_cast<T*>(value)); }};

namespace detail {

/// What the codecs know by itself.
template <class T>
concept known_to_codecs = std::is_arithmetic_v<T> || std::is_enum_v<T> || string_like<T> || handle_like<
    T> || std::is_same_v<T, caf::node_id> || std::is_same_v<T, caf::error> || std::
    is_same_v<T, caf::message> || std::is_same_v<T, caf::unit_t> || std::is_same_v<T, caf::duration> || std::
        is_same_v<T, caf::atom_value> || is_optional<T>::value || is_duration<T>::value || is_time_point<
            T>::value || is_tuple<T>::value || is_std_array<T>::value || iterable<T>;

/// What is written and read as its fields.
template <class T>
concept has_fields = !known_to_codecs<T> && inspectable_with<fields_out, T> && inspectable_with<fields_in, T>;

} // namespace detail

} // namespace troupe
