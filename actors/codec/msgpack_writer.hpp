// Payload codec 1, writing: MessagePack, for peers that do not share our types.
//
// The same structure as codec 0, but each value says what it is, so that a program in any
// language can read it without a description of the type. docs/wire-payloads.md is the
// specification. Neither this header nor its users see msgpack-cxx, which does the writing.
#pragma once

#include "actors/codec/fields.hpp"
#include "actors/codec/handle_codec.hpp"
#include "actors/codec/node_key.hpp"
#include "transport/frames/peer.hpp"

#include <caf/atom.hpp>
#include <caf/binary_serializer.hpp>
#include <caf/message.hpp>

#include <string_view>

namespace troupe {

class message_catalog;

/// MessagePack's extension type of an actor's address: incarnation and id, each 64 bits,
/// little endian as everywhere on the wire.
inline constexpr std::int8_t msgpack_handle_type = 1;

/// Appends values to a buffer. Fails only on values that cannot be encoded (a nested
/// message with an unregistered type, a duration beyond 64 bits of nanoseconds); the
/// buffer is then to be cut back by the caller.
class msgpack_writer : detail::nesting {
 public:
  msgpack_writer(transport::byte_buffer& out, handle_codec& handles, message_catalog& catalog)
      : out_(out), handles_(handles), catalog_(catalog) {}

  caf::execution_unit* context() { return handles_.serialization_context(); }

  template <class T>
  caf::error apply(T& x) {
    using U = std::remove_const_t<T>;
    if constexpr (std::is_same_v<U, bool>) {
      boolean(x);
    } else if constexpr (std::is_same_v<U, caf::atom_value>) {
      text(caf::to_string(x));
    } else if constexpr (std::is_enum_v<U>) {
      const auto value = static_cast<std::underlying_type_t<U>>(x);
      return apply(value);
    } else if constexpr (detail::plain_number<U>) {
      number(x);
    } else if constexpr (std::is_same_v<U, std::string>) {
      text(x);
    } else if constexpr (detail::handle_like<U>) {
      handle(caf::actor_cast<caf::strong_actor_ptr>(x));
    } else if constexpr (std::is_same_v<U, caf::node_id>) {
      const auto incarnation = incarnation_of(x);
      incarnation != 0 ? natural(incarnation) : nil();
    } else if constexpr (std::is_same_v<U, caf::error>) {
      write_error(x);
    } else if constexpr (std::is_same_v<U, caf::message>) {
      return nested([&] { return write_message(x); });
    } else if constexpr (std::is_same_v<U, caf::unit_t>) {
      nil();
    } else if constexpr (detail::is_optional<U>::value) {
      if (!x) return nil(), caf::none;
      if constexpr (detail::nilable<detail::optional_value<U>>) array(1);
      return nested([&] { return apply(*x); });
    } else if constexpr (std::is_same_v<U, caf::duration>) {
      return write_duration(x);
    } else if constexpr (detail::is_duration<U>::value) {
      std::int64_t count = 0;
      if (!detail::to_nanoseconds(x, count)) return no_such_duration();
      integer(count);
    } else if constexpr (detail::is_time_point<U>::value) {
      const auto since = x.time_since_epoch();
      return apply(since);
    } else if constexpr (detail::is_tuple<U>::value) {
      array(std::tuple_size_v<U>);
      return nested([&] { return std::apply([this](auto&... xs) { return this->each(xs...); }, x); });
    } else if constexpr (detail::octets<U>) {
      bytes(x.data(), x.size());
    } else if constexpr (detail::map_like<U>) {
      return nested([&] { return associations(x); });
    } else if constexpr (detail::iterable<U> || detail::string_like<U>) {
      return nested([&] { return sequence(x); });
    } else if constexpr (detail::inspectable_with<fields_out, U>) {
      return structure(walks_of<U>, const_cast<U*>(&x));
    } else {
      // What only CAF's own serialisers know is opaque to others.
      transport::byte_buffer opaque;
      caf::binary_serializer sink{context(), opaque};
      if (auto err = sink(const_cast<U&>(x))) return err;
      bytes(opaque.data(), opaque.size());
    }
    return caf::none;
  }

  /// An array of its fields.
  caf::error structure(const struct_walks&, void* value);

  // -- MessagePack's kinds, each in its shortest form ----------------------------------
  void nil();
  void boolean(bool);
  void natural(std::uint64_t);
  void integer(std::int64_t);
  void real(float);
  void real(double);
  /// A string that is not UTF-8 is written as octets: it is no text to others.
  void text(std::string_view);
  void bytes(const void*, std::size_t);
  void array(std::size_t count);
  void map(std::size_t count);
  void handle(const caf::strong_actor_ptr&);
  /// [[type names], [elements]]
  caf::error write_message(const caf::type_erased_tuple&);
  caf::error write_message(const caf::message&);

 private:
  template <class... Ts>
  caf::error each(Ts&... xs) {
    caf::error result;
    static_cast<void>((!(result = apply(xs)) && ...));
    return result;
  }
  template <class T>
  void number(T x) {
    if constexpr (std::is_floating_point_v<T>)
      real(x);
    else if constexpr (std::is_signed_v<T>)
      integer(x);
    else
      natural(x);
  }
  template <class T>
  caf::error sequence(T& xs) {
    array(static_cast<std::size_t>(xs.size()));
    if constexpr (std::is_same_v<std::remove_const_t<T>, std::vector<bool>>) {
      for (bool x : xs)
        boolean(x);
    } else {
      for (auto& x : xs)
        if (auto err = apply(x)) return err;
    }
    return caf::none;
  }
  template <class T>
  caf::error associations(T& xs) {
    map(xs.size());
    for (auto& [key, value] : xs)
      if (auto err = each(key, value)) return err;
    return caf::none;
  }
  static caf::error no_such_duration();
  void write_error(const caf::error&);
  caf::error write_duration(const caf::duration&);
  void fill_array_head(std::size_t where, std::size_t count);

  transport::byte_buffer& out_;
  handle_codec& handles_;
  message_catalog& catalog_;
  std::size_t fields_ = 0;
};

} // namespace troupe
