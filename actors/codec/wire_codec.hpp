// Payload codec 0: the compact binary form of messages between C++ nodes.
//
// Integers are little endian at
// their declared width, sizes and enumerations' lengths are varints, floating point is
// IEEE 754, structs are their fields in order, nothing is tagged: both sides know the
// signature. docs/wire-payloads.md is the specification.
#pragma once

#include "actors/codec/fields.hpp"
#include "actors/codec/handle_codec.hpp"
#include "actors/codec/node_key.hpp"
#include "transport/frames/peer.hpp"

#include <caf/atom.hpp>
#include <caf/binary_deserializer.hpp>
#include <caf/binary_serializer.hpp>
#include <caf/message.hpp>
#include <caf/unit.hpp>

#include <cstring>
#include <span>

namespace troupe {

class message_catalog;

/// Appends values to a buffer. Fails only on values that cannot be encoded (a nested
/// message with an unregistered type); the buffer is then to be cut back by the caller.
class wire_writer : detail::nesting {
 public:
  wire_writer(transport::byte_buffer& out, handle_codec& handles, message_catalog& catalog)
      : out_(out), handles_(handles), catalog_(catalog) {}

  caf::execution_unit* context() { return handles_.serialization_context(); }

  template <class T>
  caf::error apply(T& x) {
    using U = std::remove_const_t<T>;
    if constexpr (std::is_same_v<U, bool>) {
      out_.push_back(x ? '\1' : '\0');
    } else if constexpr (detail::plain_number<U>) {
      raw(&x, sizeof x);
    } else if constexpr (std::is_enum_v<U>) {
      auto value = static_cast<std::underlying_type_t<U>>(x);
      raw(&value, sizeof value);
    } else if constexpr (detail::string_like<U>) {
      varint(x.size());
      raw(x.data(), x.size() * sizeof(typename U::value_type));
    } else if constexpr (detail::handle_like<U>) {
      handle(caf::actor_cast<caf::strong_actor_ptr>(x));
    } else if constexpr (std::is_same_v<U, caf::node_id>) {
      const auto incarnation = incarnation_of(x);
      raw(&incarnation, sizeof incarnation);
    } else if constexpr (std::is_same_v<U, caf::error>) {
      return write_error(x);
    } else if constexpr (std::is_same_v<U, caf::message>) {
      return nested([&] { return write_message(x); });
    } else if constexpr (std::is_same_v<U, caf::unit_t>) {
    } else if constexpr (detail::is_optional<U>::value) {
      out_.push_back(x ? '\1' : '\0');
      if (x) return nested([&] { return apply(*x); });
    } else if constexpr (detail::is_duration<U>::value) {
      auto count =
          static_cast<std::conditional_t<std::is_floating_point_v<typename U::rep>, double, std::int64_t>>(
              x.count());
      raw(&count, sizeof count);
    } else if constexpr (detail::is_time_point<U>::value) {
      auto since = x.time_since_epoch();
      return apply(since);
    } else if constexpr (detail::is_tuple<U>::value) {
      return nested([&] { return std::apply([this](auto&... xs) { return this->each(xs...); }, x); });
    } else if constexpr (detail::is_std_array<U>::value) {
      for (auto& element : x)
        if (auto err = apply(element)) return err;
    } else if constexpr (std::is_same_v<U, std::vector<bool>>) {
      varint(x.size());
      for (bool element : x)
        out_.push_back(element ? '\1' : '\0');
    } else if constexpr (detail::iterable<U>) {
      return nested([&] { return sequence(x); });
    } else if constexpr (detail::inspectable_with<fields_out, U>) {
      return structure(walks_of<U>, const_cast<U*>(&x));
    } else {
      caf::binary_serializer sink{context(), out_};
      return sink(x);
    }
    return caf::none;
  }

  caf::error structure(const struct_walks&, void* value);
  void varint(std::uint64_t x) {
    while (x >= 0x80) {
      out_.push_back(static_cast<char>(x | 0x80));
      x >>= 7;
    }
    out_.push_back(static_cast<char>(x));
  }
  void raw(const void* bytes, std::size_t count) {
    auto* from = static_cast<const char*>(bytes);
    out_.insert(out_.end(), from, from + count);
  }
  void handle(const caf::strong_actor_ptr& x) {
    const auto ref = handles_.export_handle(x);
    varint(ref.id);
    if (ref.id != 0) raw(&ref.incarnation, sizeof ref.incarnation);
  }
  caf::error write_message(const caf::type_erased_tuple&);
  caf::error write_message(const caf::message&);
  transport::byte_buffer& buffer() { return out_; }

 private:
  template <class... Ts>
  caf::error each(Ts&... xs) {
    caf::error result;
    static_cast<void>((!(result = apply(const_cast<std::remove_const_t<Ts>&>(xs))) && ...));
    return result;
  }
  template <class T>
  caf::error sequence(T& xs) {
    using value = typename T::value_type;
    varint(xs.size());
    if constexpr (detail::plain_number<value> && requires { xs.data(); }) {
      raw(xs.data(), xs.size() * sizeof(value));
    } else {
      for (auto& x : xs)
        if (auto err = apply(x)) return err;
    }
    return caf::none;
  }
  caf::error write_error(const caf::error&);

  transport::byte_buffer& out_;
  handle_codec& handles_;
  message_catalog& catalog_;
};

/// Reads what wire_writer wrote, from bytes that nobody vouches for: every size is
/// checked against what is left before anything is allocated.
class wire_reader : detail::nesting, detail::decode_budget {
 public:
  wire_reader(std::span<const char> in, handle_codec& handles, message_catalog& catalog)
      : in_(in), handles_(handles), catalog_(catalog) {}

  caf::execution_unit* context() { return handles_.serialization_context(); }
  std::size_t left() const { return in_.size(); }

  template <class T>
  caf::error apply(T& x) {
    if constexpr (std::is_same_v<T, bool>) {
      std::uint8_t byte = 0;
      if (!raw(&byte, 1) || byte > 1) return caf::sec::invalid_argument;
      x = byte == 1;
    } else if constexpr (detail::plain_number<T>) {
      if (!raw(&x, sizeof x)) return caf::sec::end_of_stream;
    } else if constexpr (std::is_enum_v<T>) {
      std::underlying_type_t<T> value{};
      if (!raw(&value, sizeof value)) return caf::sec::end_of_stream;
      x = static_cast<T>(value);
    } else if constexpr (detail::string_like<T>) {
      std::size_t n = 0;
      if (!size(n, sizeof(typename T::value_type))) return caf::sec::end_of_stream;
      x.resize(n);
      raw(x.data(), n * sizeof(typename T::value_type));
    } else if constexpr (detail::handle_like<T>) {
      caf::strong_actor_ptr ptr;
      if (!handle(ptr)) return caf::sec::end_of_stream;
      x = caf::actor_cast<T>(ptr);
    } else if constexpr (std::is_same_v<T, caf::node_id>) {
      std::uint64_t incarnation = 0;
      if (!raw(&incarnation, sizeof incarnation)) return caf::sec::end_of_stream;
      x = incarnation != 0 ? node_id_of(incarnation) : caf::node_id{};
    } else if constexpr (std::is_same_v<T, caf::error>) {
      return read_error(x);
    } else if constexpr (std::is_same_v<T, caf::message>) {
      return nested([&] { return read_message(x); });
    } else if constexpr (std::is_same_v<T, caf::unit_t>) {
    } else if constexpr (detail::is_optional<T>::value) {
      bool some = false;
      if (auto err = apply(some)) return err;
      x = T{};
      if (some) {
        x = detail::optional_value<T>{};
        return nested([&] { return apply(*x); });
      }
    } else if constexpr (detail::is_duration<T>::value) {
      std::conditional_t<std::is_floating_point_v<typename T::rep>, double, std::int64_t> count{};
      if (!raw(&count, sizeof count)) return caf::sec::end_of_stream;
      x = T{static_cast<typename T::rep>(count)};
    } else if constexpr (detail::is_time_point<T>::value) {
      typename T::duration since{};
      if (auto err = apply(since)) return err;
      x = T{since};
    } else if constexpr (detail::is_tuple<T>::value) {
      return nested([&] { return std::apply([this](auto&... xs) { return this->each(xs...); }, x); });
    } else if constexpr (detail::is_std_array<T>::value) {
      for (auto& element : x)
        if (auto err = apply(element)) return err;
    } else if constexpr (std::is_same_v<T, std::vector<bool>>) {
      return bits(x);
    } else if constexpr (detail::iterable<T>) {
      return nested([&] { return sequence(x); });
    } else if constexpr (detail::inspectable_with<fields_in, T>) {
      return structure(walks_of<T>, &x);
    } else {
      return foreign(x);
    }
    return caf::none;
  }

  caf::error structure(const struct_walks&, void* value);
  bool raw(void* to, std::size_t count) {
    if (count > in_.size()) return false;
    if (count != 0) std::memcpy(to, in_.data(), count);
    in_ = in_.subspan(count);
    return true;
  }
  bool varint(std::uint64_t& x) {
    x = 0;
    for (unsigned shift = 0; shift < 64; shift += 7) {
      std::uint8_t byte = 0;
      if (!raw(&byte, 1) || (shift == 63 && byte > 1)) return false;
      x |= std::uint64_t{byte & 0x7fU} << shift;
      if ((byte & 0x80) == 0) return true;
    }
    return false;
  }
  /// A count of elements that take at least `bytes_each`; false if there cannot be so many.
  bool size(std::size_t& n, std::size_t bytes_each) {
    std::uint64_t x = 0;
    if (!varint(x) || x > (bytes_each == 0 ? affordable() / empty_element_cost : in_.size() / bytes_each))
      return false;
    n = static_cast<std::size_t>(x);
    return true;
  }
  bool handle(caf::strong_actor_ptr& x) {
    actor_ref ref;
    if (!varint(ref.id)) return false;
    if (ref.id != 0) {
      if (!raw(&ref.incarnation, sizeof ref.incarnation)) return false;
      x = handles_.import_handle(ref);
    }
    return true;
  }
  caf::error read_message(caf::message&);

 private:
  template <class... Ts>
  caf::error each(Ts&... xs) {
    caf::error result;
    static_cast<void>((!(result = apply(const_cast<std::remove_const_t<Ts>&>(xs))) && ...));
    return result;
  }
  template <class T>
  static constexpr std::size_t least_bytes() {
    if constexpr (detail::plain_number<T>)
      return sizeof(T);
    else
      return std::is_empty_v<T> ? 0 : 1;
  }
  caf::error bits(std::vector<bool>& xs) {
    std::size_t n = 0;
    if (!size(n, 1)) return caf::sec::end_of_stream;
    xs.assign(n, false);
    for (std::size_t i = 0; i < n; ++i) {
      bool bit = false;
      if (auto err = apply(bit)) return err;
      xs[i] = bit;
    }
    return caf::none;
  }
  template <class T>
  caf::error sequence(T& xs) {
    std::size_t n = 0;
    if (!size(n, least_bytes<typename T::value_type>())) return caf::sec::end_of_stream;
    xs.clear();
    if constexpr (detail::plain_number<typename T::value_type> && requires {
                    xs.data();
                    xs.resize(n);
                  }) {
      xs.resize(n);
      raw(xs.data(), n * sizeof(typename T::value_type));
    } else if constexpr (detail::map_like<T>) {
      for (std::size_t i = 0; i < n; ++i) {
        std::remove_const_t<typename T::key_type> key{};
        typename T::mapped_type value{};
        if (!afford(sizeof key + sizeof value)) return too_large();
        if (auto err = each(key, value)) return err;
        xs.emplace(std::move(key), std::move(value));
      }
    } else {
      for (std::size_t i = 0; i < n; ++i) {
        typename T::value_type value{};
        if (!afford(std::is_empty_v<typename T::value_type> ? empty_element_cost : sizeof value))
          return too_large();
        if (auto err = apply(value)) return err;
        xs.insert(xs.end(), std::move(value));
      }
    }
    return caf::none;
  }
  template <class T>
  caf::error foreign(T& x) {
    caf::binary_deserializer source{context(), in_.data(), in_.size()};
    if (auto err = source(x)) return err;
    in_ = in_.subspan(in_.size() - source.remaining());
    return caf::none;
  }
  caf::error read_error(caf::error&);

  std::span<const char> in_;
  handle_codec& handles_;
  message_catalog& catalog_;
};

} // namespace troupe
