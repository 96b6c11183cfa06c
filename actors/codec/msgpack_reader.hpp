// Payload codec 1, reading. Straight from the bytes: msgpack-cxx's reader would build a
// tree of the whole payload before the first value is looked at.
#pragma once

#include "actors/codec/fields.hpp"
#include "actors/codec/handle_codec.hpp"
#include "actors/codec/node_key.hpp"
#include "transport/frames/peer.hpp"

#include <caf/atom.hpp>
#include <caf/binary_deserializer.hpp>
#include <caf/message.hpp>

#include <span>

namespace troupe {

class message_catalog;

/// What a MessagePack value begins with. The octets of text, bytes and extensions have
/// been checked to be there; so has one octet for each element of arrays and maps.
struct msgpack_head {
  enum class kind : std::uint8_t {
    nil,
    boolean,
    natural,
    negative,
    real,
    text,
    bytes,
    array,
    map,
    extension
  };
  kind what = kind::nil;
  std::int8_t extension = 0;
  /// boolean: 0 or 1; natural: the number; negative: its two's complement; else the
  /// length in octets, or the count of elements (of a map: of pairs).
  std::uint64_t number = 0;
  double real = 0;
};

/// Reads what msgpack_writer or any other writer of MessagePack wrote, from bytes that
/// nobody vouches for: nothing is allocated for a size that the bytes do not back.
class msgpack_reader : detail::nesting, detail::decode_budget {
 public:
  msgpack_reader(std::span<const char> in, handle_codec& handles, message_catalog& catalog)
      : in_(in), handles_(handles), catalog_(catalog) {}

  caf::execution_unit* context() { return handles_.serialization_context(); }
  std::size_t left() const { return in_.size(); }

  template <class T>
  caf::error apply(T& x) {
    if constexpr (std::is_same_v<T, bool>) {
      msgpack_head head;
      if (auto err = next(head)) return err;
      if (head.what != kind::boolean) return unexpected("a boolean", head);
      x = head.number != 0;
    } else if constexpr (std::is_same_v<T, caf::atom_value>) {
      return read_atom(x);
    } else if constexpr (std::is_enum_v<T>) {
      std::underlying_type_t<T> value{};
      if (auto err = apply(value)) return err;
      x = static_cast<T>(value);
    } else if constexpr (detail::plain_number<T>) {
      return read_number(x);
    } else if constexpr (std::is_same_v<T, std::string>) {
      return read_text(x);
    } else if constexpr (detail::handle_like<T>) {
      caf::strong_actor_ptr ptr;
      if (auto err = handle(ptr)) return err;
      x = caf::actor_cast<T>(ptr);
    } else if constexpr (std::is_same_v<T, caf::node_id>) {
      return read_node(x);
    } else if constexpr (std::is_same_v<T, caf::error>) {
      return read_error(x);
    } else if constexpr (std::is_same_v<T, caf::message>) {
      return nested([&] { return read_message(x); });
    } else if constexpr (std::is_same_v<T, caf::unit_t>) {
      bool was_nil = false;
      if (auto err = skip_nil(was_nil)) return err;
      if (!was_nil) return caf::make_error(caf::sec::invalid_argument, "nil expected");
    } else if constexpr (detail::is_optional<T>::value) {
      return nested([&] { return optional(x); });
    } else if constexpr (std::is_same_v<T, caf::duration>) {
      return read_duration(x);
    } else if constexpr (detail::is_duration<T>::value) {
      std::int64_t count = 0;
      if (auto err = read_number(count)) return err;
      if (!detail::from_nanoseconds(count, x)) return out_of_range();
    } else if constexpr (detail::is_time_point<T>::value) {
      typename T::duration since{};
      if (auto err = apply(since)) return err;
      x = T{since};
    } else if constexpr (detail::is_tuple<T>::value) {
      if (auto err = array_of(std::tuple_size_v<T>)) return err;
      return nested([&] { return std::apply([this](auto&... xs) { return this->each(xs...); }, x); });
    } else if constexpr (detail::octets<T>) {
      return octets(x);
    } else if constexpr (detail::map_like<T>) {
      return nested([&] { return associations(x); });
    } else if constexpr (detail::is_std_array<T>::value) {
      if (auto err = array_of(x.size())) return err;
      return nested([&]() -> caf::error {
        for (auto& element : x)
          if (auto err = apply(element)) return err;
        return caf::none;
      });
    } else if constexpr (detail::iterable<T> || detail::string_like<T>) {
      return nested([&] { return sequence(x); });
    } else if constexpr (detail::inspectable_with<fields_in, T>) {
      return structure(walks_of<T>, &x);
    } else {
      transport::byte_buffer opaque;
      if (auto err = octets(opaque)) return err;
      caf::binary_deserializer source{context(), opaque};
      return source(x);
    }
    return caf::none;
  }

  /// An array of its fields.
  caf::error structure(const struct_walks&, void* value);

  // -- MessagePack's kinds ---------------------------------------------------------------
  caf::error next(msgpack_head&);
  /// Any count; each element has at least one octet.
  caf::error array(std::size_t& count);
  /// Exactly so many.
  caf::error array_of(std::size_t count);
  caf::error handle(caf::strong_actor_ptr&);
  caf::error read_message(caf::message&);

 private:
  using kind = msgpack_head::kind;

  template <class... Ts>
  caf::error each(Ts&... xs) {
    caf::error result;
    static_cast<void>((!(result = apply(const_cast<std::remove_const_t<Ts>&>(xs))) && ...));
    return result;
  }
  template <class T>
  caf::error read_number(T& x) {
    msgpack_head head;
    if (auto err = next(head)) return err;
    using limits = std::numeric_limits<T>;
    if constexpr (std::is_floating_point_v<T>) {
      double value = head.real;
      if (head.what == kind::natural)
        value = static_cast<double>(head.number);
      else if (head.what == kind::negative)
        value = static_cast<double>(static_cast<std::int64_t>(head.number));
      else if (head.what != kind::real)
        return unexpected("a number", head);
      if (value - value == 0 && (value < double{limits::lowest()} || value > double{limits::max()}))
        return out_of_range(); // infinities and what is no number pass
      x = static_cast<T>(value);
    } else {
      if (head.what != kind::natural && head.what != kind::negative) return unexpected("an integer", head);
      const bool fits =
          head.what == kind::natural
              ? head.number <= static_cast<std::uint64_t>(limits::max())
              : std::is_signed_v<T> && static_cast<std::int64_t>(head.number) >= std::int64_t(limits::min());
      if (!fits) return out_of_range();
      x = static_cast<T>(head.number);
    }
    return caf::none;
  }
  template <class T>
  caf::error octets(T& xs) {
    msgpack_head head;
    if (auto err = next(head)) return err;
    if (head.what != kind::bytes) return unexpected("bytes", head);
    xs.resize(static_cast<std::size_t>(head.number));
    copy(xs.data(), xs.size());
    return caf::none;
  }
  template <class T>
  caf::error optional(T& x) {
    x = T{};
    bool was_nil = false;
    if (auto err = skip_nil(was_nil); err || was_nil) return err;
    if constexpr (detail::nilable<detail::optional_value<T>>)
      if (auto err = array_of(1)) return err;
    x = detail::optional_value<T>{};
    return apply(*x);
  }
  template <class T>
  caf::error sequence(T& xs) {
    std::size_t count = 0;
    if (auto err = array(count)) return err;
    xs.clear();
    for (std::size_t i = 0; i < count; ++i) {
      typename T::value_type value{};
      if (!afford(sizeof value)) return too_large();
      if (auto err = apply(value)) return err;
      xs.insert(xs.end(), std::move(value));
    }
    return caf::none;
  }
  template <class T>
  caf::error associations(T& xs) {
    msgpack_head head;
    if (auto err = next(head)) return err;
    if (head.what != kind::map) return unexpected("a map", head);
    xs.clear();
    for (std::uint64_t i = 0; i < head.number; ++i) {
      std::remove_const_t<typename T::key_type> key{};
      typename T::mapped_type value{};
      if (!afford(sizeof key + sizeof value)) return too_large();
      if (auto err = each(key, value)) return err;
      xs.emplace(std::move(key), std::move(value));
    }
    return caf::none;
  }
  bool take(std::size_t count, std::uint64_t& big_endian);
  void copy(void* to, std::size_t count);
  caf::error skip_nil(bool& was_nil);
  caf::error read_text(std::string&);
  caf::error read_atom(caf::atom_value&);
  caf::error read_node(caf::node_id&);
  caf::error read_error(caf::error&);
  caf::error read_duration(caf::duration&);
  static caf::error unexpected(const char* wanted, const msgpack_head& found);
  static caf::error out_of_range();

  std::span<const char> in_;
  handle_codec& handles_;
  message_catalog& catalog_;
  std::size_t fields_ = 0;
};

} // namespace troupe
