// What the payload codecs have in common: their limits, and which types are what.
#pragma once

#include <caf/actor_addr.hpp>
#include <caf/actor_cast.hpp>
#include <caf/duration.hpp>
#include <caf/error.hpp>
#include <caf/is_actor_handle.hpp>
#include <caf/node_id.hpp>
#include <caf/optional.hpp>
#include <caf/sec.hpp>
#include <caf/unit.hpp>

#include <array>
#include <bit>
#include <chrono>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <map>
#include <optional>
#include <ratio>
#include <string>
#include <tuple>
#include <type_traits>
#include <utility>
#include <vector>

namespace troupe {

/// Elements of a message inside a message.
inline constexpr std::size_t message_elements_max = 2048;
/// So deep may structures, sequences, maps, tuples, optionals and messages lie in one
/// another, whatever the codec and the direction.
inline constexpr int nesting_max = 64;
/// Memory that the elements of all sequences of one message may take when it is read:
/// a few bytes on the wire can stand for elements that are large, or for many empty ones.
inline constexpr std::size_t decoded_bytes_max = 256U << 20;

/// Elements without octets take time all the same: each is charged as if it took so many.
inline constexpr std::size_t empty_element_cost = 64;

namespace detail {

static_assert(std::endian::native == std::endian::little,
              "codec 0 copies integers; a big-endian port must swap them");

template <class T>
concept plain_number = std::is_arithmetic_v<T> && !std::is_same_v<T, bool> && !std::is_same_v<T, long double>;
template <class T>
concept string_like =
    std::is_same_v<T, std::string> || std::is_same_v<T, std::u16string> || std::is_same_v<T, std::u32string>;
template <class T>
concept iterable = requires(T& x) {
  x.begin();
  x.end();
  x.size();
  typename T::value_type;
}
&&!string_like<T>;
template <class T>
concept map_like = iterable<T> && requires {
  typename T::mapped_type;
};
template <class T>
struct is_optional : std::false_type {};
template <class T>
struct is_optional<std::optional<T>> : std::true_type {};
template <class T>
struct is_optional<caf::optional<T>> : std::true_type {};
template <class Optional>
using optional_value = std::remove_cvref_t<decltype(*std::declval<Optional&>())>;
template <class T>
struct is_duration : std::false_type {};
template <class R, class P>
struct is_duration<std::chrono::duration<R, P>> : std::true_type {};
template <class T>
struct is_time_point : std::false_type {};
template <class C, class D>
struct is_time_point<std::chrono::time_point<C, D>> : std::true_type {};
template <class T>
struct is_tuple : std::false_type {};
template <class... Ts>
struct is_tuple<std::tuple<Ts...>> : std::true_type {};
template <class A, class B>
struct is_tuple<std::pair<A, B>> : std::true_type {};
template <class T>
struct is_std_array : std::false_type {};
template <class T, std::size_t N>
struct is_std_array<std::array<T, N>> : std::true_type {};
/// What goes over the wire as an address.
template <class T>
concept handle_like = std::is_same_v<T, caf::strong_actor_ptr> || std::is_same_v<
    T, caf::weak_actor_ptr> || std::is_same_v<T, caf::actor_addr> || caf::is_actor_handle<T>::value;
template <class Inspector, class T>
concept inspectable_with = requires(Inspector& f, T& x) {
  inspect(f, x);
};

template <class T>
concept octets = requires(T& x) {
  x.data();
  x.resize(1);
}
&&!string_like<
    T> && (std::is_same_v<typename T::value_type, char> || std::is_same_v<typename T::value_type, unsigned char> || std::is_same_v<typename T::value_type, std::byte>);

/// Types one of whose values is written as nil; an optional of them needs a wrapping.
template <class T>
concept nilable = handle_like<T> || is_optional<T>::value || std::is_same_v<T, caf::unit_t> || std::is_same_v<
    T, caf::error> || std::is_same_v<T, caf::duration> || std::is_same_v<T, caf::node_id>;

/// How deep the value lies that a codec is at.
class nesting {
 protected:
  template <class Step>
  caf::error nested(Step step) {
    if (++depth_ > nesting_max) return caf::make_error(caf::sec::invalid_argument, "nested too deep");
    caf::error result = step();
    --depth_;
    return result;
  }

 private:
  int depth_ = 0;
};

/// The memory that what is read may still take.
class decode_budget {
 protected:
  /// False if there is not so much left.
  bool afford(std::size_t bytes) {
    if (bytes > left_) return false;
    left_ -= bytes;
    return true;
  }
  std::size_t affordable() const { return left_; }
  static caf::error too_large() {
    return caf::make_error(caf::sec::invalid_argument, "too many or too large elements");
  }

 private:
  std::size_t left_ = decoded_bytes_max;
};

__extension__ using wide_integer = __int128;

/// So many units of the ratio in whole ones: the nearest, and halves away from zero. Exact in
/// between, as a count has 64 bits and a ratio's terms have 63.
template <class Ratio>
constexpr wide_integer in_whole_units(wide_integer count) {
  const wide_integer scaled = count * Ratio::num;
  const wide_integer whole = scaled / Ratio::den, rest = scaled % Ratio::den;
  const wide_integer missing = rest < 0 ? -rest : rest;
  if (missing < Ratio::den - missing) return whole;
  return scaled < 0 ? whole - 1 : whole + 1;
}

// Both directions round to the nearest: cutting off would lose another unit each time that
// a value is passed on, wherever the unit is no whole number of nanoseconds or the count a
// floating-point number.

/// False where the duration has no count of nanoseconds in 64 bits.
template <class Rep, class Period>
bool to_nanoseconds(std::chrono::duration<Rep, Period> x, std::int64_t& count) {
  using ratio = std::ratio_divide<Period, std::nano>;
  if constexpr (std::is_floating_point_v<Rep>) {
    const auto whole = std::round(static_cast<long double>(x.count()) * ratio::num / ratio::den);
    if (!(whole >= -0x1p63L && whole < 0x1p63L)) return false;
    count = static_cast<std::int64_t>(whole);
  } else {
    const auto whole = in_whole_units<ratio>(x.count());
    if (whole < INT64_MIN || whole > INT64_MAX) return false;
    count = static_cast<std::int64_t>(whole);
  }
  return true;
}

/// False where the type cannot hold it. What is finer than its unit is rounded.
template <class Rep, class Period>
bool from_nanoseconds(std::int64_t count, std::chrono::duration<Rep, Period>& x) {
  using ratio = std::ratio_divide<std::nano, Period>;
  using duration = std::chrono::duration<Rep, Period>;
  if constexpr (std::is_floating_point_v<Rep>) {
    x = duration{static_cast<Rep>(static_cast<long double>(count) * ratio::num / ratio::den)};
  } else {
    using limits = std::numeric_limits<Rep>;
    const auto whole = in_whole_units<ratio>(count);
    if (whole < limits::min() || whole > limits::max()) return false;
    x = duration{static_cast<Rep>(whole)};
  }
  return true;
}

} // namespace detail

} // namespace troupe
